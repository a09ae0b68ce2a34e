/** Concludes from how the work ended what the run declares. */
import type { DeclaredStatus } from '@rollcall/semconv';
import type { Cancellation, Settled } from './cancellation.ts';
import { describeError } from './describe-error.ts';

/** What a run says of its own end. */
export interface Ending {
  status: DeclaredStatus;
  reason?: string;
  /** The error that ended it; what was thrown may be `undefined`, hence the wrapping. */
  error?: { thrown: unknown };
}

export function endingOf(
  settled: Settled<unknown>,
  { signal }: Cancellation,
  skipReason: string | undefined,
): Ending {
  const error = settled.how === 'threw' ? { error: { thrown: settled.error } } : {};
  if (signal.aborted) {
    const reason = describeError(signal.reason).message;
    if (!isTimeout(signal.reason)) return { status: 'cancelled', reason, ...error };
    return { status: 'timed_out', reason, error: { thrown: signal.reason as unknown }, ...error };
  }
  if (settled.how === 'threw') return { status: 'failed', ...error };
  if (skipReason !== undefined) return { status: 'nothing_to_do', reason: skipReason };
  return { status: 'completed' };
}

/** Whether an error only says that work stopped because it was told to. Then nothing has failed. */
export function isCancellation(error: unknown, signal: AbortSignal): boolean {
  if (!signal.aborted || isTimeout(signal.reason)) return false;
  return error === signal.reason || (error instanceof Error && error.name === 'AbortError');
}

/** Also that of `AbortSignal.timeout()`. */
function isTimeout(reason: unknown): boolean {
  return reason instanceof Error && reason.name === 'TimeoutError';
}
