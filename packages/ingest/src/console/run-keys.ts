/** Finds which job runs to look at, cheaply: keys alone are read in the order of the table. */

import type { Engine } from '../store/engine.ts';
import { runIdDaysAgo } from './times.ts';

export interface Key {
  readonly runId: string;
  readonly origin: string;
}

/** Nobody looks for a run that goes on longer than this. */
const LONGEST_RUN_DAYS = 31;
/** A client that outlives its job run shows up in the states of these days. */
const LONGEST_CLIENT_DAYS = 2;

/** Runs that have not ended and have given a sign of life, and runs with a client that goes on; the newest first. */
export async function findOpenRuns(engine: Engine, project: string, limit: number): Promise<Key[]> {
  return engine.rows<Key>(
    `SELECT run_id AS runId, origin FROM (
       SELECT run_id, origin FROM job_run_latest
       WHERE project_id = {project:String} AND run_id >= {since:String} AND NOT is_ended AND NOT is_silent
       UNION DISTINCT
       SELECT run_id, origin FROM client_run_states
       WHERE project_id = {project:String} AND run_id >= {clientsSince:String} AND attempt > 0
         AND (run_id, origin) IN (
           SELECT run_id, origin FROM job_run_latest
           WHERE project_id = {project:String} AND run_id >= {clientsSince:String} AND is_ended)
       GROUP BY run_id, origin, client_id, attempt
       HAVING max(ending).at = toDateTime64(0, 9, 'UTC') AND greatest(max(last_seen_at), max(heard_at)) > now64(9, 'UTC') - INTERVAL 1 DAY
     )
     ORDER BY run_id DESC, origin DESC LIMIT {limit:UInt32}`,
    {
      project,
      since: runIdDaysAgo(LONGEST_RUN_DAYS),
      clientsSince: runIdDaysAgo(LONGEST_CLIENT_DAYS),
      limit,
    },
  );
}

/** The newest runs, of one job where one is named. */
export async function findLatestRuns(
  engine: Engine,
  project: string,
  { job = '', limit }: { job?: string; limit: number },
): Promise<Key[]> {
  return engine.rows<Key>(
    `SELECT run_id AS runId, origin FROM job_run_states
     WHERE project_id = {project:String} AND ({job:String} = '' OR job_name = {job:String})
     ORDER BY run_id DESC, origin DESC LIMIT 1 BY run_id, origin LIMIT {limit:UInt32}`,
    { project, job, limit },
  );
}
