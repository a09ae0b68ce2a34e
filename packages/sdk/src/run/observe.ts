/** Watches work whose result must come back as it came: a value at once, or the promise of one. */
import { safely } from '../faults.ts';
import type { Settled } from './cancellation.ts';

/** Runs the work; `onSettled` hears how it ended before the caller does. */
export function observe<T>(work: () => T, onSettled: (settled: Settled<unknown>) => void): T {
  const tell = (settled: Settled<unknown>) =>
    safely('tell the end of observed work', () => onSettled(settled));
  let result: T;
  try {
    result = work();
  } catch (error) {
    tell({ how: 'threw', error });
    throw error;
  }
  if (!isThenable(result)) {
    tell({ how: 'returned', value: result });
    return result;
  }
  // Handed on, so that a rejection which nobody handles is still one that nobody handles.
  return result.then(
    (value) => {
      tell({ how: 'returned', value });
      return value;
    },
    (error: unknown) => {
      tell({ how: 'threw', error });
      throw error;
    },
  ) as T;
}

function isThenable(value: unknown): value is PromiseLike<unknown> {
  return typeof value === 'object' && value !== null && 'then' in value && typeof value.then === 'function';
}
