/** Tells the heartbeat thread how the main thread is, by memory that both see. */

import { monitorEventLoopDelay, performance } from 'node:perf_hooks';
import { getHeapStatistics } from 'node:v8';

/** How the main thread was since the last look. */
export interface PulseReading {
  /** The longest that its event loop was late. */
  eventLoopDelayMs: number;
  heapUsedBytes: number;
  heapLimitBytes: number;
}

const SIZE_BYTES = 48;
/** Place of the 32-bit integer. */
const LONGEST_DELAY_US = 0;
/** Places of the 64-bit floats, behind it. */
const LAST_TICK_MS = 1;
const TICK_EVERY_MS = 2;
const HEAP_USED = 3;
const HEAP_LIMIT = 4;

/** Each look wakes the process up: five a second cost an idle one more than all the rest of its signs of life. */
const HISTOGRAM_RESOLUTION_MS = 200;
const SHORTEST_TICK_MS = 10;
const LONGEST_TICK_MS = 1_000;
/** A loop that works for less of the time between two ticks can hardly have been late. */
const BUSY_SHARE = 0.05;
/** After so many ticks without work nobody looks closely any more, and they come half as often. */
const QUIET_TICKS = 5;
const QUIET_FACTOR = 2;

/**
 * The main thread's side: a timer that ticks a few times per heartbeat, and does not keep the process alive.
 * While the event loop has work to do a histogram looks more often; a process that only waits is left to sleep.
 */
export class Pulse {
  readonly memory = new SharedArrayBuffer(SIZE_BYTES);
  readonly #integers = new Int32Array(this.memory);
  readonly #floats = new Float64Array(this.memory);
  readonly #closeTickMs: number;
  #tickMs = 0;
  #histogram: ReturnType<typeof monitorEventLoopDelay> | undefined;
  #timer: NodeJS.Timeout | undefined;
  /** How long the event loop has worked by the last tick. */
  #workedMs = 0;
  #quietTicks = 0;

  constructor(heartbeatIntervalMs: number) {
    this.#closeTickMs = Math.min(LONGEST_TICK_MS, Math.max(SHORTEST_TICK_MS, heartbeatIntervalMs / 5));
  }

  start(): void {
    if (this.#timer !== undefined) return;
    this.#workedMs = performance.eventLoopUtilization().active;
    this.#floats[LAST_TICK_MS] = monotonicMs();
    this.#noteHeap();
    this.#lookClosely();
  }

  stop(): void {
    this.#histogram?.disable();
    clearInterval(this.#timer);
    this.#timer = undefined;
    // Nobody is waited for, so nobody is late.
    this.#floats[LAST_TICK_MS] = 0;
    Atomics.store(this.#integers, LONGEST_DELAY_US, 0);
  }

  #tick(): void {
    const nowMs = monotonicMs();
    // The histogram does not see the first tick after its start, but this one's own lateness does.
    const lateMs = nowMs - (this.#floats[LAST_TICK_MS] ?? nowMs) - this.#tickMs;
    // It holds the time between two ticks of its own timer, the due part included.
    const histogramMs = (this.#histogram?.max ?? 0) / 1e6 - HISTOGRAM_RESOLUTION_MS;
    const delayUs = Math.round(Math.min(2e9, Math.max(0, lateMs, histogramMs) * 1_000));
    // The other thread may have set it back to 0 meanwhile; a delay told twice does no harm.
    if (delayUs > Atomics.load(this.#integers, LONGEST_DELAY_US)) {
      Atomics.store(this.#integers, LONGEST_DELAY_US, delayUs);
    }
    this.#floats[LAST_TICK_MS] = nowMs;
    this.#adapt();
  }

  /** Looks closely for as long as there is something to see. */
  #adapt(): void {
    const { active } = performance.eventLoopUtilization();
    const workedMs = active - this.#workedMs;
    this.#workedMs = active;
    this.#histogram?.reset();
    if (workedMs >= BUSY_SHARE * this.#tickMs) {
      this.#lookClosely();
      this.#noteHeap();
    } else if (++this.#quietTicks === QUIET_TICKS) {
      this.#histogram?.disable();
      this.#tickEvery(this.#closeTickMs * QUIET_FACTOR);
    }
  }

  #lookClosely(): void {
    this.#quietTicks = 0;
    this.#histogram ??= monitorEventLoopDelay({ resolution: HISTOGRAM_RESOLUTION_MS });
    this.#histogram.enable();
    this.#tickEvery(this.#closeTickMs);
  }

  #tickEvery(milliseconds: number): void {
    if (this.#timer !== undefined && this.#tickMs === milliseconds) return;
    clearInterval(this.#timer);
    this.#tickMs = milliseconds;
    this.#floats[TICK_EVERY_MS] = milliseconds;
    this.#timer = setInterval(() => this.#tick(), milliseconds).unref();
  }

  #noteHeap(): void {
    const { used_heap_size: used, heap_size_limit: limit } = getHeapStatistics();
    this.#floats[HEAP_USED] = used;
    this.#floats[HEAP_LIMIT] = limit;
  }
}

/** Reads a pulse from either thread, and begins a new look. */
export function readPulse(memory: SharedArrayBuffer): PulseReading {
  const integers = new Int32Array(memory);
  const floats = new Float64Array(memory);
  const lastTickMs = floats[LAST_TICK_MS] ?? 0;
  // A tick that is due and does not come: the main thread is busy right now.
  const overdueMs = lastTickMs === 0 ? 0 : monotonicMs() - lastTickMs - (floats[TICK_EVERY_MS] ?? 0);
  const longestMs = Atomics.exchange(integers, LONGEST_DELAY_US, 0) / 1_000;
  return {
    eventLoopDelayMs: Math.max(0, overdueMs, longestMs),
    heapUsedBytes: floats[HEAP_USED] ?? 0,
    heapLimitBytes: floats[HEAP_LIMIT] ?? 0,
  };
}

/** The same clock in every thread, which `performance.now()` is not. */
function monotonicMs(): number {
  const [seconds, nanoseconds] = process.hrtime();
  return seconds * 1_000 + nanoseconds / 1e6;
}
