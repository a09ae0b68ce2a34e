/** Gives a sign of life for all open runs. */
import { monitorEventLoopDelay } from 'node:perf_hooks';

/** Something that is open and must be seen to live. */
export interface Living {
  /** Called once per interval with the longest event-loop delay since the last call. */
  beat(eventLoopDelayMs: number): void;
}

const RESOLUTION_MS = 10;

/** Beats on the main thread, with a timer that does not keep the process alive, while anything is open. */
export class Heartbeat {
  readonly intervalMs: number;
  readonly #open = new Set<Living>();
  readonly #delay = monitorEventLoopDelay({ resolution: RESOLUTION_MS });
  #timer: NodeJS.Timeout | undefined;
  #lastBeatMs = 0;
  #closed = false;

  constructor(intervalMs: number) {
    this.intervalMs = intervalMs;
  }

  /** Nothing changes for what is open already. */
  start(living: Living): void {
    if (this.#closed) return;
    this.#open.add(living);
    if (this.#timer !== undefined) return;
    this.#delay.enable();
    this.#lastBeatMs = performance.now();
    this.#timer = setInterval(() => this.#beat(), this.intervalMs).unref();
  }

  stop(living: Living): void {
    this.#open.delete(living);
    if (this.#open.size === 0) this.#rest();
  }

  /** Stops for good, whatever is open. */
  close(): void {
    this.#closed = true;
    this.#open.clear();
    this.#rest();
  }

  #rest(): void {
    this.#delay.disable();
    clearInterval(this.#timer);
    this.#timer = undefined;
  }

  #beat(): void {
    const delayMs = this.#longestDelayMs();
    this.#delay.reset();
    this.#lastBeatMs = performance.now();
    for (const living of this.#open) living.beat(delayMs);
  }

  /** The histogram does not see the first tick after its start, but the beat's own lateness does. */
  #longestDelayMs(): number {
    const lateMs = performance.now() - this.#lastBeatMs - this.intervalMs;
    // The histogram holds the time between two ticks of its own timer, the due part included.
    return Math.max(0, lateMs, this.#delay.max / 1e6 - RESOLUTION_MS);
  }
}
