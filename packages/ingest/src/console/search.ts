/** Finds runs, clients, jobs and failures from one box. */

import type { Engine } from '../store/engine.ts';
import { runIdDaysAgo } from './times.ts';

export interface Hit {
  readonly kind: 'run' | 'alias' | 'trace' | 'job' | 'client' | 'failure';
  /** What matched. */
  readonly title: string;
  /** What it is, in a few words. */
  readonly detail: string;
  readonly runId: string | null;
  readonly clientId: string | null;
  readonly job: string | null;
  readonly fingerprint: string | null;
}

const CLIENTS_OF_DAYS = 30;
const FAILURES_OF_DAYS = 30;

type Row = Partial<Omit<Hit, 'kind'>> & { title: string; detail: string };

/** Runs by ID, by a legacy or external ID and by trace; then jobs, clients and error texts. At most `limit` of a kind. */
export async function search(engine: Engine, project: string, text: string, limit: number): Promise<Hit[]> {
  const parameters = {
    project,
    text,
    limit,
    clientsSince: runIdDaysAgo(CLIENTS_OF_DAYS),
    failuresSince: runIdDaysAgo(FAILURES_OF_DAYS),
  };
  const ask = async (kind: Hit['kind'], sql: string): Promise<Hit[]> =>
    (await engine.rows<Row>(sql, parameters)).map((row) => ({
      kind,
      runId: null,
      clientId: null,
      job: null,
      fingerprint: null,
      ...row,
    }));
  const isHex = /^[0-9a-f]{8,32}$/i.test(text);
  const startsLikeRun = /^\d{1,6}(-|$)/.test(text);
  const found = await Promise.all([
    startsLikeRun ? ask('run', RUNS) : [],
    ask('alias', ALIASES),
    isHex ? ask('trace', TRACES) : [],
    ask('job', JOBS),
    ask('client', CLIENTS),
    ask('failure', FAILURES),
  ]);
  return found.flat();
}

/** The text may be a run ID's beginning, or a whole client run ID. */
const RUNS = `SELECT DISTINCT run_id AS title, job_name AS detail, run_id AS runId, job_name AS job FROM run_summaries
    WHERE project_id = {project:String} AND job_name != '' AND (startsWith(run_id, {text:String}) OR startsWith({text:String}, concat(run_id, '-')))
    ORDER BY run_id DESC LIMIT {limit:UInt32}`;

const ALIASES = `SELECT alias AS title, concat(kind, ' ID of ', run_id, if(client_id = '', '', concat(', ', client_id))) AS detail, run_id AS runId, nullIf(client_id, '') AS clientId
    FROM run_aliases FINAL
    WHERE project_id = {project:String} AND kind != 'idempotency' AND startsWith(alias, {text:String})
    ORDER BY alias LIMIT {limit:UInt32}`;

const TRACES = `SELECT DISTINCT trace_id AS title, concat('trace of ', job_name, ' ', run_id) AS detail, run_id AS runId, job_name AS job
    FROM run_summaries
    WHERE project_id = {project:String} AND job_name != '' AND startsWith(trace_id, lower({text:String}))
    ORDER BY run_id DESC LIMIT {limit:UInt32}`;

const JOBS = `SELECT job_name AS title, concat(toString(uniqExact(run_id)), ' runs') AS detail, job_name AS job FROM run_summaries
    WHERE project_id = {project:String} AND job_name != '' AND positionCaseInsensitiveUTF8(job_name, {text:String}) > 0
    GROUP BY job_name
    ORDER BY NOT startsWith(lower(job_name), lower({text:String})), job_name LIMIT {limit:UInt32}`;

const CLIENTS = `SELECT client_id AS title, concat('last in ', argMax(job_name, run_id), ' ', max(run_id)) AS detail, client_id AS clientId FROM client_run_summaries
    WHERE project_id = {project:String} AND run_id >= {clientsSince:String} AND positionCaseInsensitiveUTF8(client_id, {text:String}) > 0
    GROUP BY client_id
    ORDER BY NOT startsWith(lower(client_id), lower({text:String})), client_id LIMIT {limit:UInt32}`;

const FAILURES = `SELECT concat(any(error_type), ': ', leftUTF8(any(error_message), 160)) AS title, concat(job_name, ', ', toString(count()), ' times') AS detail, job_name AS job, fingerprint
    FROM failures
    WHERE project_id = {project:String} AND run_id >= {failuresSince:String} AND positionCaseInsensitiveUTF8(concat(error_type, ': ', error_message), {text:String}) > 0
    GROUP BY job_name, fingerprint
    ORDER BY max(occurred_at) DESC LIMIT {limit:UInt32}`;
