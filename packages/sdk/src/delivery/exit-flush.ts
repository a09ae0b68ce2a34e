/** Delivers the rest when the program has come to its natural end. */
import { sdkLog } from '../faults.ts';
import type { Delivery } from './delivery.ts';

/** With the second that `job()` may wait, an exit is delayed by less than 5 s, and only when ingest does not take the rest. */
const EXIT_FLUSH_MS = 2_000;
/** Where ingest is known to be away, it is given one more chance. */
const EXIT_FLUSH_AWAY_MS = 1_000;

/**
 * Flushes when the event loop has run dry. What is left after that is kept on disk when the process exits.
 * `isAway` tells whether others found ingest away. Returns the function that takes the hook off again.
 */
export function flushAtExit(delivery: Delivery, isAway: () => boolean): () => void {
  let isTried = false;
  const flush = async () => {
    const timeoutMs = delivery.failing || isAway() ? EXIT_FLUSH_AWAY_MS : EXIT_FLUSH_MS;
    const flushed = await delivery.flush(timeoutMs);
    isTried = !flushed || !delivery.isIdle;
    if (flushed) return;
    sdkLog.warn(`Exiting with ${delivery.backlog} records undelivered after ${timeoutMs} ms`);
  };
  const onDry = () => {
    if (!delivery.isIdle && !isTried) void flush();
  };
  process.on('beforeExit', onDry);
  return () => process.off('beforeExit', onDry);
}
