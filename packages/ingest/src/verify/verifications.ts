/** Recomputes every rollup from raw rows, by another way than the rollups themselves, and compares. */

import { ROLLUPS, type RollupTable } from '../rollup/statements.ts';

/** What a verification answers, one row each. */
export interface Drift {
  /** Values compared. */
  readonly compared: number;
  /** Values that differ, are missing or are too many in the rollup. */
  readonly drifted: number;
  /** Sum of the absolute differences; 0 for what is not a number. */
  readonly drift: number;
  /** A few of the differences, in words. */
  readonly samples: readonly string[];
}

/**
 * Statements over the views and the raw tables, each answering one {@link Drift}.
 * Runs whose raw rows have passed their retention are left out: there is nothing left to compare them with.
 */
export const VERIFICATIONS: readonly { readonly rollup: string; readonly sql: string }[] = [
  { rollup: 'client_metrics', sql: verifyClientMetrics() },
  { rollup: 'job_metrics', sql: verifyJobMetrics() },
  { rollup: 'client_runs', sql: verifyClientRuns() },
  { rollup: 'job_runs', sql: verifyJobRuns() },
  { rollup: 'run_producers', sql: verifyProducers() },
  { rollup: 'failures', sql: verifyFailures() },
  { rollup: 'notes', sql: verifyNotes() },
  // The states agree with the raw rows; do the rows that people read agree with the states?
  ...ROLLUPS.map((rollup) => ({ rollup: rollup.table, sql: verifySettled(rollup) })),
];

/** Counts the runs that wait for their rollup: until there are none, the last level of {@link VERIFICATIONS} may differ. */
export const WAITING_RUNS = `SELECT toUInt32(count()) AS waiting FROM (${waitingRuns()})`;

function waitingRuns(): string {
  return `SELECT project_id, run_id FROM run_touches GROUP BY project_id, run_id HAVING max(run_touches.summarised_at) < max(run_touches.touched_at)`;
}

/** Rows that no evidence stands behind any more, rows that are missing, and rows that say something else. */
function verifySettled({ table, facts, key, columns }: RollupTable): string {
  const told = `toString(tuple(${columns.join(', ')}))`;
  return compareFacts(
    `SELECT ${key}, ${told} AS facts FROM ${facts} WHERE (project_id, run_id) NOT IN (${waitingRuns()})`,
    `SELECT ${key}, ${told} AS facts FROM ${table} FINAL WHERE (project_id, run_id) NOT IN (${waitingRuns()})`,
    key.split(', '),
    'SELECT project_id, run_id FROM run_touches',
  );
}

/** One row per client, metric and aggregation, from sorted raw points: no states, no hashes. */
function rawClientMetrics(): string {
  return `
    SELECT project_id, run_id, origin, client_id, metric, aggregation,
        multiIf(
            aggregation = 'sum', arraySum(arraySort(groupArray(latest_value))),
            aggregation = 'min', arrayMin(groupArray(lowest)),
            aggregation = 'max', arrayMax(groupArray(highest)),
            arraySort(groupArray((latest_at, latest_value)))[-1].2) AS value,
        max(latest_at) AS updated_at
    FROM
    (
        SELECT project_id, run_id, origin, client_id, metric, aggregation, attempt,
            arraySort(groupArray((at, value)))[-1] AS latest,
            latest.1 AS latest_at,
            latest.2 AS latest_value,
            arrayMin(groupArray(value)) AS lowest,
            arrayMax(groupArray(value)) AS highest,
            max(attempt) OVER (PARTITION BY project_id, run_id, origin, client_id) AS last_reporting
        FROM
        (
            ${rawPoints('otel_metrics_sum', 'sum', 'if(AggregationTemporality = 1, TimeUnix, StartTimeUnix)')}
            UNION ALL
            ${rawPoints('otel_metrics_gauge', 'last', "if(aggregation = 'sum', StartTimeUnix, toDateTime64(0, 9, 'UTC'))")}
        )
        GROUP BY project_id, run_id, origin, client_id, metric, aggregation, attempt, series, accumulation
    ) AS reported
    LEFT JOIN (${rawTries()}) AS tries USING (project_id, run_id, origin, client_id)
    WHERE attempt = greatest(last_reporting, tries.tried)
    GROUP BY project_id, run_id, origin, client_id, metric, aggregation`;
}

/** The last try of each client run and of each job run (client ''), by events and spans. */
function rawTries(): string {
  const attempt = (attributes: string): string =>
    `greatest(1, toUInt16OrZero(${attributes}['rollcall.attempt']))`;
  const origin = (attributes: string): string =>
    `if(${attributes}['rollcall.run.origin'] != '', ${attributes}['rollcall.run.origin'], TraceId)`;
  return `
        SELECT project_id, run_id, origin, client_id, arrayMax(groupArray(attempt)) AS tried
        FROM
        (
            SELECT ProjectId AS project_id, RunId AS run_id, ${origin('LogAttributes')} AS origin, ClientId AS client_id, ${attempt('LogAttributes')} AS attempt
            FROM otel_logs
            WHERE RunId != '' AND if(ClientId = '', EventName IN ('rollcall.run.started', 'rollcall.run.heartbeat', 'rollcall.run.ended'),
                EventName IN ('rollcall.client_run.started', 'rollcall.client_run.heartbeat', 'rollcall.client_run.ended'))
            UNION ALL
            SELECT ProjectId, RunId, ${origin('SpanAttributes')}, ClientId, ${attempt('SpanAttributes')}
            FROM otel_traces
            WHERE RunId != '' AND SpanAttributes['rollcall.span.kind'] = if(ClientId = '', 'job_run', 'client_run')
        )
        GROUP BY project_id, run_id, origin, client_id`;
}

function rawPoints(table: string, defaultAggregation: string, accumulation: string): string {
  return `SELECT ProjectId AS project_id, RunId AS run_id, Attributes['rollcall.run.origin'] AS origin,
                ClientId AS client_id, MetricName AS metric,
                if(Attributes['rollcall.metric.aggregation'] IN ('sum', 'min', 'max', 'last'), Attributes['rollcall.metric.aggregation'], '${defaultAggregation}') AS aggregation,
                greatest(1, toUInt16OrZero(Attributes['rollcall.attempt'])) AS attempt,
                toString((if(ResourceAttributes['service.instance.id'] != '', map('service.instance.id', ResourceAttributes['service.instance.id']), mapSort(CAST(ResourceAttributes, 'Map(String, String)'))), ScopeName, mapSort(mapFilter((k, v) -> k != 'rollcall.metric.final', Attributes)))) AS series,
                ${accumulation} AS accumulation,
                TimeUnix AS at, Value AS value
            FROM ${table}
            WHERE RunId != '' AND isFinite(Value)`;
}

function verifyClientMetrics(): string {
  return compareNumbers(rawClientMetrics(), '(SELECT * FROM metric_facts WHERE is_reported = 1)', [
    'project_id',
    'run_id',
    'origin',
    'client_id',
    'metric',
    'aggregation',
  ]);
}

function verifyJobMetrics(): string {
  const raw = `
    SELECT project_id, run_id, origin, metric, aggregation,
        multiIf(
            aggregation = 'sum', arraySum(arraySort(groupArray(of_client.value))),
            aggregation = 'min', arrayMin(groupArray(of_client.value)),
            aggregation = 'max', arrayMax(groupArray(of_client.value)),
            arraySort(groupArray((of_client.updated_at, of_client.value)))[-1].2) AS value
    FROM (${rawClientMetrics()}) AS of_client
    GROUP BY project_id, run_id, origin, metric, aggregation`;
  return compareNumbers(raw, '(SELECT * FROM job_metric_facts WHERE is_reported = 1)', [
    'project_id',
    'run_id',
    'origin',
    'metric',
    'aggregation',
  ]);
}

function compareNumbers(raw: string, view: string, keys: readonly string[]): string {
  const list = keys.join(', ');
  return `
    SELECT count() AS compared,
        countIf(sides != 3 OR value_raw != value_rollup) AS drifted,
        sumIf(if(sides = 3, abs(value_raw - value_rollup), abs(value_raw) + abs(value_rollup)), isFinite(value_raw) AND isFinite(value_rollup)) AS drift,
        groupArrayIf(3)(concat(toString((${list})), ': raw ', toString(value_raw), ', rollup ', toString(value_rollup)), sides != 3 OR value_raw != value_rollup) AS samples
    FROM
    (
        SELECT ${list}, sum(side) AS sides, sumIf(v, side = 1) AS value_raw, sumIf(v, side = 2) AS value_rollup
        FROM
        (
            SELECT ${list}, value AS v, 1 AS side FROM (${raw})
            UNION ALL
            SELECT ${list}, value AS v, 2 AS side FROM ${view}
            WHERE (project_id, run_id) IN (
                SELECT ProjectId, RunId FROM otel_metrics_sum WHERE RunId != ''
                UNION DISTINCT SELECT ProjectId, RunId FROM otel_metrics_gauge WHERE RunId != '')
        )
        GROUP BY ${list}
    )`;
}

/** Start, end and declared status of the last attempt of each client run, sorted out of raw events and spans. */
function verifyClientRuns(): string {
  const raw = `
    SELECT project_id, run_id, origin, client_id,
        toString((last_attempt, arrayMin(arrayMap(e -> e.2, started)), arraySort(ended)[-1], toUInt8(expected), job)) AS facts
    FROM
    (
        SELECT project_id, run_id, origin, client_id,
            max(attempt) AS last_attempt,
            max(is_roster) AS expected,
            groupArray((attempt, start, end, status, reason, error_type, error_message)) AS evidence,
            max(job_name) AS job,
            arrayFilter(e -> e.1 = last_attempt AND e.2 > toDateTime64(0, 9, 'UTC'), evidence) AS started,
            arrayMap(e -> (e.3, e.4, e.5, e.6, e.7), arrayFilter(e -> e.1 = last_attempt AND e.3 > toDateTime64(0, 9, 'UTC'), evidence)) AS ended
        FROM
        (
            SELECT ProjectId AS project_id, RunId AS run_id, if(LogAttributes['rollcall.run.origin'] != '', LogAttributes['rollcall.run.origin'], TraceId) AS origin,
                ClientId AS client_id, greatest(1, toUInt16OrZero(LogAttributes['rollcall.attempt'])) AS attempt, 0 AS is_roster,
                if(EventName = 'rollcall.client_run.started', Timestamp, toDateTime64(0, 9, 'UTC')) AS start,
                if(EventName = 'rollcall.client_run.ended', Timestamp, toDateTime64(0, 9, 'UTC')) AS end,
                if(EventName = 'rollcall.client_run.ended', LogAttributes['rollcall.status'], '') AS status,
                LogAttributes['rollcall.status.reason'] AS reason, LogAttributes['exception.type'] AS error_type, LogAttributes['exception.message'] AS error_message, JobName AS job_name
            FROM otel_logs
            WHERE RunId != '' AND ClientId != '' AND EventName IN ('rollcall.client_run.started', 'rollcall.client_run.heartbeat', 'rollcall.client_run.ended')
            UNION ALL
            SELECT ProjectId, RunId, if(LogAttributes['rollcall.run.origin'] != '', LogAttributes['rollcall.run.origin'], TraceId),
                arrayJoin(JSONExtract(LogAttributes['rollcall.clients.expected'], 'Array(String)')), 0, 1,
                toDateTime64(0, 9, 'UTC'), toDateTime64(0, 9, 'UTC'), '', '', '', '', JobName
            FROM otel_logs
            WHERE RunId != '' AND EventName = 'rollcall.run.roster'
            UNION ALL
            SELECT ProjectId, RunId, if(SpanAttributes['rollcall.run.origin'] != '', SpanAttributes['rollcall.run.origin'], TraceId),
                ClientId, greatest(1, toUInt16OrZero(SpanAttributes['rollcall.attempt'])), 0,
                Timestamp, Timestamp + toIntervalNanosecond(Duration),
                multiIf(SpanAttributes['rollcall.status'] != '', SpanAttributes['rollcall.status'], StatusCode = 'Error', 'failed', 'completed'),
                SpanAttributes['rollcall.status.reason'], SpanAttributes['exception.type'], SpanAttributes['exception.message'], JobName
            FROM otel_traces
            WHERE RunId != '' AND ClientId != '' AND SpanAttributes['rollcall.span.kind'] = 'client_run'
        )
        GROUP BY project_id, run_id, origin, client_id
    )`;
  const rollup = `
    SELECT project_id, run_id, origin, client_id,
        toString((attempt, ifNull(started_at, toDateTime64(0, 9, 'UTC')), (declared_end_at, declared_status, reason, error_type, error_message), toUInt8(expected), job_name)) AS facts
    FROM client_run_facts
    WHERE attempt > 0 OR expected = 1`;
  return compareFacts(raw, rollup, ['project_id', 'run_id', 'origin', 'client_id'], runsInLogsOrTraces());
}

/** Start, own end and declared status of each job run, and how many of its clients declared what. */
function verifyJobRuns(): string {
  const raw = `
    SELECT project_id, run_id, origin,
        toString((last_attempt, arrayMin(arrayMap(e -> e.2, started)), arraySort(ended)[-1], job)) AS facts
    FROM
    (
        SELECT project_id, run_id, origin,
            max(attempt) AS last_attempt,
            groupArray((attempt, start, end, status, reason, error_type, error_message)) AS evidence,
            max(job_name) AS job,
            arrayFilter(e -> e.1 = last_attempt AND e.2 > toDateTime64(0, 9, 'UTC'), evidence) AS started,
            arrayMap(e -> (e.3, e.4, e.5, e.6, e.7), arrayFilter(e -> e.1 = last_attempt AND e.3 > toDateTime64(0, 9, 'UTC'), evidence)) AS ended
        FROM
        (
            SELECT ProjectId AS project_id, RunId AS run_id, if(LogAttributes['rollcall.run.origin'] != '', LogAttributes['rollcall.run.origin'], TraceId) AS origin,
                greatest(1, toUInt16OrZero(LogAttributes['rollcall.attempt'])) AS attempt,
                if(EventName = 'rollcall.run.started', Timestamp, toDateTime64(0, 9, 'UTC')) AS start,
                if(EventName = 'rollcall.run.ended', Timestamp, toDateTime64(0, 9, 'UTC')) AS end,
                if(EventName = 'rollcall.run.ended', LogAttributes['rollcall.status'], '') AS status,
                LogAttributes['rollcall.status.reason'] AS reason, LogAttributes['exception.type'] AS error_type, LogAttributes['exception.message'] AS error_message, JobName AS job_name
            FROM otel_logs
            WHERE RunId != '' AND ClientId = '' AND EventName IN ('rollcall.run.started', 'rollcall.run.heartbeat', 'rollcall.run.ended')
            UNION ALL
            SELECT ProjectId, RunId, if(SpanAttributes['rollcall.run.origin'] != '', SpanAttributes['rollcall.run.origin'], TraceId),
                greatest(1, toUInt16OrZero(SpanAttributes['rollcall.attempt'])),
                Timestamp, Timestamp + toIntervalNanosecond(Duration),
                multiIf(SpanAttributes['rollcall.status'] != '', SpanAttributes['rollcall.status'], StatusCode = 'Error', 'failed', 'completed'),
                SpanAttributes['rollcall.status.reason'], SpanAttributes['exception.type'], SpanAttributes['exception.message'], JobName
            FROM otel_traces
            WHERE RunId != '' AND SpanAttributes['rollcall.span.kind'] = 'job_run'
        )
        GROUP BY project_id, run_id, origin
    )`;
  const rollup = `
    SELECT project_id, run_id, origin,
        toString((attempt, ifNull(started_at, toDateTime64(0, 9, 'UTC')), (ending.at, ending.status, ending.reason, ending.error_type, ending.error_message), job_name)) AS facts
    FROM job_run_latest
    WHERE last_seen_at > toDateTime64(0, 9, 'UTC')`;
  return compareFacts(raw, rollup, ['project_id', 'run_id', 'origin'], runsInLogsOrTraces());
}

function verifyProducers(): string {
  const raw = `
    SELECT ProjectId AS project_id, RunId AS run_id,
        if(LogAttributes['rollcall.run.origin'] != '', LogAttributes['rollcall.run.origin'], TraceId) AS origin,
        ResourceAttributes['service.instance.id'] AS producer,
        toString(length(arrayDistinct(groupArray(toUInt32OrZero(LogAttributes['rollcall.event.sequence']))))) AS facts
    FROM otel_logs
    WHERE RunId != '' AND startsWith(EventName, 'rollcall.') AND toUInt32OrZero(LogAttributes['rollcall.event.sequence']) > 0
    GROUP BY project_id, run_id, origin, producer`;
  const rollup = `
    SELECT project_id, run_id, origin, producer, toString(events_received) AS facts
    FROM run_producers_latest
    WHERE events_received > 0`;
  return compareFacts(raw, rollup, ['project_id', 'run_id', 'origin', 'producer'], runsInLogsOrTraces());
}

function verifyFailures(): string {
  const raw = `
    SELECT ProjectId AS project_id, RunId AS run_id,
        if(LogAttributes['rollcall.run.origin'] != '', LogAttributes['rollcall.run.origin'], TraceId) AS origin,
        ClientId AS client_id,
        toString(length(arrayDistinct(groupArray((greatest(1, toUInt16OrZero(LogAttributes['rollcall.attempt'])), TraceId, SpanId, ResourceAttributes['service.instance.id'], LogAttributes['rollcall.event.sequence'], Timestamp))))) AS facts
    FROM otel_logs
    WHERE RunId != '' AND EventName = 'rollcall.failure'
    GROUP BY project_id, run_id, origin, client_id`;
  const rollup = `
    SELECT project_id, run_id, origin, client_id, toString(count()) AS facts
    FROM failures
    GROUP BY project_id, run_id, origin, client_id`;
  return compareFacts(raw, rollup, ['project_id', 'run_id', 'origin', 'client_id'], runsInLogsOrTraces());
}

function verifyNotes(): string {
  const raw = `
    SELECT ProjectId AS project_id, RunId AS run_id,
        if(LogAttributes['rollcall.run.origin'] != '', LogAttributes['rollcall.run.origin'], TraceId) AS origin,
        ClientId AS client_id, LogAttributes['rollcall.note.code'] AS code, LogAttributes['rollcall.note.subject'] AS subject,
        ResourceAttributes['service.instance.id'] AS producer,
        toString(arraySort(groupArray((toUInt64(greatest(1, toUInt64OrZero(LogAttributes['rollcall.note.count']))), LogAttributes['rollcall.note.text'])))[-1]) AS facts
    FROM otel_logs
    WHERE RunId != '' AND EventName = 'rollcall.note'
    GROUP BY project_id, run_id, origin, client_id, code, subject, producer`;
  const rollup = `
    SELECT project_id, run_id, origin, client_id, code, subject, producer, toString(max(run_notes.note)) AS facts
    FROM run_notes
    GROUP BY project_id, run_id, origin, client_id, code, subject, producer`;
  const keys = ['project_id', 'run_id', 'origin', 'client_id', 'code', 'subject', 'producer'];
  return compareFacts(raw, rollup, keys, runsInLogsOrTraces());
}

function runsInLogsOrTraces(): string {
  return `
    SELECT ProjectId, RunId FROM otel_logs WHERE RunId != '' AND startsWith(EventName, 'rollcall.')
    UNION DISTINCT SELECT ProjectId, RunId FROM otel_traces WHERE RunId != '' AND SpanAttributes['rollcall.span.kind'] != ''`;
}

function compareFacts(raw: string, rollup: string, keys: readonly string[], runs: string): string {
  const list = keys.join(', ');
  return `
    SELECT count() AS compared,
        countIf(sides != 3 OR facts_raw != facts_rollup) AS drifted,
        0. AS drift,
        groupArrayIf(3)(concat(toString((${list})), ': raw ', facts_raw, ', rollup ', facts_rollup), sides != 3 OR facts_raw != facts_rollup) AS samples
    FROM
    (
        SELECT ${list}, sum(side) AS sides, maxIf(f, side = 1) AS facts_raw, maxIf(f, side = 2) AS facts_rollup
        FROM
        (
            SELECT ${list}, facts AS f, 1 AS side FROM (${raw})
            UNION ALL
            SELECT ${list}, facts AS f, 2 AS side FROM (${rollup}) WHERE (project_id, run_id) IN (${runs})
        )
        GROUP BY ${list}
    )`;
}
