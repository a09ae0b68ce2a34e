/** Gets out what a process still has to tell when no event loop will turn for it again. */

import { sdkLog } from '../faults.ts';
import type { Heartbeat } from '../heartbeat/heartbeat.ts';
import type { TelemetrySpool } from '../spool/telemetry-spool.ts';
import type { Delivery, Packed } from './delivery.ts';

export interface LastWordsOptions {
  delivery: Delivery;
  heartbeat: Heartbeat;
  /** Absent where nothing is to be kept. */
  spool: TelemetrySpool | undefined;
}

/**
 * An ingest that is well takes it in milliseconds, one that is gone refuses at once, and one that is known to be away
 * is not asked. So long waits only who meets a crowded one, or one that has just begun to hang.
 */
const DELIVERY_MS = 3_000;
/** A large backlog is packed for so long before the rest goes straight to the disk. */
const PACKING_MS = 400;
/** From the start of the last words: what is not on disk by then is lost, and counted. */
const KEEPING_MS = 4_000;

/**
 * Holds the calling thread: hands everything to the heartbeat thread, waits for it while ingest takes it,
 * and writes what is left to the spool. Nothing is sent or kept by this delivery afterwards. Does not throw.
 */
export function deliverLastWords({ delivery, heartbeat, spool }: LastWordsOptions): void {
  const startedMs = performance.now();
  const elapsedMs = () => performance.now() - startedMs;
  const isHealthy = !delivery.isAway;
  const rest = delivery.pack();
  let undelivered: Packed[] = [];
  if (isHealthy && (delivery.backlog > 0 || heartbeat.hasUntold)) {
    const packed = takeWhile(rest, () => elapsedMs() < PACKING_MS);
    undelivered = heartbeat.deliverNow(packed, DELIVERY_MS - elapsedMs());
  }
  keep(undelivered, rest, { delivery, heartbeat, spool }, () => elapsedMs() < KEEPING_MS);
}

/** Writes to the spool what is not confirmed, without another try. */
export function keepRest(options: LastWordsOptions): void {
  const startedMs = performance.now();
  keep([], options.delivery.pack(), options, () => performance.now() - startedMs < KEEPING_MS);
}

function keep(
  undelivered: readonly Packed[],
  rest: Generator<Packed>,
  { heartbeat, spool }: LastWordsOptions,
  hasTime: () => boolean,
): void {
  const left = keepAll(inOrder(undelivered, rest, heartbeat.untold()), spool, hasTime);
  if (left.kept > 0) {
    sdkLog.warn(
      `${left.kept} records could not be delivered; kept in ${spool?.folder} for the next run or 'rollcall flush'`,
    );
  }
  if (left.lost > 0) sdkLog.error(`${left.lost} records could neither be delivered nor kept`);
}

/** Not a `for` loop, which would close the generator: the rest of it is wanted later. */
function takeWhile(packed: Generator<Packed>, hasTime: () => boolean): Packed[] {
  const taken: Packed[] = [];
  while (hasTime()) {
    const next = packed.next();
    if (next.done === true) break;
    taken.push(next.value);
  }
  return taken;
}

function* inOrder(
  undelivered: readonly Packed[],
  rest: Generator<Packed>,
  beats: Uint8Array | undefined,
): Generator<Packed> {
  yield* undelivered;
  yield* rest;
  if (beats === undefined) return;
  yield { contents: 'beats', path: 'v1/logs', contentType: 'application/json', body: beats, records: 1 };
}

function keepAll(
  packed: Iterable<Packed>,
  spool: TelemetrySpool | undefined,
  hasTime: () => boolean,
): { kept: number; lost: number } {
  const left = { kept: 0, lost: 0 };
  for (const request of packed) {
    const isKept = spool !== undefined && hasTime() && spool.keep(request) === 'kept';
    left[isKept ? 'kept' : 'lost'] += request.records;
  }
  return left;
}
