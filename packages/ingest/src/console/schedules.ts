/** Reads when jobs are due. */

import { EXPECTED_RUNS_SQL, type ExpectedRun } from '../schedules/expected-runs.ts';
import type { Engine } from '../store/engine.ts';

/** A job with a schedule, and how it stands with it. */
export interface Schedule {
  readonly job: string;
  /** ISO 8601; null where nothing is due any more. */
  readonly nextDue: string | null;
  /** ISO 8601: when the run was due that has not begun yet; null where none is late. */
  readonly lateSince: string | null;
  /** How many due runs of the last week never began. */
  readonly missed: number;
}

/** The jobs of a project that have a schedule, those that are late or missed first; one job where one is named. */
export async function readSchedules(engine: Engine, project: string, job = ''): Promise<Schedule[]> {
  const rows = await engine.rows<ExpectedRun>(EXPECTED_RUNS_SQL, { project, job });
  return rows
    .filter(({ schedule }) => schedule !== 'none')
    .map((row) => ({
      job: row.job,
      nextDue: row.nextDueAt,
      lateSince: row.lateSince,
      missed: row.missed,
    }));
}

/** Whether a run of it is late or did not come. */
export function isOverdue({ lateSince, missed }: Schedule): boolean {
  return lateSince !== null || missed > 0;
}
