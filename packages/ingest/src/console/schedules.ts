/** Reads when jobs are due. */

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

/** No job can have a schedule yet: the answer is always empty. */
export async function readSchedules(): Promise<Schedule[]> {
  return [];
}
