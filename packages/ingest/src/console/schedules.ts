/** Reads when jobs are due. */

import type { Engine } from '../store/engine.ts';
import { isoTime } from './times.ts';

/** A job with a schedule, and how it stands with it. */
export interface Schedule {
  readonly job: string;
  /** ISO 8601; null where nothing is due any more. */
  readonly nextDue: string | null;
  /** ISO 8601: when the run was due that has not begun yet; null where none is late. */
  readonly lateSince: string | null;
  /** How many due runs of the last week never began. */
  readonly missed: number;
  /** Whether its run goes on for longer than it may. */
  readonly isTooLong: boolean;
}

const MOST_OVERDUE = 100;

/** Of these jobs those that have a schedule; or, of all jobs, those that are late, missed a run, or run too long. */
export async function readSchedules(
  engine: Engine,
  project: string,
  which: readonly string[] | 'overdue',
): Promise<Schedule[]> {
  // Most projects have no schedule, and then there is nothing to work out.
  const [plans] = await engine.rows<{ some: number }>(
    'SELECT count() > 0 AS some FROM schedule_plans WHERE project_id = {project:String}',
    { project },
  );
  if (plans?.some !== 1) return [];
  const rows = await engine.rows<Omit<Schedule, 'isTooLong'> & { isTooLong: number }>(
    `SELECT job_name AS job, ${isoTime('next_due_at')} AS nextDue, ${isoTime('late_since')} AS lateSince,
        toUInt32(expected_runs.missed) AS missed, running_too_long AS isTooLong
     FROM expected_runs
     WHERE project_id = {project:String} AND schedule != 'none'
       AND if({isOverdue:Bool}, late = 1 OR expected_runs.missed > 0 OR running_too_long = 1, job_name IN {jobs:Array(String)})
     ORDER BY job_name LIMIT {limit:UInt32}`,
    {
      project,
      isOverdue: which === 'overdue',
      jobs: which === 'overdue' ? [] : which,
      limit: which === 'overdue' ? MOST_OVERDUE : which.length,
    },
  );
  return rows.map((row) => ({ ...row, isTooLong: row.isTooLong === 1 }));
}
