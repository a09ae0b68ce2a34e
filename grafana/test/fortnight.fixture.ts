/** Fills a project with a fortnight of batch work, through the raw tables of the contract: 20 jobs, 300 clients, and ten faults or none. */

import { randomUUID } from 'node:crypto';
import { createWriteStream } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type { Engine } from '@rollcall/ingest';
import { ROLLUPS, type RollupTable } from '../../packages/ingest/src/rollup/statements.ts';
import { planFortnight, type Dues, type PlannedRun } from './plan-fortnight.ts';

/** `small` is some 300,000 raw rows a project, `full` about five million. */
export type Size = 'small' | 'full';

export interface FortnightOptions {
  readonly project: string;
  readonly hasFaults: boolean;
  readonly size: Size;
  /** The end of the fortnight: the present, so that what runs now runs. */
  readonly nowMs: number;
}

export interface Fortnight {
  readonly project: string;
  readonly rawRows: number;
  readonly fillMs: number;
  readonly rollUpMs: number;
}

/** The same options make the same rows. Takes seconds for a small one, minutes for a full one. */
export async function fillFortnight(engine: Engine, options: FortnightOptions): Promise<Fortnight> {
  const { project, size } = options;
  const { runs, dues } = planFortnight(options);
  const startedMs = performance.now();
  await writeRuns(engine, { project, runs, lines: size === 'full' ? 13 : 2 });
  await writeSchedules(engine, { project, dues, nowMs: options.nowMs });
  const filledMs = performance.now();
  await rollUp(engine, project);
  await keepAlive(engine, options.nowMs);
  await writeHealth(engine, options.nowMs);
  const [counted] = await engine.rows<{ rows: number }>(COUNT_RAW, { project });
  return {
    project,
    rawRows: counted?.rows ?? 0,
    fillMs: Math.round(filledMs - startedMs),
    rollUpMs: Math.round(performance.now() - filledMs),
  };
}

/** Makes raw rows of planned runs, with so many plain log lines for each client run. */
export async function writeRuns(
  engine: Engine,
  { project, runs, lines }: { project: string; runs: Iterable<PlannedRun>; lines: number },
): Promise<void> {
  await loadPlan(engine, runs);
  for (const statement of [EVENTS, LINES, JOB_SPANS, CLIENT_SPANS, STEP_SPANS, POINTS]) {
    await engine.command(statement, { project, lines });
  }
  await engine.command('DROP TABLE fortnight_plan');
}

/** Computes the rollups of all runs of a project, as the service does for those that changed. */
export async function rollUp(engine: Engine, project: string): Promise<void> {
  for (const rollup of ROLLUPS) await engine.command(rollUpAll(rollup), { project });
  await engine.command(ROLLED_UP, { project });
}

/** Writes down that Rollcall is up, as ingest does every 15 seconds. */
export async function keepAlive(engine: Engine, nowMs: number): Promise<void> {
  await engine.command(
    `INSERT INTO ingest_alive (instance, since, until)
     SELECT 'fortnight', fromUnixTimestamp64Milli({since:Int64}, 'UTC'), now64(3, 'UTC')`,
    { since: nowMs - 15 * 86_400_000 },
  );
}

/** What ingest said of itself, every five minutes of a fortnight; on its fifth day it was behind for an hour. */
async function writeHealth(engine: Engine, nowMs: number): Promise<void> {
  await engine.command('TRUNCATE TABLE ingest_health');
  await engine.command(
    `INSERT INTO ingest_health
     SELECT fromUnixTimestamp64Milli({from:Int64} + number * 300000, 'UTC'), '127.0.0.1:4318', fromUnixTimestamp64Milli({from:Int64}, 'UTC'),
         number * 75, intDiv(number, 80), intDiv(number, 400), intDiv(number, 200), 0, if(behind, 40000000, 200000 + cityHash64(number) % 100000), if(behind, 30, 1),
         if(behind, 1800000, 400 + cityHash64(number, 1) % 600), if(behind, 900000, 200 + cityHash64(number, 2) % 400), 520000000 + cityHash64(number, 3) % 60000000, 0, NULL
     FROM (SELECT number, number BETWEEN 1200 AND 1211 AS behind FROM numbers(4032))`,
    { from: nowMs - 14 * 86_400_000 },
  );
}

async function loadPlan(engine: Engine, runs: Iterable<PlannedRun>): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'rollcall-fortnight-'));
  const path = join(folder, 'plan.jsonl');
  try {
    await pipeline(Readable.from(linesOf(runs)), createWriteStream(path));
    await engine.command('DROP TABLE IF EXISTS fortnight_plan');
    await engine.command(PLAN_TABLE);
    await engine.insertFile({ table: 'fortnight_plan', path, format: 'JSONEachRow', token: randomUUID() });
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

function* linesOf(runs: Iterable<PlannedRun>): Generator<string> {
  let text = '';
  for (const run of runs) {
    text += `${JSON.stringify(run)}\n`;
    if (text.length < 1_000_000) continue;
    yield text;
    text = '';
  }
  yield text;
}

const PLAN_TABLE = `CREATE TABLE fortnight_plan
(
    job String, run_id String, origin String, client_id String, attempt UInt16, started_ms Int64, ended_ms Int64,
    status String, error_type String, error_message String,
    events Array(Tuple(at_ms Int64, name String, attributes Map(String, String))),
    metrics Array(Tuple(name String, unit String, value Float64))
)
ENGINE = MergeTree ORDER BY (job, run_id)`;

const TIME = (ms: string): string =>
  `toDateTime64(fromUnixTimestamp64Milli(toInt64(${ms}), 'UTC'), 9, 'UTC')`;
const RESOURCE = `map('service.name', job, 'service.instance.id', concat('worker-', run_id))`;
const SPAN = `lower(hex(sipHash64(origin, client_id, attempt`;

const EVENTS = `INSERT INTO otel_logs (ProjectId, ReceivedAt, Timestamp, ObservedTimestamp, TraceId, SpanId, SeverityText, SeverityNumber, EventName, Body, ServiceName, ResourceAttributes, ScopeName, RunId, JobName, ClientId, LogAttributes)
SELECT {project:String}, toDateTime(${TIME('event.at_ms')}), ${TIME('event.at_ms')}, ${TIME('event.at_ms')}, origin, ${SPAN}))), 'INFO', 9, event.name, '', job, ${RESOURCE}, 'rollcall', run_id, job, client_id, event.attributes
FROM fortnight_plan ARRAY JOIN events AS event`;

const LINES = `INSERT INTO otel_logs (ProjectId, ReceivedAt, Timestamp, ObservedTimestamp, TraceId, SpanId, SeverityText, SeverityNumber, EventName, Body, ServiceName, ResourceAttributes, ScopeName, RunId, JobName, ClientId)
SELECT {project:String}, toDateTime(at), at, at, origin, ${SPAN}))), if(bad, 'ERROR', 'INFO'), if(bad, 17, 9), '',
    if(bad, format('{}: {}', error_type, error_message), format('page {} of {} handled for {}', toString(line + 1), toString({lines:UInt8}), client_id)), job, ${RESOURCE}, 'app', run_id, job, client_id
FROM (
    SELECT *, line, ${TIME(`started_ms + 100 + line * intDiv(if(ended_ms = 0, 20000, ended_ms - started_ms), {lines:UInt8} + 1)`)} AS at, line + 1 = {lines:UInt8} AND error_type != '' AS bad
    FROM fortnight_plan ARRAY JOIN range({lines:UInt8}) AS line WHERE client_id != ''
)`;

const SPAN_COLUMNS =
  'ProjectId, ReceivedAt, Timestamp, TraceId, SpanId, ParentSpanId, SpanName, SpanKind, ServiceName, ResourceAttributes, ScopeName, RunId, JobName, ClientId, SpanAttributes, Duration, StatusCode, StatusMessage';
const ENDED = `toDateTime(${TIME('ended_ms')})`;

const JOB_SPANS = `INSERT INTO otel_traces (${SPAN_COLUMNS})
SELECT {project:String}, ${ENDED}, ${TIME('started_ms')}, origin, ${SPAN}))), '', job, 'Internal', job, ${RESOURCE}, 'rollcall', run_id, job, '',
    map('rollcall.span.kind', 'job_run', 'rollcall.status', status, 'rollcall.attempt', '1', 'rollcall.event.count', events[-1].attributes['rollcall.event.sequence']),
    (ended_ms - started_ms) * 1000000, if(status = 'failed', 'Error', 'Unset'), error_message
FROM fortnight_plan WHERE client_id = '' AND ended_ms > 0`;

const CLIENT_SPANS = `INSERT INTO otel_traces (${SPAN_COLUMNS})
SELECT {project:String}, ${ENDED}, ${TIME('started_ms')}, origin, ${SPAN}))), lower(hex(sipHash64(origin, '', toUInt16(1)))), 'client run', 'Internal', job, ${RESOURCE}, 'rollcall', run_id, job, client_id,
    map('rollcall.span.kind', 'client_run', 'rollcall.status', status, 'rollcall.attempt', toString(attempt), 'exception.type', error_type, 'exception.message', error_message, 'rollcall.metric.series', toString(length(metrics))),
    (ended_ms - started_ms) * 1000000, if(status = 'failed', 'Error', 'Unset'), error_message
FROM fortnight_plan WHERE client_id != '' AND ended_ms > 0`;

const STEP_SPANS = `INSERT INTO otel_traces (${SPAN_COLUMNS})
SELECT {project:String}, ${ENDED}, ${TIME('started_ms + (step.2 * (ended_ms - started_ms)) / 10')}, origin, ${SPAN}, step.1))), ${SPAN}))), step.1, 'Internal', job, ${RESOURCE}, 'rollcall', run_id, job, client_id,
    map('rollcall.span.kind', 'step', 'rollcall.step.name', step.1), toUInt64((ended_ms - started_ms) * 1000000 * step.3 / 10), if(status = 'failed' AND step.1 = 'fetch', 'Error', 'Unset'), ''
FROM fortnight_plan ARRAY JOIN [('fetch', 0, 5), ('score', 5, 3), ('store', 8, 2)] AS step
WHERE client_id != '' AND ended_ms > 0`;

/** Odometers: half the value on the way, the whole of it at the end. */
const POINTS = `INSERT INTO otel_metrics_sum (ProjectId, ReceivedAt, MetricName, MetricUnit, StartTimeUnix, TimeUnix, ServiceName, ResourceAttributes, ScopeName, RunId, JobName, ClientId, Attributes, Value, AggregationTemporality, IsMonotonic)
SELECT {project:String}, toDateTime(at), metric.name, metric.unit, ${TIME('started_ms')}, at, job, ${RESOURCE}, 'rollcall', run_id, job, client_id,
    mapConcat(map('rollcall.metric.aggregation', 'sum', 'rollcall.run.origin', origin, 'rollcall.attempt', toString(attempt)), if(half = 2, map('rollcall.metric.final', 'true'), map())), metric.value * half / 2, 2, true
FROM (SELECT *, half, ${TIME('started_ms + intDiv((ended_ms - started_ms) * half, 2)')} AS at FROM fortnight_plan ARRAY JOIN [1, 2] AS half WHERE notEmpty(metrics)) ARRAY JOIN metrics AS metric`;

/** As the service does it, but for all runs in one statement. */
function rollUpAll({ table, facts, key, columns, hasDigest = false }: RollupTable): string {
  const computed = [key, ...columns, ...(hasDigest ? ['digest'] : [])].join(', ');
  return `INSERT INTO ${table} (${computed}, summarised_at)
    SELECT ${computed}, now64(3, 'UTC') FROM ${facts} WHERE project_id = {project:String}`;
}

const ROLLED_UP = `INSERT INTO run_touches (project_id, run_id, touched_at, summarised_at)
SELECT project_id, run_id, max(run_touches.touched_at), now64(3, 'UTC') FROM run_touches WHERE project_id = {project:String} GROUP BY project_id, run_id`;

const COUNT_RAW = `SELECT toUInt32(sum(n)) AS rows FROM (
    SELECT count() AS n FROM otel_logs WHERE ProjectId = {project:String}
    UNION ALL SELECT count() FROM otel_traces WHERE ProjectId = {project:String}
    UNION ALL SELECT count() FROM otel_metrics_sum WHERE ProjectId = {project:String})`;

/** As ingest writes them down ahead: it has worked them out from what the jobs declare when they start. */
export async function writeSchedules(
  engine: Engine,
  { project, dues, nowMs }: { project: string; dues: readonly Dues[]; nowMs: number },
): Promise<void> {
  const rows = dues.map((due) => JSON.stringify(due));
  const from = '(SELECT arrayJoin({rows:Array(String)}) AS row)';
  const time = (expression: string): string => `fromUnixTimestamp64Milli(toInt64(${expression}), 'UTC')`;
  await engine.command(
    `INSERT INTO schedule_plans (project_id, job_name, planned_at, source, expression, problem, late_after_ms, max_runtime_ms)
     SELECT {project:String}, JSONExtractString(row, 'job'), ${time('{now:Int64}')}, 'declared', JSONExtractString(row, 'expression'), '', JSONExtractUInt(row, 'lateAfterMs'), 0 FROM ${from}`,
    { project, rows, now: nowMs },
  );
  await engine.command(
    `INSERT INTO schedule_dues (project_id, job_name, due_at, earliest_at, overdue_at, source, cancelled, version)
     SELECT {project:String}, JSONExtractString(row, 'job'), ${time('due')}, ${time("due - intDiv(JSONExtractInt(row, 'everyMs'), 2)")}, ${time("due + JSONExtractInt(row, 'lateAfterMs')")}, 'declared', 0, {now:UInt64}
     FROM ${from} ARRAY JOIN JSONExtract(row, 'dueMs', 'Array(Int64)') AS due`,
    { project, rows, now: nowMs },
  );
}
