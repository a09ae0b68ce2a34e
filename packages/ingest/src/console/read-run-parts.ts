/** Reads what belongs to one job run: steps, metrics with their spread, failures, attempts, logs. */

import type { Engine } from '../store/engine.ts';
import type { RunKey } from '../tracking/records.ts';
import { epochMs } from './times.ts';

export interface Step {
  readonly name: string;
  /** Empty where the step belongs to the job run itself. */
  readonly clientId: string;
  /** Milliseconds since 1970. */
  readonly startedMs: number;
  readonly durationMs: number;
  readonly isError: boolean;
  readonly spanId: string;
}

/** Raw rows of a run arrive after its start; a sender's clock may be a day ahead at most. */
const RAW_ROWS_OF_RUN = `ProjectId = {project:String} AND RunId = {runId:String}
    AND ReceivedAt >= parseDateTimeOrZero(concat('20', left({runId:String}, 13)), '%Y%m%d-%H%i%s', 'UTC') - INTERVAL 1 DAY`;

/** Of raw rows, those of this run and not of another one with the same ID. */
function sameOrigin(attributes: string): string {
  return `if(${attributes}['rollcall.run.origin'] != '', ${attributes}['rollcall.run.origin'], TraceId) IN ({origin:String}, '')`;
}

/** Steps that have ended, in the order in which they began; more than `limit` are left out, and `isCut` says so. */
export async function readSteps(
  engine: Engine,
  { project, runId, origin }: RunKey,
  { clientId = '', limit }: { clientId?: string; limit: number },
): Promise<{ steps: Step[]; isCut: boolean }> {
  const rows = await engine.rows<Omit<Step, 'isError'> & { isError: number }>(
    `SELECT if(SpanAttributes['rollcall.step.name'] != '', SpanAttributes['rollcall.step.name'], SpanName) AS name, ClientId AS clientId,
        ${epochMs('Timestamp')} AS startedMs, Duration / 1e6 AS durationMs, StatusCode = 'Error' AS isError, SpanId AS spanId
     FROM otel_traces
     WHERE ${RAW_ROWS_OF_RUN} AND ${sameOrigin('SpanAttributes')}
       AND SpanAttributes['rollcall.span.kind'] = 'step' AND ({clientId:String} = '' OR ClientId = {clientId:String})
     ORDER BY Timestamp LIMIT 1 BY SpanId LIMIT {limit:UInt32}`,
    { project, runId, origin, clientId, limit: limit + 1 },
  );
  return {
    steps: rows.slice(0, limit).map((row) => ({ ...row, isError: row.isError === 1 })),
    isCut: rows.length > limit,
  };
}

export interface MetricSpread {
  readonly metric: string;
  readonly aggregation: string;
  readonly unit: string;
  readonly value: number;
  /** How many clients reported it. */
  readonly clients: number;
  readonly updatedMs: number | null;
  /** Over the clients; null where it was reported for the job run alone. */
  readonly spread: {
    readonly min: number;
    readonly lower: number;
    readonly median: number;
    readonly upper: number;
    readonly max: number;
    /** How many clients lie in each of 24 equal parts between `min` and `max`. */
    readonly histogram: number[];
    readonly highest: { readonly clientId: string; readonly value: number }[];
    readonly lowest: { readonly clientId: string; readonly value: number }[];
  } | null;
}

const PARTS = 24;

export async function readMetricSpreads(engine: Engine, key: RunKey): Promise<MetricSpread[]> {
  const { project, runId, origin } = key;
  const parameters = { project, runId, origin };
  const SAME = 'project_id = {project:String} AND run_id = {runId:String} AND origin = {origin:String}';
  const [totals, spreads] = await Promise.all([
    engine.rows<Omit<MetricSpread, 'spread'>>(
      `SELECT metric, aggregation, unit, value, toUInt32(clients) AS clients, ${epochMs('updated_at')} AS updatedMs
       FROM job_metrics WHERE ${SAME} ORDER BY metric, aggregation`,
      parameters,
    ),
    engine.rows<{
      metric: string;
      aggregation: string;
      fences: [number, number, number, number, number];
      counts: number[];
      highest: [number, string][];
      lowest: [number, string][];
    }>(
      `SELECT metric, aggregation, quantilesExactInclusive(0, 0.25, 0.5, 0.75, 1)(value) AS fences,
          groupArray(value) AS values,
          arrayMap(part -> toUInt32(arrayCount(v -> least(${PARTS - 1}, if(fences[5] = fences[1], 0, intDiv((v - fences[1]) * ${PARTS}, fences[5] - fences[1]))) = part, values)), range(${PARTS})) AS counts,
          arraySlice(arrayReverseSort(groupArray((value, client_id))), 1, 5) AS highest,
          arraySlice(arraySort(groupArray((value, client_id))), 1, 5) AS lowest
       FROM (SELECT metric, aggregation, client_id, value FROM client_metrics WHERE ${SAME} AND client_id != '')
       GROUP BY metric, aggregation`,
      parameters,
    ),
  ]);
  return totals.map((total) => {
    const found = spreads.find(
      ({ metric, aggregation }) => metric === total.metric && aggregation === total.aggregation,
    );
    if (found === undefined) return { ...total, spread: null };
    const [min, lower, median, upper, max] = found.fences;
    const named = ([value, clientId]: [number, string]) => ({ clientId, value });
    return {
      ...total,
      spread: {
        min,
        lower,
        median,
        upper,
        max,
        histogram: found.counts,
        highest: found.highest.map(named),
        lowest: found.lowest.map(named),
      },
    };
  });
}

export interface RunFailure {
  readonly fingerprint: string;
  readonly errorType: string;
  readonly message: string;
  readonly stacktrace: string;
  readonly steps: string[];
  readonly occurrences: number;
  readonly firstMs: number;
  readonly lastMs: number;
  /** At most 1,000 of them. */
  readonly clients: string[];
  readonly clientCount: number;
  readonly traceId: string;
  readonly spanId: string;
}

/** The failures of a run, grouped; the most frequent first, at most 100 groups. */
export async function readRunFailures(
  engine: Engine,
  { project, runId, origin }: RunKey,
): Promise<RunFailure[]> {
  return engine.rows<RunFailure>(
    `SELECT fingerprint, argMax(error_type, occurred_at) AS errorType, argMax(error_message, occurred_at) AS message,
        argMax(failures.stacktrace, occurred_at) AS stacktrace, arraySort(groupUniqArrayIf(20)(step, step != '')) AS steps,
        toUInt32(count()) AS occurrences, ${epochMs('min(occurred_at)')} AS firstMs, ${epochMs('max(occurred_at)')} AS lastMs,
        arraySort(groupUniqArrayIf(1000)(client_id, client_id != '')) AS clients, toUInt32(uniqExactIf(client_id, client_id != '')) AS clientCount,
        argMax(trace_id, occurred_at) AS traceId, argMax(span_id, occurred_at) AS spanId
     FROM failures
     WHERE project_id = {project:String} AND run_id = {runId:String} AND origin = {origin:String}
     GROUP BY fingerprint ORDER BY occurrences DESC, fingerprint LIMIT 100`,
    { project, runId, origin },
  );
}

export interface Attempt {
  /** Empty for the job run itself. */
  readonly clientId: string;
  readonly attempt: number;
  readonly startedMs: number | null;
  readonly endedMs: number | null;
  /** Empty while it has not ended. */
  readonly declaredStatus: string;
  readonly errorType: string;
  readonly errorMessage: string;
}

/** The tries of the job run, and of the clients that were tried more than once. */
export async function readAttempts(
  engine: Engine,
  { project, runId, origin }: RunKey,
  limit: number,
): Promise<Attempt[]> {
  const columns = `attempt, ${epochMs('started_at')} AS startedMs,
      if(ending.at = toDateTime64(0, 9, 'UTC'), NULL, toFloat64(toUnixTimestamp64Milli(toDateTime64(ending.at, 3, 'UTC')))) AS endedMs,
      ending.status AS declaredStatus, ending.error_type AS errorType, leftUTF8(ending.error_message, 1000) AS errorMessage`;
  const same = 'project_id = {project:String} AND run_id = {runId:String} AND origin = {origin:String}';
  return engine.rows<Attempt>(
    `SELECT '' AS clientId, ${columns} FROM job_run_attempts WHERE ${same}
     UNION ALL
     SELECT client_id AS clientId, ${columns} FROM client_run_attempts
     WHERE ${same} AND lived > 0 AND client_id IN (
       SELECT client_id FROM client_run_states WHERE ${same} AND attempt > 1)
     ORDER BY clientId, attempt LIMIT {limit:UInt32}`,
    { project, runId, origin, limit },
  );
}

export interface LogLine {
  /** Milliseconds since 1970. */
  readonly timeMs: number;
  /** `trace`, `debug`, `info`, `warn`, `error` or `fatal`. */
  readonly severity: string;
  readonly text: string;
  readonly clientId: string;
  readonly step: string;
  /** Empty for a plain log record. */
  readonly event: string;
  readonly traceId: string;
  readonly spanId: string;
  /** Attributes that are not Rollcall's own. */
  readonly attributes: Record<string, string>;
}

export interface LogQuery {
  readonly search?: string | undefined;
  readonly clientId?: string | undefined;
  /** OpenTelemetry severity number; at least this. */
  readonly severity?: number | undefined;
  /** Signs of life are left out in any case. */
  readonly events?: boolean | undefined;
  readonly limit: number;
  readonly cursor?: string | undefined;
}

/** The newest first. With the cursor of the page before, older ones. */
export async function readLogs(
  engine: Engine,
  { project, runId, origin }: RunKey,
  { search = '', clientId = '', severity = 0, events = true, limit, cursor }: LogQuery,
): Promise<{ lines: LogLine[]; nextCursor: string | null }> {
  const [beforeNs = '', skip = '0'] = cursor?.split('.') ?? [];
  const rows = await engine.rows<LogLine & { ns: string }>(
    `SELECT toString(toUnixTimestamp64Nano(Timestamp)) AS ns, ${epochMs('Timestamp')} AS timeMs,
        multiIf(SeverityNumber >= 21, 'fatal', SeverityNumber >= 17, 'error', SeverityNumber >= 13, 'warn', SeverityNumber >= 9 OR SeverityNumber = 0, 'info', SeverityNumber >= 5, 'debug', 'trace') AS severity,
        leftUTF8(multiIf(Body != '', Body, LogAttributes['exception.message'] != '', concat(LogAttributes['exception.type'], ': ', LogAttributes['exception.message']), LogAttributes['rollcall.note.text']), 4000) AS text,
        ClientId AS clientId, LogAttributes['rollcall.step.name'] AS step, EventName AS event, TraceId AS traceId, SpanId AS spanId,
        mapFilter((k, v) -> NOT startsWith(k, 'rollcall.') AND NOT startsWith(k, 'exception.'), LogAttributes) AS attributes
     FROM otel_logs
     WHERE ${RAW_ROWS_OF_RUN} AND ${sameOrigin('LogAttributes')}
       AND EventName NOT IN ('rollcall.run.heartbeat', 'rollcall.client_run.heartbeat', 'rollcall.run.roster', 'rollcall.run.alias')
       AND ({events:Bool} OR EventName = '')
       AND ({clientId:String} = '' OR ClientId = {clientId:String})
       AND (SeverityNumber >= {severity:UInt8} OR (SeverityNumber = 0 AND {severity:UInt8} <= 9))
       AND ({search:String} = '' OR positionCaseInsensitiveUTF8(concat(Body, ' ', ClientId, ' ', LogAttributes['exception.message'], ' ', LogAttributes['exception.type'], ' ', EventName), {search:String}) > 0)
       AND ({before:String} = '' OR toUnixTimestamp64Nano(Timestamp) <= toInt64OrZero({before:String}))
     ORDER BY Timestamp DESC, SpanId, Body LIMIT {skip:UInt32}, {limit:UInt32}`,
    {
      project,
      runId,
      origin,
      search,
      clientId,
      severity,
      events,
      before: beforeNs,
      skip: Number(skip),
      limit: limit + 1,
    },
  );
  const page = rows.slice(0, limit);
  const last = page.at(-1);
  // Lines of the very same time: the next page begins at that time and skips those already given.
  const given = page.filter(({ ns }) => ns === last?.ns).length + (last?.ns === beforeNs ? Number(skip) : 0);
  return {
    lines: page.map(withoutKey),
    nextCursor: rows.length > limit && last !== undefined ? `${last.ns}.${given}` : null,
  };
}

function withoutKey(row: LogLine): LogLine {
  const { timeMs, severity, text, clientId, step, event, traceId, spanId, attributes } = row;
  return { timeMs, severity, text, clientId, step, event, traceId, spanId, attributes };
}
