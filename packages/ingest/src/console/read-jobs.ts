/** Reads jobs: how each is doing, its history, the trend of its metrics, and its clients run by run. */

import type { Verdict } from '@rollcall/semconv';
import { readSummaries, type JobRunSummary } from '../tracking/records.ts';
import type { Engine } from '../store/engine.ts';
import { findLatestRuns } from './run-keys.ts';
import { readSchedules, type Schedule } from './schedules.ts';
import { epochMs } from './times.ts';
import { readUsual, type Usual } from './usual.ts';

export interface RecentRun {
  readonly runId: string;
  readonly origin: string;
  readonly verdict: Verdict;
  /** Milliseconds since 1970. */
  readonly startedMs: number | null;
  readonly durationMs: number | null;
}

export interface JobSummary {
  readonly job: string;
  /** All runs that are known. */
  readonly runs: number;
  /** The newest last. */
  readonly recent: RecentRun[];
  readonly usual: Usual | null;
  readonly schedule: Schedule | null;
}

const RECENT_RUNS = 20;

/** Jobs by name; those that contain `search`, where it is given. The cursor is the last name of the page before. */
export async function listJobs(
  engine: Engine,
  project: string,
  { search = '', cursor = '', limit }: { search?: string; cursor?: string; limit: number },
): Promise<{ jobs: JobSummary[]; total: number; nextCursor: string | null }> {
  const [names, totals] = await Promise.all([
    engine.rows<{ job: string; runs: number }>(
      `SELECT job_name AS job, toUInt32(uniqExact(run_id, origin)) AS runs FROM run_summaries
       WHERE project_id = {project:String} AND job_name > {cursor:String} AND positionCaseInsensitiveUTF8(job_name, {search:String}) > 0
       GROUP BY job_name ORDER BY job_name LIMIT {limit:UInt32}`,
      { project, cursor, search, limit: limit + 1 },
    ),
    engine.rows<{ total: number }>(
      `SELECT toUInt32(uniqExact(job_name)) AS total FROM run_summaries
       WHERE project_id = {project:String} AND job_name != '' AND positionCaseInsensitiveUTF8(job_name, {search:String}) > 0`,
      { project, search },
    ),
  ]);
  const page = names.slice(0, limit);
  const jobs = page.map(({ job }) => job);
  const [recent, usual, schedules] = await Promise.all([
    readRecent(engine, project, jobs),
    readUsual(engine, project, jobs),
    readSchedules(engine, project, jobs),
  ]);
  return {
    jobs: page.map(({ job, runs }) => ({
      job,
      runs,
      recent: recent.get(job) ?? [],
      usual: usual.get(job) ?? null,
      schedule: schedules.find((schedule) => schedule.job === job) ?? null,
    })),
    total: totals[0]?.total ?? 0,
    nextCursor: names.length > limit ? (jobs.at(-1) ?? null) : null,
  };
}

async function readRecent(
  engine: Engine,
  project: string,
  jobs: readonly string[],
): Promise<Map<string, RecentRun[]>> {
  if (jobs.length === 0) return new Map();
  const keys = await engine.rows<{ runId: string }>(
    `SELECT DISTINCT run_id AS runId FROM run_summaries
     WHERE project_id = {project:String} AND job_name IN {jobs:Array(String)}
     ORDER BY run_id DESC LIMIT {most:UInt32} BY job_name`,
    { project, jobs, most: RECENT_RUNS },
  );
  const rows = await engine.rows<RecentRun & { job: string }>(
    `SELECT job_name AS job, run_id AS runId, origin, verdict, ${epochMs('started_at')} AS startedMs, duration_ms AS durationMs
     FROM job_runs
     WHERE project_id = {project:String} AND run_id IN {runIds:Array(String)} AND job_name IN {jobs:Array(String)}
     ORDER BY run_id, origin`,
    { project, jobs, runIds: keys.map(({ runId }) => runId) },
  );
  const byJob = Map.groupBy(rows, ({ job }) => job);
  return new Map([...byJob].map(([job, runs]) => [job, runs.map(toRecent)]));
}

function toRecent({ runId, origin, verdict, startedMs, durationMs }: RecentRun): RecentRun {
  return { runId, origin, verdict, startedMs, durationMs };
}

export interface JobHistory {
  readonly job: string;
  /** The newest first. */
  readonly runs: JobRunSummary[];
  readonly usual: Usual | null;
  readonly schedule: Schedule | null;
}

/** Null where the job has no run. */
export async function readJobHistory(
  engine: Engine,
  project: string,
  job: string,
  limit: number,
): Promise<JobHistory | null> {
  const keys = await findLatestRuns(engine, project, { job, limit });
  if (keys.length === 0) return null;
  const [runs, usual, schedules] = await Promise.all([
    readSummaries(engine, project, keys),
    readUsual(engine, project, [job]),
    readSchedules(engine, project, [job]),
  ]);
  return {
    job,
    runs,
    usual: usual.get(job) ?? null,
    schedule: schedules.find((schedule) => schedule.job === job) ?? null,
  };
}

export interface MetricTrend {
  readonly metric: string;
  readonly aggregation: string;
  readonly unit: string;
  /** One for each run of `runIds`; null where the run did not report it. */
  readonly values: (number | null)[];
}

/** The metrics of the job's latest runs, the newest run last. */
export async function readJobTrends(
  engine: Engine,
  project: string,
  job: string,
  limit: number,
): Promise<{ runIds: string[]; metrics: MetricTrend[] }> {
  const keys = (await findLatestRuns(engine, project, { job, limit })).toReversed();
  const runIds = keys.map(({ runId }) => runId);
  const rows = await engine.rows<{
    runId: string;
    origin: string;
    metric: string;
    aggregation: string;
    unit: string;
    value: number;
  }>(
    `SELECT run_id AS runId, origin, metric, aggregation, unit, value FROM job_metrics
     WHERE project_id = {project:String} AND run_id IN {runIds:Array(String)} AND job_name = {job:String}`,
    { project, job, runIds },
  );
  const byMetric = Map.groupBy(rows, ({ metric, aggregation }) => `${metric}\n${aggregation}`);
  const metrics = [...byMetric.values()].map((points) => {
    const [first] = points;
    const byRun = new Map(points.map((point) => [`${point.runId} ${point.origin}`, point.value]));
    return {
      metric: first?.metric ?? '',
      aggregation: first?.aggregation ?? '',
      unit: first?.unit ?? '',
      values: keys.map(({ runId, origin }) => byRun.get(`${runId} ${origin}`) ?? null),
    };
  });
  return { runIds, metrics: metrics.toSorted((a, b) => (a.metric < b.metric ? -1 : 1)) };
}

export interface ClientsByRun {
  /** The newest last. */
  readonly runs: { readonly runId: string; readonly origin: string }[];
  /** Those in trouble first; `verdicts` has one for each of `runs`, null where the client had no part. */
  readonly clients: { readonly clientId: string; readonly verdicts: (Verdict | null)[] }[];
  /** How many clients there are in all. */
  readonly total: number;
}

/** Clients × runs of the job's latest runs. */
export async function readJobClients(
  engine: Engine,
  project: string,
  job: string,
  { runs, limit }: { runs: number; limit: number },
): Promise<ClientsByRun> {
  const keys = (await findLatestRuns(engine, project, { job, limit: runs })).toReversed();
  const rows = await engine.rows<{ clientId: string; cells: [string, string, Verdict][]; total: number }>(
    `SELECT client_id AS clientId, groupArray((run_id, origin, verdict)) AS cells, toUInt32(count() OVER ()) AS total
     FROM client_runs
     WHERE project_id = {project:String} AND run_id IN {runIds:Array(String)} AND job_name = {job:String}
     GROUP BY client_id
     ORDER BY countIf(verdict IN ('failed', 'timed_out', 'lost', 'never_started', 'cancelled', 'completed_with_errors')) DESC, client_id
     LIMIT {limit:UInt32}`,
    { project, job, runIds: keys.map(({ runId }) => runId), limit },
  );
  return {
    runs: keys,
    clients: rows.map(({ clientId, cells }) => {
      const byRun = new Map(cells.map(([runId, origin, verdict]) => [`${runId} ${origin}`, verdict]));
      return { clientId, verdicts: keys.map(({ runId, origin }) => byRun.get(`${runId} ${origin}`) ?? null) };
    }),
    total: rows[0]?.total ?? 0,
  };
}
