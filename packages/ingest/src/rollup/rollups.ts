/** Keeps the rollups up to date: computes those of the runs that changed anew, soon after the evidence is in. */

import { randomUUID } from 'node:crypto';
import type { Logger } from 'pino';
import type { Engine } from '../store/engine.ts';
import { Together } from '../together.ts';
import {
  AHEAD,
  BEGINNING,
  CLOCK,
  COMPUTE_RUNS,
  FAILURES,
  MARK_SUMMARISED,
  rollUp,
  OF_A_RUN,
  SHOW_RUNS,
  SOURCES,
  TOUCHED_SINCE,
  WAITING,
} from './statements.ts';

/** A run by its ID; two runs that bear it are rolled up together. */
export interface RunName {
  readonly project: string;
  readonly runId: string;
}

/** Runs as parameters of a statement. */
type RunNames = Readonly<Record<'projects' | 'runs', string[]>>;

export interface RollupsOptions {
  readonly engine: Pick<Engine, 'rows' | 'background'>;
  readonly log: Pick<Logger, 'warn'>;
}

/** Runs of one statement. */
const BATCH = 2_000;
/** The clocks of a cluster may differ by so much; where they differ by more, a sweep finds what was missed. */
const SKEW_MS = 100;
/** After a pass there is a pause of at least this, and of this many times its duration: a fifth of a core at the most. */
const SHORTEST_PAUSE_MS = 200;
const PAUSE_FACTOR = 4;
const LONGEST_PAUSE_MS = 1_000;
const FIRST_RETRY_MS = 250;
const LONGEST_RETRY_MS = 10_000;
/** So often it is looked whether passes have found all that was inserted: they may not where a clock was set. */
const LOOK_MS = 5_000;
/** A pass has found it by then. */
const PASSED_S = 3;
/** As far back as the views see which runs wait. */
const LATEST: SweepWindow = { windowS: 300, slackS: 0, ageS: PASSED_S };
/** What another ingest inserted, or what was not visible yet, is found by a sweep. */
const SWEEP_MS = 30_000;
const RECENT: SweepWindow = { windowS: 2 * 86_400, slackS: 30, ageS: 30 };
const ALL: SweepWindow = { windowS: 0, slackS: 0, ageS: 0 };
const SWEEP_LIMIT = 10_000;

/** What {@link WAITING} looks for. */
interface SweepWindow {
  /** Touches of so many last seconds; 0: all. */
  readonly windowS: number;
  /** Runs whose rollup began less than so many seconds after their last touch. */
  readonly slackS: number;
  /** Runs that were not touched for so many seconds; 0: all, also those whose touches are ahead of now. */
  readonly ageS: number;
}

/**
 * One of these serves an engine. `touched` is called after every insert, and a pass follows soon; `settle` computes named
 * runs at once. Passes may overlap: each row says when its computation began, and the latest counts.
 */
export class Rollups {
  readonly #options: RollupsOptions;
  // All by the steady clock.
  /** Start of the earliest insert that no pass has taken into account. */
  #sinceMs: number | undefined;
  #passSinceMs: number | undefined;
  /** When we began, until all that an earlier process left is rolled up. */
  #startedMs: number | undefined;
  /** When the latest insert was in, and when a run was last settled whose rollup no pass has found yet. */
  #insertedMs = -Infinity;
  #settledMs = new Map<string, number>();
  #timer: NodeJS.Timeout | undefined;
  #looks: NodeJS.Timeout | undefined;
  #isLooking = false;
  /** When it was last looked what passes have not found, and last swept. */
  #lookedMs = 0;
  #sweptMs = 0;
  #pass: Promise<void> | undefined;
  /** By the clock of ClickHouse. */
  #begunAtMs = 0;
  #restUntilMs = 0;
  #failures = 0;
  readonly #settling = new Together<readonly RunName[], void>(async (lists) => {
    const begunMs = performance.now();
    const names = lists.flat();
    await this.#rollUp(names);
    for (const name of names) this.#settledMs.set(keyOf(name), begunMs);
  });
  #closed = false;

  constructor(options: RollupsOptions) {
    this.#options = options;
  }

  /** Begins to look for runs that nobody has rolled up; first for all that an earlier process left. */
  start(): void {
    this.#startedMs = performance.now();
    void this.#look();
    this.#looks = setInterval(() => void this.#look(), LOOK_MS).unref();
  }

  /** For how long evidence has been in that no rollup knows, milliseconds; 0 where there is none. */
  get lagMs(): number {
    const known = [this.#sinceMs, this.#passSinceMs, this.#startedMs];
    const sinceMs = Math.min(...known.map((ms) => ms ?? Infinity));
    return sinceMs === Infinity ? 0 : Math.max(1, performance.now() - sinceMs);
  }

  /** An insert is in that began at `sinceMs` of the steady clock. */
  touched(sinceMs: number): void {
    this.#sinceMs = Math.min(this.#sinceMs ?? sinceMs, sinceMs);
    this.#insertedMs = performance.now();
    this.#plan();
  }

  /** Resolves when these runs are rolled up as they are now. Calls that come meanwhile are answered together. */
  async settle(names: readonly RunName[]): Promise<void> {
    if (names.length > 0) await this.#settling.ask('', names);
  }

  /** Resolves when everything that is in now is rolled up. */
  async catchUp(): Promise<void> {
    await this.#beginNext(async () => {
      await this.#rollUpTouched();
      await this.#rollUpWaiting(ALL);
    });
  }

  /** Begins nothing more, and waits for what is under way. */
  async close(): Promise<void> {
    this.#closed = true;
    clearTimeout(this.#timer);
    clearInterval(this.#looks);
    await Promise.allSettled([this.#pass, this.#settling.idle()]);
  }

  #plan(): void {
    if (this.#closed || this.#timer !== undefined || this.#pass !== undefined) return;
    const pauseMs = Math.max(0, this.#restUntilMs - performance.now());
    this.#timer = setTimeout(() => void this.#begin(() => this.#runPass()), pauseMs).unref();
  }

  /** When the pass under way is over. */
  async #beginNext(pass: () => Promise<void>): Promise<void> {
    while (this.#pass !== undefined) await this.#pass.catch(() => undefined);
    await this.#begin(pass);
  }

  /** Passes follow one another: what one of them has not taken into account is planned when it ends, and is the lag until then. */
  async #begin(pass: () => Promise<void>): Promise<void> {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#pass = pass().finally(() => {
      this.#pass = undefined;
      if (this.#sinceMs !== undefined) this.#plan();
    });
    await this.#pass;
  }

  async #runPass(): Promise<void> {
    const startedMs = performance.now();
    try {
      await this.#rollUpTouched();
      this.#failures = 0;
      const durationMs = performance.now() - startedMs;
      const pauseMs = Math.min(Math.max(SHORTEST_PAUSE_MS, PAUSE_FACTOR * durationMs), LONGEST_PAUSE_MS);
      this.#restUntilMs = performance.now() + pauseMs;
    } catch (error) {
      const pauseMs = Math.min(FIRST_RETRY_MS * 2 ** this.#failures++, LONGEST_RETRY_MS);
      this.#restUntilMs = performance.now() + pauseMs;
      this.#options.log.warn({ err: error }, 'the rollups could not be brought up to date, trying again');
    }
  }

  async #rollUpTouched(): Promise<void> {
    await this.#settling.idle();
    const sinceMs = this.#sinceMs;
    if (sinceMs === undefined) return;
    this.#sinceMs = undefined;
    this.#passSinceMs = sinceMs;
    const insertedMs = this.#insertedMs;
    const settledMs = this.#settledMs;
    this.#settledMs = new Map();
    try {
      // Touches bear the clock of ClickHouse, which may tell another time than ours.
      const clockMs = await this.#clockMs();
      const since = timeText(clockMs - (performance.now() - sinceMs) - SKEW_MS);
      const touched = await this.#options.engine.rows<RunName>(TOUCHED_SINCE, { since });
      // What was settled after the latest insert was in is as it would become.
      await this.#rollUp(touched.filter((name) => (settledMs.get(keyOf(name)) ?? -1) < insertedMs));
    } catch (error) {
      this.#sinceMs = Math.min(this.#sinceMs ?? sinceMs, sinceMs);
      throw error;
    } finally {
      this.#passSinceMs = undefined;
    }
  }

  /** Finds what no pass has found. */
  async #look(): Promise<void> {
    if (this.#isLooking) return;
    this.#isLooking = true;
    await this.#beginNext(async () => this.#lookOnce());
    this.#isLooking = false;
  }

  async #lookOnce(): Promise<void> {
    if (this.#closed) return;
    const nowMs = performance.now();
    const isFirst = this.#startedMs !== undefined;
    try {
      if (isFirst) await this.#rollUp(await this.#options.engine.rows<RunName>(AHEAD));
      if (isFirst || nowMs - this.#sweptMs >= SWEEP_MS) {
        await this.#rollUpWaiting(isFirst ? ALL : RECENT);
        this.#sweptMs = nowMs;
      }
      if (!isFirst && this.#lookedMs < this.#insertedMs + 1_000 * PASSED_S) {
        await this.#rollUpWaiting(LATEST);
        this.#lookedMs = nowMs;
      }
      this.#startedMs = undefined;
    } catch (error) {
      this.#options.log.warn({ err: error }, 'waiting rollups could not be brought up to date');
    }
  }

  async #rollUpWaiting(window: SweepWindow): Promise<void> {
    for (let isMore = true; isMore && !this.#closed;) {
      const waiting = await this.#options.engine.rows<RunName>(WAITING, { ...window, limit: SWEEP_LIMIT });
      await this.#rollUp(waiting);
      isMore = waiting.length === SWEEP_LIMIT;
    }
  }

  async #rollUp(names: readonly RunName[]): Promise<void> {
    const { engine } = this.#options;
    for (let from = 0; from < names.length; from += BATCH) {
      const runs = parametersOf(names.slice(from, from + BATCH));
      const parameters = { ...runs, at: timeText(await this.#beginning(runs)) };
      // The row of a run is computed before those that belong to it, and shown after them: what it says of its end, they
      // say already.
      const pass = { ...parameters, pass: randomUUID() };
      await engine.background(COMPUTE_RUNS, pass);
      const found = await engine.rows<{ source: string }>(SOURCES, parameters);
      const sources = new Set(found.map(({ source }) => source));
      const hasFailures = sources.has(FAILURES);
      for (const rollup of OF_A_RUN.filter(({ source }) => sources.has(source))) {
        await engine.background(rollUp(rollup, { hasFailures }), parameters);
      }
      await engine.background(SHOW_RUNS, pass);
      await engine.background(MARK_SUMMARISED, parameters);
    }
  }

  /** Of two computations the one that began later has the later time, whatever the clock tells. Milliseconds since 1970. */
  async #beginning(runs: RunNames): Promise<number> {
    const [beginning] = await this.#options.engine.rows<{ ms: number }>(BEGINNING, runs);
    this.#begunAtMs = Math.max(this.#begunAtMs + 1, beginning?.ms ?? 0);
    return this.#begunAtMs;
  }

  /** What the clock of ClickHouse tells, milliseconds since 1970. */
  async #clockMs(): Promise<number> {
    const [clock] = await this.#options.engine.rows<{ ms: number }>(CLOCK);
    return clock?.ms ?? 0;
  }
}

function keyOf({ project, runId }: RunName): string {
  return JSON.stringify([project, runId]);
}

function parametersOf(names: readonly RunName[]): RunNames {
  return {
    projects: [...new Set(names.map(({ project }) => project))],
    runs: [...new Set(names.map(({ runId }) => runId))],
  };
}

/** A time as ClickHouse reads it, UTC. */
function timeText(ms: number): string {
  return new Date(ms).toISOString().replace('T', ' ').replace('Z', '');
}
