/** Asks what changed lately. Cheap: it reads keys and times of the rollups, in the order of their keys. */

import type { Engine } from '../store/engine.ts';
import type { Key } from '../console/run-keys.ts';
import { runIdDaysAgo } from '../console/times.ts';

/** Changes of runs that began longer ago than this are not looked for. */
const OLDEST_RUN_DAYS = 31;
const MOST_RUNS = 200;
const MOST_CLIENTS = 2_000;

/** Runs that were rolled up anew since then; the newest first. */
export async function findTouchedRuns(engine: Engine, project: string, sinceMs: number): Promise<Key[]> {
  return engine.rows<Key>(
    `SELECT run_id AS runId, origin FROM run_summaries
     WHERE project_id = {project:String} AND run_id >= {oldest:String}
       AND summarised_at >= fromUnixTimestamp64Milli({since:Int64}, 'UTC')
     ORDER BY run_id DESC, origin DESC LIMIT 1 BY run_id, origin LIMIT {most:UInt32}`,
    { project, oldest: runIdDaysAgo(OLDEST_RUN_DAYS), since: Math.floor(sinceMs), most: MOST_RUNS },
  );
}

/** Clients of these runs whose row has changed since then. */
export async function findTouchedClients(
  engine: Engine,
  project: string,
  runIds: readonly string[],
  sinceMs: number,
): Promise<(Key & { clientId: string })[]> {
  return engine.rows(
    `SELECT DISTINCT run_id AS runId, origin, client_id AS clientId FROM client_run_summaries
     WHERE project_id = {project:String} AND run_id IN {runIds:Array(String)}
       AND summarised_at >= fromUnixTimestamp64Milli({since:Int64}, 'UTC')
     LIMIT {most:UInt32}`,
    { project, runIds, since: Math.floor(sinceMs), most: MOST_CLIENTS },
  );
}
