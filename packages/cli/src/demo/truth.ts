/** Computes the demo's six numbers straight from the file, with one SQL statement, in a process of its own. */

import { createClient, type ClickHouseClientConfigOptions } from '@clickhouse/client';
import { createChdbConnection } from 'chdb/connection';
import { FLIGHTS_PATH } from './flight-data.ts';

/** Flights of an airport count up to its first delay above 480 minutes. Airports are visited in the order of their codes. */
export const TRUTH_SQL = `
SELECT
    sum(length(counted)) AS \`Flights Processed\`,
    sum(arrayCount(flight -> flight.delay > 15, counted)) AS \`Flights Delayed\`,
    sum(arraySum(flight -> greatest(flight.delay, 0), counted)) AS \`Delay Minutes\`,
    minIf(arrayMin(flight -> flight.distance, counted), notEmpty(counted)) AS \`Shortest Flight Miles\`,
    maxIf(arrayMax(flight -> flight.delay, counted), notEmpty(counted)) AS \`Longest Delay Minutes\`,
    argMaxIf(counted[-1].delay, origin, notEmpty(counted)) AS \`Last Delay Minutes\`
FROM
(
    SELECT
        origin,
        groupArray(tuple(delay, distance)::Tuple(delay Int32, distance Int32)) AS flights,
        arrayFirstIndex(flight -> flight.delay > 480, flights) AS first_bad,
        if(first_bad = 0, flights, arraySlice(flights, 1, first_bad - 1)) AS counted
    FROM file({path:String}, 'JSONEachRow', 'delay Int32, distance Int32, origin String')
    GROUP BY origin
)
SETTINGS max_threads = 1, input_format_parallel_parsing = 0, input_format_skip_unknown_fields = 1`;

const client = createClient({
  connection: createChdbConnection({ path: ':memory:' }),
} as unknown as ClickHouseClientConfigOptions);
const answer = await client.query({
  query: TRUTH_SQL,
  query_params: { path: FLIGHTS_PATH },
  format: 'JSONEachRow',
});
const [numbers] = await answer.json<Record<string, string | number>>();
process.stdout.write(JSON.stringify(numbers));
await client.close();
