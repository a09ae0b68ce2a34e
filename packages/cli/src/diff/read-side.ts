/** Reads what a run is compared by. */

import type { Aggregation, Verdict } from '@rollcall/semconv';
import type { JobRunRow } from '../reader/read-run.ts';
import type { Reader } from '../reader/reader.ts';

export interface SideClient {
  readonly clientId: string;
  readonly verdict: Verdict;
  readonly attempt: number;
  /** Of its last attempt; null while it has not ended, and where it never did. */
  readonly durationMs: number | null;
  readonly errorType: string;
  readonly errorMessage: string;
}

/** Time spent in a step itself, without the steps inside it. The job run's own steps have no client. */
interface SideStep {
  readonly clientId: string;
  readonly step: string;
  readonly durationMs: number;
}

export interface SideMetric {
  /** Empty for the whole run. */
  readonly clientId: string;
  readonly metric: string;
  readonly aggregation: Aggregation;
  readonly unit: string;
  readonly value: number;
}

export interface SideFailure {
  readonly fingerprint: string;
  readonly errorType: string;
  readonly message: string;
  /** Of the latest of them. */
  readonly step: string;
  readonly occurrences: number;
  readonly clients: readonly string[];
}

/** One of the two runs. */
export interface Side {
  readonly runId: string;
  readonly job: string;
  readonly verdict: Verdict;
  readonly durationMs: number | null;
  readonly started: string | null;
  readonly clients: readonly SideClient[];
  readonly steps: readonly SideStep[];
  readonly totals: readonly SideMetric[];
  readonly clientMetrics: readonly SideMetric[];
  readonly failures: readonly SideFailure[];
}

const SAME = 'project_id = {project:String} AND run_id = {runId:String} AND origin = {origin:String}';

export async function readSide(reader: Reader, run: JobRunRow): Promise<Side> {
  const key = { project: run.project_id, runId: run.run_id, origin: run.origin };
  const clients = await reader.rows<SideClient>(
    `SELECT client_id AS clientId, verdict, attempt, duration_ms AS durationMs, error_type AS errorType, leftUTF8(error_message, 300) AS errorMessage
     FROM client_runs WHERE ${SAME} ORDER BY clientId`,
    key,
  );
  const totals = await reader.rows<SideMetric>(
    `SELECT '' AS clientId, metric, aggregation, unit, value FROM job_metrics WHERE ${SAME} ORDER BY metric, aggregation`,
    key,
  );
  const clientMetrics = await reader.rows<SideMetric>(
    `SELECT client_id AS clientId, metric, aggregation, unit, value FROM client_metrics WHERE ${SAME} AND aggregation = 'sum'`,
    key,
  );
  const failures = await reader.rows<SideFailure>(
    `SELECT fingerprint, argMax(failures.error_type, occurred_at) AS errorType, leftUTF8(argMax(failures.error_message, occurred_at), 300) AS message, argMax(failures.step, occurred_at) AS step,
        toUInt32(count()) AS occurrences, arraySort(groupUniqArrayIf(client_id, client_id != '')) AS clients
     FROM failures WHERE ${SAME} GROUP BY fingerprint ORDER BY occurrences DESC`,
    key,
  );
  return {
    runId: run.run_id,
    job: run.job_name,
    verdict: run.verdict,
    durationMs: run.duration_ms,
    started: run.started,
    clients,
    steps: await readSteps(reader, key, clients),
    totals,
    clientMetrics,
    failures,
  };
}

/** Of the last attempt of each client, as its duration is. Raw spans are kept for a while only. */
async function readSteps(
  reader: Reader,
  key: { project: string; runId: string; origin: string },
  clients: readonly SideClient[],
): Promise<SideStep[]> {
  const rows = await reader.rows<SideStep & { attempt: number }>(
    `WITH steps AS
     (
        SELECT ClientId AS client, SpanId AS span, ParentSpanId AS parent, Duration AS duration, greatest(1, toUInt16OrZero(SpanAttributes['rollcall.attempt'])) AS attempt,
            if(SpanAttributes['rollcall.step.name'] != '', SpanAttributes['rollcall.step.name'], SpanName) AS name
        FROM otel_traces
        WHERE ProjectId = {project:String} AND RunId = {runId:String} AND SpanAttributes['rollcall.span.kind'] = 'step'
            AND if(SpanAttributes['rollcall.run.origin'] != '', SpanAttributes['rollcall.run.origin'], TraceId) IN ({origin:String}, '')
        LIMIT 1 BY SpanId
     )
     SELECT steps.client AS clientId, steps.name AS step, steps.attempt AS attempt, sum(greatest(0, toInt64(steps.duration) - toInt64(inner.duration))) / 1e6 AS durationMs
     FROM steps
     LEFT JOIN (SELECT parent, sum(duration) AS duration FROM steps WHERE parent != '' GROUP BY parent) AS inner ON inner.parent = steps.span
     GROUP BY clientId, step, attempt
     ORDER BY clientId, step`,
    key,
  );
  const lastAttempts = new Map(clients.map(({ clientId, attempt }) => [clientId, attempt]));
  return rows
    .filter(({ clientId, attempt }) => clientId === '' || lastAttempts.get(clientId) === attempt)
    .map(({ clientId, step, durationMs }) => ({ clientId, step, durationMs }));
}

/** The run of the same job that began before this one, or null. */
export async function readRunBefore(reader: Reader, run: JobRunRow): Promise<string | null> {
  const [found] = await reader.rows<{ name: string }>(
    `SELECT concat(run_id, '~', origin) AS name FROM run_summaries FINAL
     WHERE project_id = {project:String} AND job_name = {job:String} AND (run_id, origin) < ({runId:String}, {origin:String})
     ORDER BY run_id DESC, origin DESC LIMIT 1`,
    { project: run.project_id, job: run.job_name, runId: run.run_id, origin: run.origin },
  );
  return found?.name ?? null;
}
