/** Fills an engine with a big project, straight into the tables of evidence: 1,000 jobs, 100,000 runs, one run of 5,000 clients. */

import type { Engine } from '@rollcall/ingest';
import { ROLLUPS, type RollupTable } from '../packages/ingest/src/rollup/statements.ts';

export interface BigProject {
  readonly project: string;
  /** The run with many clients; it ended a few minutes ago. */
  readonly bigRunId: string;
  readonly bigJob: string;
}

export interface BigProjectOptions {
  readonly project?: string;
  readonly jobs?: number;
  readonly runs?: number;
  readonly bigRunClients?: number;
  /** Time of the newest ordinary run. */
  readonly now?: Date;
}

/** Seconds between two ordinary runs. */
const SPACING_S = 30;
/** The newest ordinary run has been over for a while. */
const NEWEST_AGE_S = 900;
/** The big run begins so long before `now`, and takes so long. */
const BIG_RUN_AGE_S = 1_500;
const BIG_RUN_LENGTH_S = 1_200;

/**
 * Every ordinary run has two clients, and one job in ten has two metrics. Of a hundred runs about three have a client that failed, one
 * failed as a whole, one was lost, and one had nothing to do. Inserts whole tables at once; it takes seconds.
 */
export async function fillBigProject(
  engine: Pick<Engine, 'command'>,
  {
    project = 'default',
    jobs = 1_000,
    runs = 100_000,
    bigRunClients = 5_000,
    now = new Date(),
  }: BigProjectOptions = {},
): Promise<BigProject> {
  const parameters = {
    project,
    jobs,
    runs,
    clients: bigRunClients,
    newest: Math.floor(now.getTime() / 1000) - NEWEST_AGE_S,
    spacing: SPACING_S,
    bigJob: 'fleet_scoring',
    bigStart: Math.floor(now.getTime() / 1000) - BIG_RUN_AGE_S - 7,
    bigLength: BIG_RUN_LENGTH_S,
  };
  for (const statement of [
    JOB_RUNS,
    CLIENT_RUNS,
    METRICS,
    FAILURES,
    BIG_JOB_RUN,
    BIG_CLIENTS,
    BIG_ROSTER,
    BIG_METRICS,
    BIG_FAILURES,
    BIG_STEPS,
    BIG_LOGS,
    ...ROLLUPS.map(rollUpAll),
    TOUCHES,
  ])
    await engine.command(statement, parameters);
  return { project, bigRunId: runIdOf(parameters.bigStart), bigJob: parameters.bigJob };
}

function runIdOf(seconds: number): string {
  return new Date(seconds * 1000)
    .toISOString()
    .replace(/^\d\d(\d\d)-(\d\d)-(\d\d)T(\d\d):(\d\d):(\d\d).*$/, '$1$2$3-$4$5$6');
}

const TIMES = `
    toDateTime64({newest:UInt32} - ({runs:UInt32} - number) * {spacing:UInt32}, 9, 'UTC') AS start,
    formatDateTime(start, '%y%m%d-%H%i%S') AS run_id,
    lower(hex(MD5(run_id))) AS origin,
    number % {jobs:UInt32} AS job_number,
    format('{}_{}', ['scoring', 'harvest', 'billing', 'sync', 'report', 'cleanup', 'export', 'enrich'][1 + job_number % 8], leftPad(toString(intDiv(job_number, 8)), 3, '0')) AS job_name,
    -- Another part of each job's runs than of the next job's.
    (number + intDiv(number, {jobs:UInt32}) * 7) % 100 AS kind,
    toUInt32(60 + job_number % 240 + cityHash64(number) % 30 + if(number % 37 = 0, 300, 0)) AS length_s`;

const NO_END = `tuple(toDateTime64(0, 9, 'UTC'), '', '', '', '')`;

const JOB_RUNS = `INSERT INTO job_run_states (project_id, run_id, origin, attempt, job_name, trace_id, started_at, ending, last_seen_at, heard_at, heartbeat_interval_ms)
SELECT {project:String}, run_id, origin, 1, job_name, origin, start,
    multiIf(
        kind = 7, ${NO_END},
        kind = 8, tuple(start + length_s, 'failed', '', 'ConnectionError', format('connection to db-{} refused', toString(job_number % 5))),
        kind = 9, tuple(start + 2, 'nothing_to_do', 'no new records', '', ''),
        tuple(start + length_s, 'completed', '', '', '')),
    start + if(kind = 7, 20, length_s), start + if(kind = 7, 20, length_s), 5000
FROM (SELECT ${TIMES} FROM numbers({runs:UInt32}))`;

const CLIENT_RUNS = `INSERT INTO client_run_states (project_id, run_id, origin, client_id, attempt, job_name, expected, trace_id, producer, started_at, ending, last_seen_at, heard_at)
SELECT {project:String}, run_id, origin, client_id, attempt, job_name, toUInt8(attempt = 0), if(attempt = 0, '', origin), if(attempt = 0, '', 'worker-1'),
    if(attempt = 0, NULL, start + slot),
    multiIf(
        attempt = 0 OR (kind = 7 AND slot = 1), ${NO_END},
        kind IN (1, 2, 3) AND slot = 1, tuple(start + length_s - 1, 'failed', '', 'TimeoutError', format('no answer from {} after {} ms', client_id, toString(1000 + number % 900))),
        kind = 9, tuple(start + 1, 'nothing_to_do', 'no new records', '', ''),
        tuple(start + length_s - 2, 'completed', '', '', '')),
    if(attempt = 0, toDateTime64(0, 9, 'UTC'), start + slot + 1), if(attempt = 0, toDateTime64(0, 9, 'UTC'), start + slot + 1)
FROM (SELECT number, ${TIMES} FROM numbers({runs:UInt32}))
ARRAY JOIN [0, 1] AS slot
CROSS JOIN (SELECT arrayJoin([0, 1]) AS attempt) AS tries
-- A wave through the clients, so that each job has its own, and each client has several jobs.
ARRAY JOIN [format('client-{}', leftPad(toString((job_number * 2 + slot) % 400), 3, '0'))] AS client_id
WHERE NOT (kind = 4 AND slot = 1 AND attempt = 1)`;

const METRICS = `INSERT INTO metric_states (project_id, run_id, origin, client_id, metric, aggregation, attempt, series, accumulation, job_name, unit, latest, lowest, highest)
SELECT {project:String}, run_id, origin, format('client-{}', leftPad(toString((job_number * 2 + slot) % 400), 3, '0')), metric.1, 'sum', 1, slot, start, job_name, metric.2,
    tuple(start + length_s, metric.3), metric.3, metric.3
FROM (SELECT number, ${TIMES} FROM numbers({runs:UInt32}))
ARRAY JOIN [0, 1] AS slot
ARRAY JOIN [('Records Processed', '', toFloat64(100 + cityHash64(number, slot) % 900)), ('Total Tokens', '', toFloat64(1000 + cityHash64(slot, number) % 90000))] AS metric
WHERE kind NOT IN (8, 9) AND job_number % 10 = 1`;

const FAILURES = `INSERT INTO failure_events (project_id, run_id, origin, client_id, attempt, trace_id, span_id, producer, sequence, occurred_at, job_name, step, fingerprint, error_type, error_message, stacktrace)
SELECT {project:String}, run_id, origin, if(kind = 8, '', format('client-{}', leftPad(toString((job_number * 2 + 1) % 400), 3, '0'))), 1, origin, '', 'worker-1', 9, start + length_s - 1, job_name, if(kind = 8, '', 'fetch'),
    lower(hex(sipHash64(kind = 8, job_number % 7))),
    if(kind = 8, 'ConnectionError', 'TimeoutError'),
    if(kind = 8, format('connection to db-{} refused', toString(job_number % 5)), format('no answer after {} ms', toString(1000 + number % 900))),
    'Error: as above\\n    at fetchRecords (file:///app/src/fetch.ts:41:11)\\n    at handleClient (file:///app/src/job.ts:17:5)'
FROM (SELECT number, ${TIMES} FROM numbers({runs:UInt32}))
WHERE kind IN (1, 2, 3, 8)`;

const BIG = `
    toDateTime64({bigStart:UInt32}, 9, 'UTC') AS start,
    formatDateTime(start, '%y%m%d-%H%i%S') AS run_id,
    lower(hex(MD5(run_id))) AS origin`;

/** Twenty at a time, in turn: a picture like that of a real pool of workers. */
const BIG_CLIENT = `${BIG},
    number % 20 AS lane,
    format('tenant-{}', leftPad(toString(number), 5, '0')) AS client_id,
    toUInt32({bigLength:UInt32} * 1000 / ({clients:UInt32} / 20)) AS slot_ms,
    start + toIntervalMillisecond(intDiv(number, 20) * slot_ms + cityHash64(number) % 500) AS begun,
    begun + toIntervalMillisecond(slot_ms * 0.4 + cityHash64(number, 1) % toUInt32(slot_ms * 0.5)) AS done,
    multiIf(number % 97 = 5, 'failed', number % 211 = 9, 'timed_out', number % 13 = 4, 'nothing_to_do', 'completed') AS status`;

const BIG_JOB_RUN = `INSERT INTO job_run_states (project_id, run_id, origin, attempt, job_name, trace_id, started_at, ending, last_seen_at, heard_at, progress, heartbeat_interval_ms)
SELECT {project:String}, run_id, origin, 1, {bigJob:String}, origin, start, tuple(start + {bigLength:UInt32} + 3, 'completed', '', '', ''), start + {bigLength:UInt32} + 3, start + {bigLength:UInt32} + 3, tuple(start + {bigLength:UInt32}, toUInt64({clients:UInt32}), toUInt64({clients:UInt32})), 5000
FROM (SELECT ${BIG})`;

const BIG_CLIENTS = `INSERT INTO client_run_states (project_id, run_id, origin, client_id, attempt, job_name, trace_id, span_id, producer, started_at, ending, last_seen_at, heard_at)
SELECT {project:String}, run_id, origin, client_id, 1, {bigJob:String}, origin, lower(hex(toUInt64(number + 1))), format('worker-{}', toString(lane)), begun,
    tuple(done, status, multiIf(status = 'nothing_to_do', 'no new leads', status = 'timed_out', 'limit of 3 s', ''), multiIf(status = 'failed', 'RateLimitError', status = 'timed_out', 'TimeoutError', ''), multiIf(status = 'failed', format('429 from the API, retry after {} s', toString(number % 60)), status = 'timed_out', 'limit of 3 s', '')),
    done, done
FROM (SELECT number, ${BIG_CLIENT} FROM numbers({clients:UInt32}))
WHERE number % 499 != 3`;

const BIG_ROSTER = `INSERT INTO client_run_states (project_id, run_id, origin, client_id, attempt, job_name, expected)
SELECT {project:String}, run_id, origin, client_id, 0, {bigJob:String}, 1
FROM (SELECT number, ${BIG_CLIENT} FROM numbers({clients:UInt32}))`;

const BIG_METRICS = `INSERT INTO metric_states (project_id, run_id, origin, client_id, metric, aggregation, attempt, series, accumulation, job_name, unit, latest, lowest, highest)
SELECT {project:String}, run_id, origin, client_id, metric.1, metric.2, 1, lane, begun, {bigJob:String}, metric.3, tuple(done, metric.4), metric.4, metric.4
FROM (SELECT number, ${BIG_CLIENT} FROM numbers({clients:UInt32}))
ARRAY JOIN [
    ('Leads Processed', 'sum', '', toFloat64(cityHash64(number, 2) % 40)),
    ('Total Tokens', 'sum', '', toFloat64(exp2(6 + cityHash64(number, 3) % 900 / 100.))),
    ('Longest Call', 'max', 'ms', toFloat64(80 + cityHash64(number, 4) % 2400)),
    ('Shortest Call', 'min', 'ms', toFloat64(8 + cityHash64(number, 5) % 70))
] AS metric
WHERE number % 499 != 3 AND status = 'completed'`;

const BIG_FAILURES = `INSERT INTO failure_events (project_id, run_id, origin, client_id, attempt, trace_id, span_id, producer, sequence, occurred_at, job_name, step, fingerprint, error_type, error_message, stacktrace)
SELECT {project:String}, run_id, origin, client_id, 1, origin, lower(hex(toUInt64(number + 1))), format('worker-{}', toString(lane)), 1, done, {bigJob:String}, 'score',
    lower(hex(sipHash64(status))), if(status = 'failed', 'RateLimitError', 'TimeoutError'), if(status = 'failed', format('429 from the API, retry after {} s', toString(number % 60)), 'limit of 3 s'),
    'Error: as above\\n    at score (file:///app/src/score.ts:88:13)\\n    at handleClient (file:///app/src/fleet.ts:23:7)'
FROM (SELECT number, ${BIG_CLIENT} FROM numbers({clients:UInt32}))
WHERE status IN ('failed', 'timed_out') AND number % 499 != 3`;

const BIG_STEPS = `INSERT INTO otel_traces (ProjectId, ReceivedAt, Timestamp, TraceId, SpanId, ParentSpanId, SpanName, SpanKind, ServiceName, RunId, JobName, ClientId, SpanAttributes, Duration, StatusCode)
SELECT {project:String}, now(), if(step = 0, begun, begun + toIntervalMillisecond(length_ms * 0.4)), origin, lower(hex(toUInt64(100000 + number * 2 + step))), lower(hex(toUInt64(number + 1))), ['fetch', 'score'][step + 1], 'Internal', 'fleet', run_id, {bigJob:String}, client_id,
    map('rollcall.span.kind', 'step', 'rollcall.step.name', ['fetch', 'score'][step + 1]), toUInt64(length_ms * if(step = 0, 0.4, 0.55) * 1e6), if(status = 'failed' AND step = 1, 'Error', 'Unset')
FROM (SELECT number, ${BIG_CLIENT}, toUnixTimestamp64Milli(done) - toUnixTimestamp64Milli(begun) AS length_ms FROM numbers({clients:UInt32}))
ARRAY JOIN [0, 1] AS step
WHERE number % 499 != 3`;

const BIG_LOGS = `INSERT INTO otel_logs (ProjectId, ReceivedAt, Timestamp, ObservedTimestamp, TraceId, SeverityText, SeverityNumber, Body, ServiceName, RunId, JobName, ClientId)
SELECT {project:String}, now(), done, done, origin, if(status = 'failed', 'ERROR', 'INFO'), if(status = 'failed', 17, 9), if(status = 'failed', '429 from the API, giving up', format('scored {}', client_id)), 'fleet', run_id, {bigJob:String}, client_id
FROM (SELECT number, ${BIG_CLIENT} FROM numbers({clients:UInt32}))
WHERE number % 499 != 3`;

/** As the service does it, but for all runs in one statement: run by run it would take a minute. */
function rollUpAll({ table, facts, key, columns, hasDigest = false }: RollupTable): string {
  const computed = [key, ...columns, ...(hasDigest ? ['digest'] : [])].join(', ');
  return `INSERT INTO ${table} (${computed}, summarised_at)
    SELECT ${computed}, now64(3, 'UTC') FROM ${facts} WHERE project_id = {project:String}`;
}

const TOUCHES = `INSERT INTO run_touches (project_id, run_id, touched_at, summarised_at)
SELECT DISTINCT project_id, run_id, now64(3, 'UTC') - INTERVAL 1 HOUR, now64(3, 'UTC') FROM job_run_states WHERE project_id = {project:String}`;
