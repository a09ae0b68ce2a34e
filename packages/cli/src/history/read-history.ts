/** Reads the runs of a job, or of one client of it, over time. */

import type { Verdict } from '@rollcall/semconv';
import { UsageError } from '../print/failure.ts';
import { iso } from '../reader/read-run.ts';
import type { Reader } from '../reader/reader.ts';

export interface HistoryRun {
  readonly runId: string;
  readonly origin: string;
  readonly verdict: Verdict;
  readonly attempt: number;
  readonly started: string | null;
  readonly durationMs: number | null;
  /** Clients that failed, timed out, were cancelled or lost, or never started. */
  readonly notOk: number;
  readonly clients: number;
  /** By name: sums, and what else a job reports. */
  readonly totals: Readonly<Record<string, number>>;
}

/** A client whose latest runs all went wrong, or did not come. */
export interface Streak {
  readonly clientId: string;
  readonly kind: 'not_ok' | 'missing';
  /** Of the latest one. */
  readonly verdict: Verdict;
  readonly errorType: string;
  readonly runs: number;
  readonly sinceRunId: string;
  readonly since: string | null;
  /** Whether it has ever been otherwise within the time that was looked at. */
  readonly isAll: boolean;
}

export interface History {
  readonly project: string;
  readonly job: string;
  readonly client: string | null;
  /** The oldest first. */
  readonly runs: readonly HistoryRun[];
  readonly streaks: readonly Streak[];
}

export interface HistoryQuery {
  readonly project: string;
  readonly job: string;
  /** Empty for the job as a whole. */
  readonly client: string;
  /** Runs from this run ID on. */
  readonly sinceRun: string;
}

const MOST_RUNS = 2_000;

/** The project of the job. @throws UsageError where several have a job of this name */
export async function findProject(reader: Reader, job: string, project = ''): Promise<string> {
  const rows = await reader.rows<{ project: string }>(
    "SELECT DISTINCT project_id AS project FROM run_summaries WHERE job_name = {job:String} AND ({project:String} = '' OR project_id = {project:String}) ORDER BY project",
    { job, project },
  );
  if (rows.length > 1) {
    throw new UsageError(
      `${rows.length} projects have a job '${job}': ${rows.map((row) => row.project).join(', ')}. Choose one with --project.`,
    );
  }
  return rows[0]?.project ?? project;
}

export async function readHistory(reader: Reader, query: HistoryQuery): Promise<History> {
  const parameters = { ...query };
  const runs = await reader.rows<Omit<HistoryRun, 'totals'> & { names: string[]; values: number[] }>(
    query.client === '' ? JOB_SQL : CLIENT_SQL,
    parameters,
  );
  return {
    project: query.project,
    job: query.job,
    client: query.client === '' ? null : query.client,
    runs: runs
      .map(({ names, values, ...run }) => ({
        ...run,
        totals: Object.fromEntries(names.map((name, index) => [name, values[index] ?? 0])),
      }))
      .toReversed(),
    streaks: await reader.rows<Streak>(STREAK_SQL, parameters),
  };
}

const OF_JOB = 'project_id = {project:String} AND job_name = {job:String} AND run_id >= {sinceRun:String}';

const JOB_SQL = `
  SELECT run.run_id AS runId, run.origin AS origin, run.verdict AS verdict, run.attempt AS attempt, ${iso('run.started_at')} AS started, run.duration_ms AS durationMs,
      toUInt32(run.clients_failed + run.clients_timed_out + run.clients_cancelled + run.clients_lost + run.clients_never_started) AS notOk,
      toUInt32(greatest(run.clients_started, run.clients_expected)) AS clients, metrics.names AS names, metrics.values AS values
  FROM (SELECT * FROM job_runs WHERE ${OF_JOB} ORDER BY run_id DESC LIMIT ${MOST_RUNS}) AS run
  LEFT JOIN
  (
      SELECT run_id, origin, groupArray(metric) AS names, groupArray(value) AS values
      FROM (SELECT run_id, origin, metric, value FROM job_metrics WHERE ${OF_JOB} ORDER BY metric, aggregation LIMIT 1 BY run_id, origin, metric)
      GROUP BY run_id, origin
  ) AS metrics ON metrics.run_id = run.run_id AND metrics.origin = run.origin
  ORDER BY runId DESC, origin DESC`;

const CLIENT_SQL = `
  SELECT run.run_id AS runId, run.origin AS origin, run.verdict AS verdict, run.attempt AS attempt, ${iso('run.started_at')} AS started, run.duration_ms AS durationMs,
      toUInt32(0) AS notOk, toUInt32(1) AS clients, metrics.names AS names, metrics.values AS values
  FROM (SELECT * FROM client_history WHERE ${OF_JOB} AND client_id = {client:String} ORDER BY run_id DESC LIMIT ${MOST_RUNS}) AS run
  LEFT JOIN
  (
      SELECT run_id, origin, groupArray(metric) AS names, groupArray(value) AS values
      FROM (SELECT run_id, origin, metric, value FROM client_metrics WHERE ${OF_JOB} AND client_id = {client:String} ORDER BY metric, aggregation LIMIT 1 BY run_id, origin, metric)
      GROUP BY run_id, origin
  ) AS metrics ON metrics.run_id = run.run_id AND metrics.origin = run.origin
  ORDER BY runId DESC, origin DESC`;

/** Two and more in a row; the longest first. */
const STREAK_SQL = `
  WITH ended AS
  (
      SELECT run_id, max(started_at) AS started FROM job_runs WHERE ${OF_JOB} AND verdict != 'running' GROUP BY run_id
  )
  SELECT clients.client_id AS clientId, if(missing >= 2, 'missing', 'not_ok') AS kind, clients.tries[1].2 AS verdict, clients.tries[1].3 AS errorType,
      toUInt32(if(missing >= 2, missing, clients.bad)) AS runs,
      if(missing >= 2, arrayMin(later), clients.tries[clients.bad].1) AS sinceRunId,
      formatDateTime(parseDateTimeOrNull(concat('20', sinceRunId), '%Y%m%d-%H%i%S', 'UTC'), '%Y-%m-%dT%H:%i:%SZ', 'UTC') AS since,
      missing < 2 AND clients.bad = length(clients.tries) AS isAll,
      arrayFilter(run -> run > clients.tries[1].1, (SELECT groupArray(run_id) FROM ended)) AS later,
      toUInt32(if(length(clients.tries) >= 3, length(later), 0)) AS missing
  FROM
  (
      SELECT client_id, arrayReverseSort(groupArray((run_id, toString(client_runs.verdict), toString(client_runs.error_type)))) AS tries,
          arrayFirstIndex(try -> try.2 NOT IN ('failed', 'timed_out', 'cancelled', 'lost', 'never_started'), tries) AS first_well,
          if(first_well = 0, length(tries), first_well - 1) AS bad
      FROM client_runs
      WHERE ${OF_JOB} AND ({client:String} = '' OR client_id = {client:String}) AND client_runs.verdict NOT IN ('pending', 'running')
      GROUP BY client_id
  ) AS clients
  WHERE clients.bad >= 2 OR missing >= 2
  ORDER BY runs DESC, clientId`;
