/** Writes raw spans and metric points of existing runs, straight into the tables, through all materialized views. */

import type { Engine } from '@rollcall/ingest';

const CHUNK = 5_000_000;
/** Of ten rows seven are spans. */
export const SHARE_OF_SPANS = 0.7;
const RUNS = 100_000;

/** Rows go to so many runs at a time. */
const RUNS_AT_ONCE = 20;

/** Rows from `first` on, of which each run has so many. */
export interface RowRange {
  readonly first: number;
  readonly rows: number;
  readonly rowsOfRun: number;
}

/**
 * Steps of the runs' clients, with twelve attributes, and points of three sums for each. However many there are, they are
 * of the same runs and the same clients.
 */
export async function addRawRows(
  engine: Pick<Engine, 'command'>,
  rows: number,
  say: (line: string) => void,
): Promise<void> {
  const rowsOfRun = rows / RUNS;
  const spansOfRun = Math.max(1, Math.round(rowsOfRun * SHARE_OF_SPANS));
  const pointsOfRun = Math.max(1, Math.round(rowsOfRun) - spansOfRun);
  for (let first = 0; first < rows; first += CHUNK) {
    const until = Math.min(first + CHUNK, rows);
    await addSpans(engine, 'otel_traces', rangeOf(first, until, SHARE_OF_SPANS, spansOfRun));
    await addPoints(engine, 'otel_metrics_sum', rangeOf(first, until, 1 - SHARE_OF_SPANS, pointsOfRun));
    say(`${(until / 1e6).toFixed(0)} million raw rows`);
  }
}

function rangeOf(first: number, until: number, share: number, rowsOfRun: number): RowRange {
  const firstOfKind = Math.round(first * share);
  return { first: firstOfKind, rows: Math.round(until * share) - firstOfKind, rowsOfRun };
}

/** Steps alone, into a table with the columns of `otel_traces`. */
export async function addSpans(
  engine: Pick<Engine, 'command'>,
  table: string,
  range: RowRange,
): Promise<void> {
  await engine.command(spansSql(table), { ...range, runs: RUNS });
}

/** Points of sums alone, into a table with the columns of `otel_metrics_sum`. */
export async function addPoints(
  engine: Pick<Engine, 'command'>,
  table: string,
  range: RowRange,
): Promise<void> {
  await engine.command(pointsSql(table), { ...range, runs: RUNS });
}

const RUN_OF = `(
        SELECT groupArray(tuple(run_id, origin, job_name, started_at, clients))
        FROM (
            SELECT run_id, origin, run.job_name AS job_name, assumeNotNull(run.started_at) AS started_at, client.clients AS clients
            FROM run_summaries AS run
            INNER JOIN (SELECT run_id, origin, groupUniqArray(client_id) AS clients FROM client_run_summaries GROUP BY run_id, origin) AS client USING (run_id, origin)
            WHERE run.started_at IS NOT NULL
            ORDER BY run_id DESC LIMIT {runs:UInt32}
        )
    ) AS runs,
    number + {first:UInt64} AS n,
    intDiv(n, ${RUNS_AT_ONCE}) AS row,
    runs[1 + (${RUNS_AT_ONCE} * intDiv(row, {rowsOfRun:UInt32}) + n % ${RUNS_AT_ONCE}) % length(runs)] AS run,
    run.5[1 + row % length(run.5)] AS client,
    toString(cityHash64(run.1) % 1000) AS instance,
    run.4 + toIntervalMillisecond(50 * (row % {rowsOfRun:UInt32})) AS at`;

const spansSql = (
  table: string,
): string => `INSERT INTO ${table} (ProjectId, ReceivedAt, Timestamp, TraceId, SpanId, ParentSpanId, SpanName, SpanKind, ServiceName,
    ResourceAttributes, ScopeName, RunId, JobName, ClientId, SpanAttributes, Duration, StatusCode)
WITH ${RUN_OF}
SELECT 'default', now(), at, run.2, lower(hex(sipHash64(n))), lower(hex(sipHash64(n + 1))), concat('step ', toString(n % 40)), 'Internal', run.3,
    map('service.name', run.3, 'service.instance.id', instance, 'host.name', concat('host-', toString(n % 50))), 'batch', run.1, run.3, client,
    map('rollcall.run.id', run.1, 'rollcall.job.name', run.3, 'rollcall.client.id', client, 'rollcall.run.origin', run.2, 'rollcall.span.kind', 'step',
        'http.request.method', 'GET', 'http.response.status_code', toString(200 + n % 5), 'url.full', concat('https://api.example/v1/leads/', toString(cityHash64(n) % 1000000)),
        'db.system', 'postgresql', 'db.operation', 'SELECT', 'retry.count', toString(n % 3), 'batch.size', toString(n % 500)),
    cityHash64(n, 1) % 5000000000, if(n % 100 = 0, 'Error', 'Ok')
FROM numbers({rows:UInt64})`;

const pointsSql = (
  table: string,
): string => `INSERT INTO ${table} (ProjectId, ReceivedAt, ResourceAttributes, ScopeName, ServiceName, MetricName, RunId, JobName, ClientId, Attributes,
    StartTimeUnix, TimeUnix, Value, AggregationTemporality, IsMonotonic)
WITH ${RUN_OF}
SELECT 'default', now(), map('service.name', run.3, 'service.instance.id', instance), 'batch', run.3, concat('Metric ', toString(n % 3)), run.1, run.3, client,
    map('rollcall.run.id', run.1, 'rollcall.job.name', run.3, 'rollcall.client.id', client, 'rollcall.run.origin', run.2, 'rollcall.metric.aggregation', 'sum'),
    at - INTERVAL 1 HOUR, at, n % 1000, 2, 1
FROM numbers({rows:UInt64})`;
