/** Waits, but not for ever. */

import { setTimeout as pause } from 'node:timers/promises';

/** Resolves when `work` has, or after so many milliseconds. Rejects like `work`. */
export async function waitAtMost(ms: number, work: Promise<unknown> | undefined): Promise<void> {
  const timer = new AbortController();
  await Promise.race([work, pause(ms, undefined, { signal: timer.signal })]).finally(() => timer.abort());
}
