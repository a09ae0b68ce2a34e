/** Keeps the rollups up to date: computes those of the runs that changed anew, soon after the evidence is in. */

import type { Logger } from 'pino';
import type { Engine } from '../store/engine.ts';
import {
  FURTHER_TRIES,
  MARK_SUMMARISED,
  rollUp,
  ROLLUPS,
  TOUCHED_SINCE,
  WAITING,
  type Part,
} from './statements.ts';

/** A run by its ID; two runs that bear it are rolled up together. */
export interface RunName {
  readonly project: string;
  readonly runId: string;
}

export interface RollupsOptions {
  readonly engine: Engine;
  readonly log: Logger;
  /** Called with how many runs were rolled up in a pass, and how long it took. */
  readonly onPass?: (runs: number, durationMs: number) => void;
}

const BOTH: ReadonlySet<Part> = new Set(['events', 'metrics']);
const EVENTS: ReadonlySet<Part> = new Set(['events']);
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
  readonly #dirty = new Set<Part>();
  #passSinceMs: number | undefined;
  #timer: NodeJS.Timeout | undefined;
  #sweep: NodeJS.Timeout | undefined;
  #pass: Promise<void> | undefined;
  #restUntilMs = 0;
  #failures = 0;
  #asked: { names: RunName[]; parts: Set<Part>; done: Promise<void> } | undefined;
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

  /** An insert into this table that began at `sinceMs` is in. */
  touched(sinceMs: number, table: string): void {
    this.#dirty.add('events');
    // Final points complete a client run's telemetry, so that of points both parts tell.
    if (table.startsWith('otel_metrics')) this.#dirty.add('metrics');
    this.#sinceMs = Math.min(this.#sinceMs ?? sinceMs, sinceMs);
    this.#plan();
  }

  /** Resolves when these runs are rolled up as they are now. Calls that come meanwhile are answered together. */
  async settle(names: readonly RunName[], parts: readonly Part[] = ['events', 'metrics']): Promise<void> {
    if (names.length === 0) return;
    if (this.#asked === undefined) {
      const asked = { names: [] as RunName[], parts: new Set<Part>(), done: Promise.resolve() };
      asked.done = this.#answering
        .catch(() => undefined)
        .then(async () => {
          this.#asked = undefined;
          await this.#rollUp(asked.names, { parts: asked.parts, isWhole: asked.parts.size === BOTH.size });
        });
      this.#asked = asked;
      this.#answering = asked.done;
    }
    this.#asked.names.push(...names);
    for (const part of parts) this.#asked.parts.add(part);
    await this.#asked.done;
  }

  /** Resolves when everything that is in now is rolled up. */
  async catchUp(): Promise<void> {
    await this.#pass?.catch(() => undefined);
    clearTimeout(this.#timer);
    this.#timer = undefined;
    const sinceMs = this.#sinceMs;
    this.#sinceMs = undefined;
    this.#dirty.clear();
    if (sinceMs !== undefined) await this.#rollUpTouched(sinceMs, BOTH);
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
    const parts = new Set(this.#dirty);
    this.#dirty.clear();
    const startedMs = performance.now();
    try {
      await this.#rollUpTouched(sinceMs, parts);
      this.#failures = 0;
      const durationMs = performance.now() - startedMs;
      const pauseMs = Math.min(Math.max(SHORTEST_PAUSE_MS, PAUSE_FACTOR * durationMs), LONGEST_PAUSE_MS);
      this.#restUntilMs = performance.now() + pauseMs;
    } catch (error) {
      this.#sinceMs = Math.min(this.#sinceMs ?? sinceMs, sinceMs);
      for (const part of parts) this.#dirty.add(part);
      const pauseMs = Math.min(FIRST_RETRY_MS * 2 ** this.#failures++, LONGEST_RETRY_MS);
      this.#restUntilMs = performance.now() + pauseMs;
      this.#options.log.warn({ err: error }, 'the rollups could not be brought up to date, trying again');
    } finally {
      this.#passSinceMs = undefined;
    }
  }

  async #rollUpTouched(sinceMs: number, parts: ReadonlySet<Part>): Promise<void> {
    const since = timeText(sinceMs - SKEW_MS);
    const names = await this.#options.engine.rows<RunName>(TOUCHED_SINCE, { since });
    // After a further try the numbers of the one before count no longer, whether or not it reports any.
    const needsBoth = parts.has('metrics') || (await this.#haveFurtherTries(names));
    await this.#rollUp(names, { parts: needsBoth ? BOTH : EVENTS, isWhole: true });
  }

  async #haveFurtherTries(names: readonly RunName[]): Promise<boolean> {
    if (names.length === 0) return false;
    const [found] = await this.#options.engine.rows<{ tries: number }>(FURTHER_TRIES, parametersOf(names));
    return (found?.tries ?? 0) > 0;
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

  /** `isWhole`: what the other part tells can not have changed. */
  async #rollUp(
    names: readonly RunName[],
    { parts, isWhole }: { parts: ReadonlySet<Part>; isWhole: boolean } = { parts: BOTH, isWhole: true },
  ): Promise<void> {
    const { engine, onPass } = this.#options;
    const tables = ROLLUPS.filter(({ part }) => parts.has(part));
    const startedMs = performance.now();
    for (let from = 0; from < names.length; from += BATCH) {
      const [clock] = await engine.rows<{ at: string }>("SELECT toString(now64(3, 'UTC')) AS at");
      const parameters = { ...parametersOf(names.slice(from, from + BATCH)), at: clock?.at ?? '' };
      for (const table of tables) await engine.background(rollUp(table), parameters);
      if (isWhole) await engine.background(MARK_SUMMARISED, parameters);
    }
    if (names.length > 0) onPass?.(names.length, performance.now() - startedMs);
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
