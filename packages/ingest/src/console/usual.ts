/** Knows how long the runs of a job usually take. */

import type { Engine } from '../store/engine.ts';

/** Of the latest runs that came to their own end: nine of ten lie between `lowMs` and `highMs`. */
export interface Usual {
  readonly lowMs: number;
  readonly medianMs: number;
  readonly highMs: number;
  /** How many runs it was learnt from. */
  readonly runs: number;
}

const LEARNT_FROM = 30;
/** From fewer runs nothing usual can be told. */
const FEWEST = 3;

/** By job; a job with too few runs is missing. At most 100 jobs at a time. */
export async function readUsual(
  engine: Engine,
  project: string,
  jobs: readonly string[],
): Promise<ReadonlyMap<string, Usual>> {
  if (jobs.length === 0) return new Map();
  const keys = await engine.rows<{ runId: string }>(
    `SELECT DISTINCT run_id AS runId FROM run_summaries
     WHERE project_id = {project:String} AND job_name IN {jobs:Array(String)}
     ORDER BY run_id DESC LIMIT {most:UInt32} BY job_name`,
    { project, jobs: jobs.slice(0, 100), most: LEARNT_FROM },
  );
  const rows = await engine.rows<{ job: string } & Usual>(
    `SELECT job_name AS job, quantileExact(0.05)(duration_ms) AS lowMs, quantileExact(0.5)(duration_ms) AS medianMs,
        quantileExact(0.95)(duration_ms) AS highMs, toUInt32(count()) AS runs
     FROM job_runs
     WHERE project_id = {project:String} AND run_id IN {runIds:Array(String)} AND job_name IN {jobs:Array(String)}
       AND verdict IN ('completed', 'completed_with_errors') AND duration_ms IS NOT NULL
     GROUP BY job_name
     HAVING runs >= {fewest:UInt32}`,
    { project, jobs: jobs.slice(0, 100), runIds: keys.map(({ runId }) => runId), fewest: FEWEST },
  );
  return new Map(rows.map(({ job, ...usual }) => [job, usual]));
}
