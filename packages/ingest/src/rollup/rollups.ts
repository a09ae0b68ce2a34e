/** Keeps the rollups up to date: computes those of the runs that changed anew, soon after the evidence is in. */

import { randomUUID } from 'node:crypto';
import type { Logger } from 'pino';
import type { Engine } from '../store/engine.ts';
import {
  COMPUTE_RUNS,
  MARK_SUMMARISED,
  rollUp,
  OF_A_RUN,
  SHOW_RUNS,
  TOUCHED_SINCE,
  WAITING,
} from './statements.ts';

/** A run by its ID; two runs that bear it are rolled up together. */
export interface RunName {
  readonly project: string;
  readonly runId: string;
}

export interface RollupsOptions {
  readonly engine: Engine;
  readonly log: Logger;
}

/** Runs of one statement. */
const BATCH = 2_000;
/** Touches bear the clock of ClickHouse, which may be a little behind ours. */
const SKEW_MS = 2_000;
/** After a pass there is a pause of at least this, and of this many times its duration: a fifth of a core at the most. */
const SHORTEST_PAUSE_MS = 200;
const PAUSE_FACTOR = 4;
const LONGEST_PAUSE_MS = 1_000;
const FIRST_RETRY_MS = 250;
const LONGEST_RETRY_MS = 10_000;
/** What another ingest inserted, or what was not visible yet, is found by a sweep. */
const SWEEP_MS = 30_000;
const RECENT: SweepWindow = { days: 2, slackS: 30 };
const SWEEP_LIMIT = 10_000;

/** Touches of so many last days (0: all), and runs whose rollup began less than so many seconds after their last touch. */
interface SweepWindow {
  readonly days: number;
  readonly slackS: number;
}

/**
 * One of these serves an engine. `touched` is called after every insert, and a pass follows soon; `settle` computes named
 * runs at once. Passes may overlap: each row says when its computation began, and the latest counts.
 */
export class Rollups {
  readonly #options: RollupsOptions;
  /** Start of the earliest insert that no pass has taken into account. */
  #sinceMs: number | undefined;
  #passSinceMs: number | undefined;
  #timer: NodeJS.Timeout | undefined;
  #sweep: NodeJS.Timeout | undefined;
  #pass: Promise<void> | undefined;
  #restUntilMs = 0;
  #failures = 0;
  #asked: { names: RunName[]; done: Promise<void> } | undefined;
  #answering: Promise<void> = Promise.resolve();
  #closed = false;

  constructor(options: RollupsOptions) {
    this.#options = options;
  }

  /** Begins to look for runs that nobody has rolled up; first for all that an earlier process left. */
  start(): void {
    this.#sweepOnce({ days: 0, slackS: 0 });
    this.#sweep = setInterval(() => this.#sweepOnce(RECENT), SWEEP_MS).unref();
  }

  /** For how long evidence has been in that no rollup knows, milliseconds; 0 where there is none. */
  get lagMs(): number {
    const sinceMs = Math.min(this.#sinceMs ?? Infinity, this.#passSinceMs ?? Infinity);
    return sinceMs === Infinity ? 0 : Math.max(1, Date.now() - sinceMs);
  }

  /** An insert that began at `sinceMs` is in. */
  touched(sinceMs: number): void {
    this.#sinceMs = Math.min(this.#sinceMs ?? sinceMs, sinceMs);
    this.#plan();
  }

  /** Resolves when these runs are rolled up as they are now. Calls that come meanwhile are answered together. */
  async settle(names: readonly RunName[]): Promise<void> {
    if (names.length === 0) return;
    if (this.#asked === undefined) {
      const asked = { names: [] as RunName[], done: Promise.resolve() };
      asked.done = this.#answering
        .catch(() => undefined)
        .then(async () => {
          this.#asked = undefined;
          await this.#rollUp(asked.names);
        });
      this.#asked = asked;
      this.#answering = asked.done;
    }
    this.#asked.names.push(...names);
    await this.#asked.done;
  }

  /** Resolves when everything that is in now is rolled up. */
  async catchUp(): Promise<void> {
    await this.#pass?.catch(() => undefined);
    clearTimeout(this.#timer);
    this.#timer = undefined;
    const sinceMs = this.#sinceMs;
    this.#sinceMs = undefined;
    if (sinceMs !== undefined) await this.#rollUpTouched(sinceMs);
    await this.#rollUpWaiting({ days: 0, slackS: 0 });
  }

  /** Begins nothing more, and waits for what is under way. */
  async close(): Promise<void> {
    this.#closed = true;
    clearTimeout(this.#timer);
    clearInterval(this.#sweep);
    await Promise.allSettled([this.#pass, this.#answering]);
  }

  #plan(): void {
    if (this.#closed || this.#timer !== undefined || this.#pass !== undefined) return;
    const pauseMs = Math.max(0, this.#restUntilMs - performance.now());
    this.#timer = setTimeout(() => {
      this.#timer = undefined;
      this.#pass = this.#runPass().finally(() => {
        this.#pass = undefined;
        if (this.#sinceMs !== undefined) this.#plan();
      });
    }, pauseMs).unref();
  }

  async #runPass(): Promise<void> {
    const sinceMs = this.#sinceMs;
    if (sinceMs === undefined) return;
    this.#sinceMs = undefined;
    this.#passSinceMs = sinceMs;
    const startedMs = performance.now();
    try {
      await this.#rollUpTouched(sinceMs);
      this.#failures = 0;
      const durationMs = performance.now() - startedMs;
      const pauseMs = Math.min(Math.max(SHORTEST_PAUSE_MS, PAUSE_FACTOR * durationMs), LONGEST_PAUSE_MS);
      this.#restUntilMs = performance.now() + pauseMs;
    } catch (error) {
      this.#sinceMs = Math.min(this.#sinceMs ?? sinceMs, sinceMs);
      const pauseMs = Math.min(FIRST_RETRY_MS * 2 ** this.#failures++, LONGEST_RETRY_MS);
      this.#restUntilMs = performance.now() + pauseMs;
      this.#options.log.warn({ err: error }, 'the rollups could not be brought up to date, trying again');
    } finally {
      this.#passSinceMs = undefined;
    }
  }

  async #rollUpTouched(sinceMs: number): Promise<void> {
    const since = timeText(sinceMs - SKEW_MS);
    await this.#rollUp(await this.#options.engine.rows<RunName>(TOUCHED_SINCE, { since }));
  }

  #sweepOnce(window: SweepWindow): void {
    if (this.#closed || this.#pass !== undefined) return;
    this.#pass = this.#rollUpWaiting(window)
      .catch((error: unknown) =>
        this.#options.log.warn({ err: error }, 'waiting rollups could not be brought up to date'),
      )
      .finally(() => {
        this.#pass = undefined;
        if (this.#sinceMs !== undefined) this.#plan();
      });
  }

  async #rollUpWaiting({ days, slackS }: SweepWindow): Promise<void> {
    for (let isMore = true; isMore && !this.#closed;) {
      const waiting = await this.#options.engine.rows<RunName>(WAITING, { days, slackS, limit: SWEEP_LIMIT });
      await this.#rollUp(waiting);
      isMore = waiting.length === SWEEP_LIMIT;
    }
  }

  async #rollUp(names: readonly RunName[]): Promise<void> {
    const { engine } = this.#options;
    for (let from = 0; from < names.length; from += BATCH) {
      const [clock] = await engine.rows<{ at: string }>("SELECT toString(now64(3, 'UTC')) AS at");
      const parameters = { ...parametersOf(names.slice(from, from + BATCH)), at: clock?.at ?? '' };
      // The row of a run is computed before those that belong to it, and shown after them: what it says of its end, they
      // say already.
      const pass = { ...parameters, pass: randomUUID() };
      await engine.background(COMPUTE_RUNS, pass);
      for (const rollup of OF_A_RUN) await engine.background(rollUp(rollup), parameters);
      await engine.background(SHOW_RUNS, pass);
      await engine.background(MARK_SUMMARISED, parameters);
    }
  }
}

function parametersOf(names: readonly RunName[]): { projects: string[]; runs: string[] } {
  return {
    projects: [...new Set(names.map(({ project }) => project))],
    runs: [...new Set(names.map(({ runId }) => runId))],
  };
}

/** A time as ClickHouse reads it, UTC. */
function timeText(ms: number): string {
  return new Date(ms).toISOString().replace('T', ' ').replace('Z', '');
}
