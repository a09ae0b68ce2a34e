/** Delivers the rest when the program has come to its natural end. */
import { sdkLog } from '../faults.ts';
import type { Delivery } from './delivery.ts';

/** With the second that `job()` may wait, an exit is delayed by less than 5 s, and only when ingest does not take the rest. */
const EXIT_FLUSH_MS = 3_500;

/** Flushes when the event loop has run dry. Returns the function that takes the hook off again. */
export function flushAtExit(delivery: Delivery): () => void {
  const flush = async () => {
    if (await delivery.flush(EXIT_FLUSH_MS)) return;
    sdkLog.warn(`Exiting with ${delivery.backlog} records undelivered after ${EXIT_FLUSH_MS} ms`);
    delivery.close();
  };
  const onDry = () => {
    if (delivery.backlog > 0) void flush();
  };
  process.on('beforeExit', onDry);
  return () => process.off('beforeExit', onDry);
}
