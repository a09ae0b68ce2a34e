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

/** What is usual changes slowly, and every page asks for it. */
const KEPT_MS = 60_000;
const MOST_KEPT = 10_000;

/** What was learnt lately, for as long as the engine lives. */
const learnt = new WeakMap<Engine, Map<string, { readonly usual: Usual; readonly untilMs: number }>>();

/** By job; a job with too few runs is missing. At most 100 jobs at a time. */
export async function readUsual(
  engine: Engine,
  project: string,
  jobs: readonly string[],
): Promise<ReadonlyMap<string, Usual>> {
  const kept = learnt.get(engine) ?? new Map<string, { usual: Usual; untilMs: number }>();
  learnt.set(engine, kept);
  const nowMs = Date.now();
  const known = new Map<string, Usual>();
  for (const job of jobs) {
    const found = kept.get(keyOf(project, job));
    if (found !== undefined && found.untilMs > nowMs) known.set(job, found.usual);
  }
  const fresh = await learn(
    engine,
    project,
    jobs.filter((job) => !known.has(job)),
  );
  for (const [job, usual] of fresh) {
    kept.delete(keyOf(project, job));
    kept.set(keyOf(project, job), { usual, untilMs: nowMs + KEPT_MS });
    const [oldest] = kept.keys();
    if (kept.size > MOST_KEPT && oldest !== undefined) kept.delete(oldest);
  }
  return new Map([...known, ...fresh]);
}

function keyOf(project: string, job: string): string {
  return JSON.stringify([project, job]);
}

async function learn(
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
