/** Reads job runs as Rollcall sees them. */

import type { Aggregation, Verdict } from '@rollcall/semconv';
import { readLastLines, type LastLine } from './read-last-lines.ts';
import type { Reader } from './reader.ts';

/** A row of `job_runs`; times are ISO 8601, UTC. */
export interface JobRunRow {
  readonly project_id: string;
  readonly job_name: string;
  readonly run_id: string;
  readonly origin: string;
  readonly trace_id: string;
  readonly attempt: number;
  readonly verdict: Verdict;
  readonly declared_status: string;
  readonly reason: string;
  readonly started: string | null;
  readonly ended: string | null;
  readonly duration_ms: number | null;
  readonly last_seen: string;
  readonly progress: number | null;
  readonly clients_expected: number;
  readonly clients_started: number;
  /** Failed, timed out, cancelled, lost or never started. */
  readonly clients_not_ok: number;
  readonly telemetry: 'complete' | 'incomplete';
  readonly error_type: string;
  readonly error_message: string;
  readonly notes: readonly string[];
}

interface ClientCount {
  readonly verdict: Verdict;
  readonly clients: number;
  /** A few of them by ID, in order. */
  readonly sample: readonly string[];
}

export interface MetricRow {
  readonly metric: string;
  readonly aggregation: Aggregation;
  readonly unit: string;
  readonly value: number;
  readonly clients: number;
}

export interface FailureGroupRow {
  readonly error_type: string;
  readonly sample_message: string;
  readonly step: string;
  readonly occurrences: number;
  readonly messages: number;
  readonly clients: readonly string[];
}

/** One job run with what belongs to it. */
export interface RunDetails {
  readonly run: JobRunRow;
  readonly clients: readonly ClientCount[];
  readonly metrics: readonly MetricRow[];
  readonly failures: readonly FailureGroupRow[];
  /** What was logged last, where the run ended badly. */
  readonly lines: readonly LastLine[];
}

export interface RunFilter {
  readonly job?: string | undefined;
  readonly verdict?: string | undefined;
  readonly project?: string | undefined;
  readonly limit: number;
}

/** SQL for ISO 8601, UTC. ClickHouse's own text has no zone: JavaScript would take it for local time. */
export function iso(column: string): string {
  return `if(${column} IS NULL, NULL, formatDateTime(assumeNotNull(${column}), '%Y-%m-%dT%H:%i:%S.%fZ'))`;
}

const JOB_RUN_COLUMNS = `project_id, job_name, run_id, origin, trace_id, attempt, verdict, declared_status, reason,
    ${iso('started_at')} AS started, ${iso('ended_at')} AS ended, duration_ms, ${iso('last_seen_at')} AS last_seen, progress,
    toUInt32(clients_expected) AS clients_expected, toUInt32(clients_started) AS clients_started, 
    toUInt32(clients_failed + clients_timed_out + clients_cancelled + clients_lost + clients_never_started) AS clients_not_ok,
    telemetry, error_type, error_message, notes`;

/** Where many runs start in one second their IDs run ahead of the clock: so many more are looked at to order by start. */
const AHEAD_OF_THEIR_TIME = 100;

/**
 * The newest job runs that match. Their keys are looked up first, so that verdicts are concluded for these runs alone;
 * a verdict is not known before it is concluded, so with that filter all runs are read.
 */
export async function readRuns(
  reader: Reader,
  { job = '', verdict = '', project = '', limit }: RunFilter,
): Promise<JobRunRow[]> {
  const newest = `(project_id, run_id) IN (
         SELECT project_id, run_id
         FROM job_run_states
         WHERE ({job:String} = '' OR job_name = {job:String}) AND ({project:String} = '' OR project_id = {project:String})
         ORDER BY run_id DESC
         LIMIT 1 BY project_id, run_id
         LIMIT {candidates:UInt32})`;
  return reader.rows<JobRunRow>(
    `SELECT ${JOB_RUN_COLUMNS}
     FROM job_runs
     WHERE ({job:String} = '' OR job_name = {job:String})
       AND ({project:String} = '' OR project_id = {project:String})
       AND ${verdict === '' ? newest : 'verdict = {verdict:String}'}
     ORDER BY started_at DESC, run_id DESC
     LIMIT {limit:UInt32}`,
    { job, verdict, project, limit, candidates: limit + AHEAD_OF_THEIR_TIME },
  );
}

/** Every job run that bears this ID: usually one; two where processes that could not reach ingest chose the same. */
export async function readRunsById(reader: Reader, runId: string, project = ''): Promise<JobRunRow[]> {
  return reader.rows<JobRunRow>(
    `SELECT ${JOB_RUN_COLUMNS}
     FROM job_runs
     WHERE run_id = {runId:String} AND ({project:String} = '' OR project_id = {project:String})
     ORDER BY started_at`,
    { runId, project },
  );
}

/** A row of `client_runs`. */
interface ClientRunRow {
  readonly client_id: string;
  readonly client_run_id: string;
  readonly job_name: string;
  readonly relation: 'child' | 'standalone' | 'orphan';
  readonly verdict: Verdict;
  readonly attempt: number;
  readonly reason: string;
  readonly started: string | null;
  readonly duration_ms: number | null;
  readonly last_seen: string | null;
  readonly telemetry: 'complete' | 'incomplete';
  readonly error_type: string;
  readonly error_message: string;
}

/**
 * One client of a job run, with its metrics: usually one row, more where several runs bear this ID. Nothing need be
 * known of the job run itself.
 */
export async function readClients(
  reader: Reader,
  { runId, clientId, project = '' }: { runId: string; clientId: string; project: string | undefined },
): Promise<ClientDetails[]> {
  const clients = await reader.rows<ClientRunRow & { project_id: string; origin: string }>(
    `SELECT project_id, origin, client_id, client_run_id, job_name, toString(relation) AS relation, verdict, attempt, reason, ${iso('started_at')} AS started, duration_ms,
         ${iso('last_seen_at')} AS last_seen, telemetry, error_type, error_message
     FROM client_runs
     WHERE run_id = {runId:String} AND client_id = {clientId:String} AND ({project:String} = '' OR project_id = {project:String})
     ORDER BY started_at`,
    { runId, clientId, project },
  );
  return Promise.all(
    clients.map(async ({ project_id: projectId, origin, ...client }) => {
      const key = { project: projectId, runId, origin, clientId };
      const where = `WHERE project_id = {project:String} AND run_id = {runId:String} AND origin = {origin:String} AND client_id = {clientId:String}`;
      const [metrics, failures] = await Promise.all([
        reader.rows<MetricRow>(
          `SELECT metric, aggregation, unit, value, 1 AS clients FROM client_metrics ${where} ORDER BY metric`,
          key,
        ),
        reader.rows<FailureRow>(
          `SELECT attempt, step, error_type, error_message, stacktrace FROM failures ${where} ORDER BY occurred_at`,
          key,
        ),
      ]);
      const { verdict } = client;
      return { client, metrics, failures, lines: await readLastLines(reader, { ...key, verdict }) };
    }),
  );
}

export interface ClientDetails {
  readonly client: ClientRunRow;
  readonly metrics: readonly MetricRow[];
  readonly failures: readonly FailureRow[];
  readonly lines: readonly LastLine[];
}

interface FailureRow {
  readonly attempt: number;
  readonly step: string;
  readonly error_type: string;
  readonly error_message: string;
  readonly stacktrace: string;
}

/** What belongs to a job run: clients by verdict, metrics, failures by kind, and its last words. */
export async function readDetails(reader: Reader, run: JobRunRow): Promise<RunDetails> {
  const key = { project: run.project_id, runId: run.run_id, origin: run.origin };
  const where =
    'WHERE project_id = {project:String} AND run_id = {runId:String} AND origin = {origin:String}';
  const clients = await reader.rows<ClientCount>(
    `SELECT verdict, toUInt32(count()) AS clients, arraySlice(arraySort(groupArray(client_id)), 1, 10) AS sample
     FROM client_runs ${where}
     GROUP BY verdict
     ORDER BY clients DESC`,
    key,
  );
  const metrics = await reader.rows<MetricRow>(
    `SELECT metric, aggregation, unit, value, toUInt32(clients) AS clients
     FROM job_metrics ${where}
     ORDER BY indexOf(['sum', 'min', 'max', 'last'], aggregation), metric`,
    key,
  );
  const failures = await reader.rows<FailureGroupRow>(
    `SELECT error_type, argMin(error_message, occurred_at) AS sample_message, argMin(step, occurred_at) AS step, toUInt32(count()) AS occurrences, toUInt32(uniqExact(error_message)) AS messages,
         arraySort(groupUniqArrayIf(20)(client_id, client_id != '')) AS clients
     FROM failures ${where}
     GROUP BY fingerprint, error_type
     ORDER BY occurrences DESC`,
    key,
  );
  const lines = await readLastLines(reader, { ...key, verdict: run.verdict });
  return { run, clients, metrics, failures, lines };
}
