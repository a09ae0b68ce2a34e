/** Counts what several parts of one run in this process must count together. */

import { Lifeline } from '../heartbeat/lifeline.ts';

/** One producer numbers its events of a run without gaps, however many requests of that run it handles. */
export interface SharedCounts {
  /** Numbers the events, also for the heartbeat thread. */
  readonly lifeline: Lifeline;
  /** Tries so far, by client. */
  readonly attempts: Map<string, number>;
}

/** A process that has told of so many runs since will hardly hear of this one again. */
const MOST_RUNS = 1_000;

export class RunCounts {
  readonly #counts = new Map<string, SharedCounts>();

  of(runId: string, origin: string): SharedCounts {
    const key = `${runId} ${origin}`;
    const counts = this.#counts.get(key) ?? { lifeline: new Lifeline(), attempts: new Map<string, number>() };
    this.#counts.delete(key);
    this.#counts.set(key, counts);
    const [oldest] = this.#counts.keys();
    if (this.#counts.size > MOST_RUNS && oldest !== undefined) this.#counts.delete(oldest);
    return counts;
  }
}
