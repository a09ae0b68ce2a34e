/** Makes and checks the ID of a job run. */
import { formatRunId, instantOf, withinRange } from './calendar.ts';
import { describeValue } from './describe-value.ts';
import { parseRunId } from './parse-run-id.ts';
import { RunIdError } from './run-id-error.ts';

/**
 * Makes the ID of a job run that starts now: `YYMMDD-HHMMSS`, UTC.
 * Make it once, at the top, and hand it down; two calls in different seconds give different IDs.
 * Throws a RunIdError (`invalid_date`, `out_of_range`) when the time cannot be written.
 * @example
 * generateRunId(new Date('2025-09-30T12:30:45.678Z')) // => '250930-123045'
 */
export function generateRunId(now: Date = new Date()): string {
  return runIdAt(epochMsOf(now));
}

/**
 * The run ID one second later, for when an ID is already taken.
 * Throws a RunIdError (`invalid_run_id`, or `out_of_range` after 991231-235959).
 * @example
 * nextRunId('250930-235959') // => '251001-000000'
 */
export function nextRunId(runId: string): string {
  const parsed = parseRunId(runId);
  if (parsed.status === 'refused') throw new RunIdError('invalid_run_id', parsed.reason);
  if (parsed.clientId !== null) {
    throw new RunIdError(
      'invalid_run_id',
      `${describeValue(runId)} is a client run ID; pass the job run's ID, ${parsed.runId}.`,
    );
  }
  return runIdAt(parsed.startedAt.getTime() + 1000);
}

/**
 * Whether a value is a job run ID, without a client's suffix: `YYMMDD-HHMMSS`, a second that exists.
 * @example
 * isValidRunId('240229-235959') // => true
 * isValidRunId('250230-120000') // => false
 */
export function isValidRunId(value: unknown): value is string {
  if (typeof value !== 'string' || !SHAPE.test(value)) return false;
  return instantOf(`20${value.replace('-', '')}`).status === 'ok';
}

const SHAPE = /^\d{6}-\d{6}$/;

/** Borrows getTime, which knows a Date of another realm and refuses everything else. */
function epochMsOf(date: Date): number {
  let epochMs: number;
  try {
    epochMs = Date.prototype.getTime.call(date);
  } catch {
    throw new RunIdError('invalid_date', `A run ID is made from a Date; got ${describeValue(date)}.`);
  }
  if (!Number.isNaN(epochMs)) return epochMs;
  throw new RunIdError('invalid_date', 'A run ID is made from a Date; got an invalid Date.');
}

function runIdAt(epochMs: number): string {
  const instant = withinRange({ status: 'ok', epochMs });
  if (instant.status === 'ok') return formatRunId(instant.epochMs);
  throw new RunIdError('out_of_range', `A run ID cannot name this second: ${instant.reason}.`);
}
