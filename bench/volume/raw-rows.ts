/** Writes raw spans and metric points of existing runs, straight into the tables, through all materialized views. */

import type { Engine } from '@rollcall/ingest';

const CHUNK = 5_000_000;
/** Of ten rows seven are spans. */
export const SHARE_OF_SPANS = 0.7;
const RUNS = 100_000;

/** Steps of the runs' clients, with twelve attributes, and points of three sums for each. */
export async function addRawRows(
  engine: Pick<Engine, 'command'>,
  from: number,
  until: number,
  say: (line: string) => void,
): Promise<void> {
  for (let first = from; first < until; first += CHUNK) {
    const rows = Math.min(CHUNK, until - first);
    const spans = Math.round(rows * SHARE_OF_SPANS);
    await addSpans(engine, 'otel_traces', first, spans);
    await addPoints(engine, 'otel_metrics_sum', first, rows - spans);
    say(`${((first + rows) / 1e6).toFixed(0)} million raw rows`);
  }
}

/** Steps alone, into a table with the columns of `otel_traces`. */
export async function addSpans(
  engine: Pick<Engine, 'command'>,
  table: string,
  first: number,
  rows: number,
): Promise<void> {
  await engine.command(spansSql(table), { first, rows, runs: RUNS });
}

/** Points of sums alone, into a table with the columns of `otel_metrics_sum`. */
export async function addPoints(
  engine: Pick<Engine, 'command'>,
  table: string,
  first: number,
  rows: number,
): Promise<void> {
  await engine.command(pointsSql(table), { first, rows, runs: RUNS });
}

const RUN_OF = `(SELECT groupArray(tuple(run_id, origin, job_name)) FROM (SELECT run_id, origin, job_name FROM run_summaries ORDER BY run_id DESC LIMIT {runs:UInt32})) AS runs,
    number + {first:UInt64} AS n,
    -- Twenty runs at a time, a thousand rows each.
    runs[1 + (20 * intDiv(n, 20000) + n % 20) % length(runs)] AS run,
    concat('client-', leftPad(toString(n % 200), 3, '0')) AS client,
    now64(9) - INTERVAL 30 DAY + toIntervalMillisecond(20 * n) AS at`;

const spansSql = (
  table: string,
): string => `INSERT INTO ${table} (ProjectId, ReceivedAt, Timestamp, TraceId, SpanId, ParentSpanId, SpanName, SpanKind, ServiceName,
    ResourceAttributes, ScopeName, RunId, JobName, ClientId, SpanAttributes, Duration, StatusCode)
WITH ${RUN_OF}
SELECT 'default', now(), at, run.2, lower(hex(sipHash64(n))), lower(hex(sipHash64(n + 1))), concat('step ', toString(n % 40)), 'Internal', run.3,
    map('service.name', run.3, 'service.instance.id', toString(n % 1000), 'host.name', concat('host-', toString(n % 50))), 'batch', run.1, run.3, client,
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
SELECT 'default', now(), map('service.name', run.3, 'service.instance.id', toString(n % 1000)), 'batch', run.3, concat('Metric ', toString(n % 3)), run.1, run.3, client,
    map('rollcall.run.id', run.1, 'rollcall.job.name', run.3, 'rollcall.client.id', client, 'rollcall.run.origin', run.2, 'rollcall.metric.aggregation', 'sum'),
    at - INTERVAL 1 HOUR, at, n % 1000, 2, 1
FROM numbers({rows:UInt64})`;
