/** Lists what a run can declare and what Rollcall can conclude. */

/** What a program may say of its own end. */
export const DECLARED_STATUSES = ['completed', 'nothing_to_do', 'failed', 'cancelled', 'timed_out'] as const;
export type DeclaredStatus = (typeof DECLARED_STATUSES)[number];

/**
 * What Rollcall concludes from all the evidence.
 * `pending` is a client that is expected, has not started, and whose job run is still going on:
 * it becomes `never_started` when the job run ends without it.
 */
export const VERDICTS = [
  'pending',
  'running',
  'completed',
  'completed_with_errors',
  'nothing_to_do',
  'failed',
  'cancelled',
  'timed_out',
  'lost',
  'never_started',
] as const;
export type Verdict = (typeof VERDICTS)[number];

/** A run without a sign of life for this many promised heartbeat intervals is `lost`. */
export const HEARTBEATS_UNTIL_LOST = 3;
/** How often the SDK sends a sign of life unless told otherwise. */
export const DEFAULT_HEARTBEAT_INTERVAL_MS = 5_000;
