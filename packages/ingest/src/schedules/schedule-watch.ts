/** Keeps the times at which jobs are due written down ahead, and writes down that Rollcall itself is up. */

import { randomUUID } from 'node:crypto';
import type { Logger } from 'pino';
import { learnSchedule, type LearntSchedule } from './learn-schedule.ts';
import { duesOf, makePlan, type Due, type Plan } from './plan.ts';
import type { DueChange, JobKey, KnownJob, ScheduleStore } from './schedule-store.ts';

export interface ScheduleWatchOptions {
  readonly store: ScheduleStore;
  /** Milliseconds since 1970. */
  readonly clock: () => number;
  readonly log: Pick<Logger, 'warn'>;
  readonly tickMs?: number;
}

const TICK_MS = 15_000;
const LEARN_MS = 10 * 60_000;
const HOUR_MS = 3_600_000;
const HORIZON_MS = 48 * HOUR_MS;
/** A clock that has moved by more than this between two ticks was set, or the machine slept. */
const LEAP_MS = 60_000;
/** What an interval counts from moves with every start, so less is written ahead. */
const MOST_AHEAD = { cron: 50, interval: 4 } as const;
/** Of a time in which Rollcall was down. */
const MOST_BEHIND = 50;
const LONGEST_BEHIND_MS = 7 * 24 * HOUR_MS;

interface Watched {
  /** What the plan was made of. */
  readonly facts: string;
  /** What the times depend on. */
  readonly revision: string;
  /** The plan as it is written down. */
  readonly written: string;
  /** Up to here all times are written down. */
  readonly coveredUntil: number;
  readonly replanAt: number;
}

export class ScheduleWatch {
  readonly #options: ScheduleWatchOptions;
  readonly #instance = randomUUID();
  readonly #watched = new Map<string, Watched>();
  #learnt = new Map<string, LearntSchedule>();
  #learntAt: number | undefined;
  #aliveSince: number | undefined;
  #lastTick: number | undefined;
  #version = 0;
  /** When the process before this one was last up; where there was none, when this one began. */
  #before: number | undefined;
  #timer: NodeJS.Timeout | undefined;
  #ticking: Promise<void> = Promise.resolve();
  #stopped: Promise<void> | undefined;

  constructor(options: ScheduleWatchOptions) {
    this.#options = options;
  }

  /** Ticks at once, and then every 15 seconds. */
  start(): void {
    void this.#tickSafely();
    this.#timer = setInterval(() => void this.#tickSafely(), this.#options.tickMs ?? TICK_MS).unref();
  }

  /**
   * Waits for the tick under way, and says a last time that Rollcall was up until now: to be called when nothing is
   * taken any more, not when all that was taken is in. Twice is once.
   */
  stop(): Promise<void> {
    return (this.#stopped ??= this.#stop());
  }

  async #stop(): Promise<void> {
    const now = this.#options.clock();
    clearInterval(this.#timer);
    await this.#ticking;
    await this.#safely('write down that it was up', async () => this.#live(now));
  }

  /** Does what is due, one tick at a time. A caller that has just changed something can wait for it. */
  async tick(): Promise<void> {
    const turn = this.#ticking.then(async () => this.#tick());
    this.#ticking = turn.catch(() => undefined);
    return turn;
  }

  async #tickSafely(): Promise<void> {
    await this.#safely('keep schedules up', async () => this.tick());
  }

  async #safely(what: string, work: () => Promise<void>): Promise<void> {
    try {
      await work();
    } catch (error) {
      this.#options.log.warn({ err: error }, `could not ${what}; trying again`);
    }
  }

  async #tick(): Promise<void> {
    const { store, clock } = this.#options;
    const now = clock();
    this.#before ??= (await store.readLastAlive()) ?? now;
    await this.#live(now);
    if (this.#learntAt === undefined || Math.abs(now - this.#learntAt) >= LEARN_MS) await this.#learn(now);
    await this.#plan(await store.readJobs(), now);
  }

  async #live(now: number): Promise<void> {
    const hasLeapt = this.#lastTick !== undefined && (now - this.#lastTick > LEAP_MS || now < this.#lastTick);
    if (this.#aliveSince === undefined || hasLeapt) this.#aliveSince = now;
    this.#lastTick = now;
    await this.#options.store.writeAlive(this.#instance, this.#aliveSince, now);
  }

  async #learn(now: number): Promise<void> {
    const history = await this.#options.store.readHistory(now);
    this.#learnt = new Map();
    for (const { starts, ...key } of history) {
      const learnt = learnSchedule(starts, now);
      if (learnt !== undefined) this.#learnt.set(keyOf(key), learnt);
    }
    this.#learntAt = now;
  }

  /** Only what has changed, or is running out, is worked out again. */
  async #plan(jobs: readonly KnownJob[], now: number): Promise<void> {
    const stale = jobs.flatMap((job) => {
      const learnt = this.#learnt.get(keyOf(job));
      const facts = JSON.stringify([job.declaration, learnt, job.lastStart]);
      const watched = this.#watched.get(keyOf(job));
      // Reading a cron expression costs: of a thousand jobs few have news.
      if (watched?.facts === facts && now < watched.replanAt) return [];
      const plan = makePlan({ ...job, learnt });
      const isStale =
        watched?.revision !== revisionOf(plan) ||
        watched.written !== writtenOf(plan) ||
        now >= watched.replanAt;
      if (watched !== undefined && !isStale) this.#watched.set(keyOf(job), { ...watched, facts });
      return isStale ? [{ ...job, plan, facts }] : [];
    });
    if (stale.length === 0) return;
    const changes: DueChange[] = [];
    const bases = new Map(stale.map((job) => [keyOf(job), this.#baseOf(job, job.plan, now)]));
    const stored = Map.groupBy(
      await this.#options.store.readDues(stale, Math.min(now, ...bases.values())),
      keyOf,
    );
    const next = new Map<string, Watched>();
    for (const job of stale) {
      const { plan } = job;
      const key = keyOf(job);
      const base = bases.get(key) ?? now;
      const { dues, coveredUntil } = wantedDues(plan, base, now);
      changes.push(
        ...compare(
          job,
          plan.source,
          dues,
          (stored.get(key) ?? []).filter(({ dueAt }) => dueAt > base),
        ),
      );
      next.set(key, {
        facts: job.facts,
        revision: revisionOf(plan),
        written: writtenOf(plan),
        coveredUntil,
        replanAt: now + (coveredUntil - now) / 2,
      });
    }
    // Later rows count, whatever the clock did.
    this.#version = Math.max(now, this.#version + 1);
    await this.#options.store.writeDues(changes, this.#version);
    const changed = stale.filter((job) => this.#watched.get(keyOf(job))?.written !== writtenOf(job.plan));
    await this.#options.store.writePlans(
      changed.map(({ project, job, plan }) => ({ ...plan, project, job })),
      this.#version,
    );
    // Only now: what could not be written is tried again.
    for (const [key, watched] of next) this.#watched.set(key, watched);
  }

  /** What is due later than this is looked at. What was due before stays as it was written. */
  #baseOf(key: JobKey, plan: Plan, now: number): number {
    const watched = this.#watched.get(keyOf(key));
    const oldest = now - LONGEST_BEHIND_MS;
    // The first time, also that of the time in which nobody was there to write it down.
    if (watched === undefined) return Math.min(now, Math.max(plan.since, this.#before ?? now, oldest));
    if (watched.revision === revisionOf(plan)) return Math.max(Math.min(now, watched.coveredUntil), oldest);
    // A new schedule counts from when it was declared, which may have been told late.
    return Math.min(now, Math.max(plan.schedule?.kind === 'interval' ? now : plan.since, oldest));
  }
}

function wantedDues(plan: Plan, base: number, now: number): { dues: Due[]; coveredUntil: number } {
  const until = now + HORIZON_MS;
  const { schedule } = plan;
  if (schedule === undefined) return { dues: [], coveredUntil: until };
  const behind = duesOf(plan, { after: base, until: now, most: MOST_BEHIND }).filter(
    ({ dueAt }) => dueAt <= now,
  );
  const most = MOST_AHEAD[schedule.kind];
  const ahead = duesOf(plan, { after: now, until, most });
  const last = ahead.at(-1)?.dueAt ?? until;
  return { dues: [...behind, ...ahead], coveredUntil: ahead.length < most ? Math.max(until, last) : last };
}

/** Writes what is missing or different, cancels what is not wanted any more, and leaves alone what stands. */
function compare(
  { project, job }: JobKey,
  source: string,
  wanted: readonly Due[],
  stored: readonly (Due & { source: string })[],
): DueChange[] {
  const standing = new Map(stored.map((due) => [due.dueAt, due]));
  const times = new Set(wanted.map(({ dueAt }) => dueAt));
  return [
    ...wanted
      .filter((due) => {
        const found = standing.get(due.dueAt);
        return found?.overdueAt !== due.overdueAt || found.source !== source;
      })
      .map((due) => ({ project, job, ...due, source, cancelled: false })),
    ...stored
      .filter(({ dueAt }) => !times.has(dueAt))
      .map((due) => ({ project, job, ...due, cancelled: true })),
  ];
}

function revisionOf({ source, expression, problem, lateAfterMs, anchor }: Plan): string {
  return JSON.stringify([source, expression, problem, lateAfterMs, anchor]);
}

function writtenOf({ source, expression, problem, lateAfterMs, maxRuntimeMs }: Plan): string {
  return JSON.stringify([source, expression, problem, lateAfterMs, maxRuntimeMs]);
}

function keyOf({ project, job }: JobKey): string {
  return `${project}\0${job}`;
}
