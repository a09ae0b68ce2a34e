/** Reads job runs as Rollcall sees them. */

import type { Aggregation, Verdict } from '@rollcall/semconv';
import type { Reader } from './reader.ts';

/** A row of `job_runs`; times are UTC text. */
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
  readonly started_at: string | null;
  readonly ended_at: string | null;
  readonly duration_ms: number | null;
  readonly last_seen_at: string;
  readonly progress: number | null;
  readonly clients_expected: number;
  readonly clients_started: number;
  readonly clients_failed: number;
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
  readonly clients: readonly string[];
}

/** One job run with what belongs to it. */
export interface RunDetails {
  readonly run: JobRunRow;
  readonly clients: readonly ClientCount[];
  readonly metrics: readonly MetricRow[];
  readonly failures: readonly FailureGroupRow[];
}

export interface RunFilter {
  readonly job?: string | undefined;
  readonly verdict?: string | undefined;
  readonly project?: string | undefined;
  readonly limit: number;
}

const JOB_RUN_COLUMNS = `project_id, job_name, run_id, origin, trace_id, attempt, verdict, declared_status, reason,
    started_at, ended_at, duration_ms, last_seen_at, progress,
    toUInt32(clients_expected) AS clients_expected, toUInt32(clients_started) AS clients_started, toUInt32(clients_failed) AS clients_failed,
    telemetry, error_type, error_message, notes`;

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
         LIMIT {limit:UInt32})`;
  return reader.rows<JobRunRow>(
    `SELECT ${JOB_RUN_COLUMNS}
     FROM job_runs
     WHERE ({job:String} = '' OR job_name = {job:String})
       AND ({project:String} = '' OR project_id = {project:String})
       AND ${verdict === '' ? newest : 'verdict = {verdict:String}'}
     ORDER BY run_id DESC, started_at DESC
     LIMIT {limit:UInt32}`,
    { job, verdict, project, limit },
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

/** What belongs to a job run: clients by verdict, metrics, and failures by kind. */
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
    `SELECT error_type, argMin(error_message, occurred_at) AS sample_message, argMin(step, occurred_at) AS step, toUInt32(count()) AS occurrences,
         arraySort(groupUniqArrayIf(20)(client_id, client_id != '')) AS clients
     FROM failures ${where}
     GROUP BY fingerprint, error_type
     ORDER BY occurrences DESC`,
    key,
  );
  return { run, clients, metrics, failures };
}
