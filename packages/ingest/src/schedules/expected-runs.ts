/** Reads what is expected of jobs, as the API and the command show it. */

import type { Verdict } from '@rollcall/semconv';
import type { Engine } from '../store/engine.ts';

/** A row of `expected_runs`; times are ISO 8601, UTC. */
export interface ExpectedRun {
  readonly project: string;
  readonly job: string;
  readonly schedule: 'declared' | 'learnt' | 'none';
  readonly expression: string | null;
  /** Why no times can be worked out. */
  readonly problem: string | null;
  readonly state: 'on_time' | 'due' | 'late' | 'missed' | 'unknown' | 'invalid' | 'none';
  readonly lastRunId: string | null;
  readonly lastStartedAt: string | null;
  readonly lastVerdict: Verdict | null;
  readonly nextDueAt: string | null;
  readonly lateSince: string | null;
  readonly missed: number;
  readonly missedSince: string | null;
  /** Runs that were due while Rollcall was down. */
  readonly unknown: number;
  readonly runningTooLong: boolean;
  readonly runningSince: string | null;
  readonly lateAfterMs: number | null;
  readonly maxRuntimeMs: number | null;
}

/** The columns of the view under the names above. */
const EXPECTED_RUN_COLUMNS = `project_id AS project, job_name AS job, schedule, nullIf(expression, '') AS expression, nullIf(problem, '') AS problem, state,
    nullIf(last_run_id, '') AS lastRunId, ${iso('last_started_at')} AS lastStartedAt, last_verdict AS lastVerdict,
    ${iso('next_due_at')} AS nextDueAt, ${iso('late_since')} AS lateSince, toUInt32(missed) AS missed, ${iso('missed_since')} AS missedSince,
    toUInt32(unknown) AS unknown, running_too_long = 1 AS runningTooLong, ${iso('running_since')} AS runningSince,
    toFloat64(nullIf(late_after_ms, 0)) AS lateAfterMs, toFloat64(nullIf(max_runtime_ms, 0)) AS maxRuntimeMs`;

/** What is expected of all jobs, or of those of a project or a name; empty texts stand for all. */
export const EXPECTED_RUNS_SQL = `SELECT ${EXPECTED_RUN_COLUMNS}
FROM expected_runs
WHERE ({project:String} = '' OR project_id = {project:String}) AND ({job:String} = '' OR job_name = {job:String})
ORDER BY indexOf(['missed', 'late', 'invalid', 'unknown', 'due', 'on_time', 'none'], state), nextDueAt IS NULL, nextDueAt, job`;

/** What is expected of one job, or null where nobody has heard of it. */
export async function readExpectedRun(
  engine: Engine,
  project: string,
  job: string,
): Promise<ExpectedRun | null> {
  const [row] = await engine.rows<Omit<ExpectedRun, 'runningTooLong'> & { runningTooLong: number }>(
    EXPECTED_RUNS_SQL,
    { project, job },
  );
  return row === undefined ? null : { ...row, runningTooLong: row.runningTooLong === 1 };
}

function iso(column: string): string {
  return `if(${column} IS NULL, NULL, formatDateTime(assumeNotNull(${column}), '%Y-%m-%dT%H:%i:%S.%fZ'))`;
}
