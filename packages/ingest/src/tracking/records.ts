/** Reads runs as the tracking API shows them. */

import type { Aggregation, Verdict } from '@rollcall/semconv';
import type { Engine, Parameters } from '../store/engine.ts';

interface MetricRecord {
  readonly metric: string;
  readonly aggregation: Aggregation;
  readonly unit: string;
  readonly value: number;
}

interface AliasRecord {
  readonly alias: string;
  readonly clientId: string | null;
  readonly kind: string;
}

interface CommonRecord {
  readonly project: string;
  readonly job: string;
  readonly runId: string;
  readonly attempt: number;
  readonly verdict: Verdict;
  readonly declaredStatus: string | null;
  readonly reason: string | null;
  readonly startedAt: string | null;
  readonly endedAt: string | null;
  readonly durationMs: number | null;
  readonly lastSeenAt: string | null;
  readonly progress: { readonly done: number; readonly total: number | null } | null;
  readonly telemetry: 'complete' | 'incomplete';
  readonly error: { readonly type: string; readonly message: string } | null;
  readonly recovered: boolean;
}

/** A job run, without what takes more reading. */
export interface JobRunSummary extends CommonRecord {
  readonly origin: string;
  readonly traceId: string;
  readonly clients: Record<string, number>;
  readonly notes: string[];
  /** How many other runs bear this ID. */
  readonly conflicts: number;
}

export interface JobRunRecord extends JobRunSummary {
  readonly metrics: (MetricRecord & { readonly clients: number })[];
  readonly aliases: AliasRecord[];
}

export interface ClientRunRecord extends CommonRecord {
  readonly clientId: string;
  readonly clientRunId: string;
  readonly expected: boolean;
  readonly relation: 'child' | 'orphan' | 'standalone';
  readonly metrics: MetricRecord[];
}

/** A run's key: the ID alone may be borne by two runs. */
export interface RunKey {
  readonly project: string;
  readonly runId: string;
  readonly origin: string;
}

const SAME_RUN = 'project_id = {project:String} AND run_id = {runId:String} AND origin = {origin:String}';

// As they are: to plan functions around columns takes longer than to apply them here.
const COMMON_COLUMNS = `project_id AS project, job_name AS job, run_id AS runId, attempt, verdict,
    declared_status AS declaredStatus, reason, started_at AS startedAt, ended_at AS endedAt, duration_ms AS durationMs,
    last_seen_at AS lastSeenAt, progress_done AS progressDone, progress_total AS progressTotal, telemetry,
    error_type AS errorType, error_message AS errorMessage, recovered`;

const COUNTS = {
  expected: 'clients_expected',
  started: 'clients_started',
  running: 'clients_running',
  completed: 'clients_completed',
  completedWithErrors: 'clients_completed_with_errors',
  nothingToDo: 'clients_nothing_to_do',
  failed: 'clients_failed',
  timedOut: 'clients_timed_out',
  cancelled: 'clients_cancelled',
  lost: 'clients_lost',
  neverStarted: 'clients_never_started',
  unexpected: 'clients_unexpected',
} as const;

const JOB_RUN_COLUMNS = `${COMMON_COLUMNS}, origin, trace_id AS traceId, notes, conflicts,
    ${Object.values(COUNTS).join(', ')}`;

type RawRow = Record<string, unknown> & {
  declaredStatus: string;
  reason: string;
  startedAt: string | null;
  endedAt: string | null;
  lastSeenAt: string | null;
  progressDone: number | string;
  progressTotal: number | string;
  errorType: string;
  errorMessage: string;
  recovered: number;
};

/** The job runs that bear the ID, with metrics and aliases; with an origin the one that is meant. */
export async function readJobRuns(
  engine: Engine,
  { project, runId, origin = '' }: Omit<RunKey, 'origin'> & { origin?: string },
): Promise<JobRunRecord[]> {
  const parameters = { project, runId, origin };
  const named =
    "project_id = {project:String} AND run_id = {runId:String} AND ({origin:String} = '' OR origin = {origin:String})";
  const [runs, metrics, aliases] = await Promise.all([
    engine.rows<RawRow & { origin: string }>(
      `SELECT ${JOB_RUN_COLUMNS} FROM job_runs WHERE ${named}`,
      parameters,
    ),
    engine.rows<MetricRecord & { origin: string; clients: number | string }>(
      `SELECT origin, metric, aggregation, unit, value, clients FROM job_metrics WHERE ${named} ORDER BY metric, aggregation`,
      parameters,
    ),
    engine.rows<AliasRecord & { origin: string }>(
      `SELECT origin, alias, nullIf(client_id, '') AS clientId, kind FROM run_aliases FINAL WHERE ${named} AND kind != 'idempotency' ORDER BY alias`,
      parameters,
    ),
  ]);
  return runs.map((run) => ({
    ...toSummary(run),
    metrics: metrics
      .filter((metric) => metric.origin === run.origin)
      .map(({ metric, aggregation, unit, value, clients }) => ({
        metric,
        aggregation,
        unit,
        value,
        clients: Number(clients),
      })),
    aliases: aliases
      .filter((alias) => alias.origin === run.origin)
      .map(({ alias, clientId, kind }) => ({ alias, clientId, kind })),
  }));
}

/** Summaries of these runs, in the order of the keys. */
export async function readSummaries(
  engine: Engine,
  project: string,
  keys: readonly { runId: string; origin: string }[],
): Promise<JobRunSummary[]> {
  if (keys.length === 0) return [];
  const rows = await engine.rows<RawRow>(
    `SELECT ${JOB_RUN_COLUMNS} FROM job_runs
     WHERE project_id = {project:String} AND run_id IN {runIds:Array(String)} AND origin IN {origins:Array(String)}`,
    { project, runIds: keys.map(({ runId }) => runId), origins: keys.map(({ origin }) => origin) },
  );
  const summaries = rows.map(toSummary);
  return keys.flatMap((key) =>
    summaries.filter(({ runId, origin }) => runId === key.runId && origin === key.origin),
  );
}

/** Client runs of a job run that satisfy the condition, by client ID. */
export async function readClientRuns(
  engine: Engine,
  key: RunKey,
  condition: string,
  parameters: Parameters & { limit: number },
): Promise<ClientRunRecord[]> {
  const all = { ...key, ...parameters };
  const rows = await engine.rows<RawRow & { clientId: string; expected: number }>(
    `SELECT ${COMMON_COLUMNS}, client_id AS clientId, client_run_id AS clientRunId, expected, relation
     FROM client_runs WHERE ${SAME_RUN} AND ${condition} ORDER BY client_id LIMIT {limit:UInt32}`,
    all,
  );
  const metrics = await engine.rows<MetricRecord & { client_id: string }>(
    `SELECT client_id, metric, aggregation, unit, value FROM client_metrics
     WHERE ${SAME_RUN} AND client_id IN {clientIds:Array(String)} ORDER BY metric, aggregation`,
    { ...key, clientIds: rows.map(({ clientId }) => clientId) },
  );
  const byClient = Map.groupBy(metrics, ({ client_id: clientId }) => clientId);
  return rows.map((row) => ({
    ...toCommon(row),
    expected: row.expected === 1,
    metrics: (byClient.get(row.clientId) ?? []).map(({ metric, aggregation, unit, value }) => ({
      metric,
      aggregation,
      unit,
      value,
    })),
  })) as unknown as ClientRunRecord[];
}

function toSummary(row: RawRow): JobRunSummary {
  const counts = Object.fromEntries(
    Object.entries(COUNTS).map(([name, column]) => [name, Number(row[column])]),
  );
  const rest = Object.fromEntries(Object.entries(row).filter(([name]) => !name.startsWith('clients_')));
  return {
    ...toCommon(rest as RawRow),
    traceId: row['traceId'] === '' ? row['origin'] : row['traceId'],
    clients: counts,
    conflicts: Number(row['conflicts']),
  } as unknown as JobRunSummary;
}

function toCommon({
  progressDone,
  progressTotal,
  errorType,
  errorMessage,
  recovered,
  ...row
}: RawRow): Record<string, unknown> {
  const [done, total] = [Number(progressDone), Number(progressTotal)];
  return {
    ...row,
    declaredStatus: row.declaredStatus || null,
    reason: row.reason || null,
    startedAt: iso(row.startedAt),
    endedAt: iso(row.endedAt),
    lastSeenAt: iso(row.lastSeenAt),
    progress: done === 0 && total === 0 ? null : { done, total: total === 0 ? null : total },
    error: errorType === '' && errorMessage === '' ? null : { type: errorType, message: errorMessage },
    recovered: recovered === 1,
  };
}

/** A time of ClickHouse with nanoseconds, in UTC, as ISO 8601 with microseconds. */
function iso(time: string | null): string | null {
  return time === null ? null : `${time.replace(' ', 'T').slice(0, '2026-11-30T01:02:03.123456'.length)}Z`;
}
