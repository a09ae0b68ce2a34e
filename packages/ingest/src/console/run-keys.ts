/** Finds which job runs to look at, cheaply: keys alone are read in the order of the table. */

import type { Engine } from '../store/engine.ts';
import { readNewestRuns } from '../tracking/newest-runs.ts';
import { runIdDaysAgo } from './times.ts';

export interface Key {
  readonly runId: string;
  readonly origin: string;
}

export interface JobKey extends Key {
  readonly job: string;
}

/** Nobody looks for a run that goes on longer than this. */
const LONGEST_RUN_DAYS = 31;
/** For evidence that is on its way, and for clocks that differ. */
const SLACK_MS = 60_000;

/**
 * Runs that may go on; the newest first. Their verdict says whether they do: reading it for all runs costs ten times as
 * much as this, which only leaves out what has been lost for a while.
 */
export async function findOpenRuns(engine: Engine, project: string, limit: number): Promise<JobKey[]> {
  return engine.rows<JobKey>(
    `SELECT run_id AS runId, origin, job_name AS job FROM run_summaries FINAL
     WHERE project_id = {project:String} AND run_id >= {since:String}
       AND (declared_end_at = toDateTime64(0, 9, 'UTC') AND lost_ms >= {alive:Int64} OR arrayExists(ms -> ms >= {alive:Int64}, open_lost_ms))
     ORDER BY run_id DESC, origin DESC LIMIT {limit:UInt32}`,
    { project, since: runIdDaysAgo(LONGEST_RUN_DAYS), alive: Date.now() - SLACK_MS, limit },
  );
}

/** The newest runs, of one job where one is named. */
export async function findLatestRuns(
  engine: Engine,
  project: string,
  { job = '', limit }: { job?: string; limit: number },
): Promise<JobKey[]> {
  return readNewestRuns<JobKey>(
    engine,
    `SELECT run_id AS runId, origin, job_name AS job FROM run_summaries
     WHERE project_id = {project:String} AND ({job:String} = '' OR job_name = {job:String})`,
    { project, job, limit },
  );
}
