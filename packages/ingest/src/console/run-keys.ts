/** Finds which job runs to look at, cheaply: keys alone are read in the order of the table. */

import type { Engine } from '../store/engine.ts';
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
 * much as this, which only leaves out what was last heard too long ago to be anything but lost.
 */
export async function findOpenRuns(engine: Engine, project: string, limit: number): Promise<JobKey[]> {
  return engine.rows<JobKey>(
    `SELECT run_id AS runId, origin, job_name AS job FROM run_summaries FINAL
     WHERE project_id = {project:String} AND run_id >= {since:String}
       AND (declared_end_at = toDateTime64(0, 9, 'UTC') OR notEmpty(open_clients))
       AND greatest(heard_ms, arrayMax(arrayPushBack(arrayMap(open -> open.heard_ms, open_clients), 0)))
         > {nowMs:Int64} - {slackMs:Int64} - if(arrayMax(arrayPushBack(arrayMap(open -> open.interval_ms, open_clients), heartbeat_interval_ms)) = 0,
           86400000, 3 * toInt64(arrayMax(arrayPushBack(arrayMap(open -> open.interval_ms, open_clients), heartbeat_interval_ms))))
     ORDER BY run_id DESC, origin DESC LIMIT {limit:UInt32}`,
    { project, since: runIdDaysAgo(LONGEST_RUN_DAYS), nowMs: Date.now(), slackMs: SLACK_MS, limit },
  );
}

/** The newest runs, of one job where one is named. */
export async function findLatestRuns(
  engine: Engine,
  project: string,
  { job = '', limit }: { job?: string; limit: number },
): Promise<JobKey[]> {
  return engine.rows<JobKey>(
    `SELECT run_id AS runId, origin, job_name AS job FROM run_summaries
     WHERE project_id = {project:String} AND ({job:String} = '' OR job_name = {job:String})
     ORDER BY run_id DESC, origin DESC LIMIT 1 BY run_id, origin LIMIT {limit:UInt32}`,
    { project, job, limit },
  );
}
