/** Puts what is said of runs on disk, and knows what of it is still on its way into ClickHouse. */

import { once } from 'node:events';
import type { RunName } from '../rollup/rollups.ts';
import type { SpoolBlock } from '../spool/spool.ts';
import { evidenceOf, type EventFact, type MetricFact, type RunIdentity } from './evidence.ts';
import { TrackingError } from './tracking-error.ts';

export interface WritesOptions {
  /** Resolves when the rows are on disk; `inserted` resolves when they are in ClickHouse. */
  readonly persist: (blocks: readonly SpoolBlock[]) => Promise<{ inserted: Promise<unknown> }>;
  /** Resolves when the rollups tell of these runs as they are now. */
  readonly settle: (names: readonly RunName[]) => Promise<void>;
  /** Resolves when what an earlier process accepted is in ClickHouse: before that nobody knows which IDs are taken. */
  readonly recovered: Promise<unknown>;
  /** Milliseconds since 1970. */
  readonly clock: () => number;
}

export interface Facts {
  readonly events?: readonly EventFact[];
  readonly metrics?: readonly MetricFact[];
}

const LONGEST_WAIT_MS = 10_000;

export class Writes {
  readonly #options: WritesOptions;
  /** By what it is about: resolves, and is gone, when everything written so far can be read. */
  readonly #underWay = new Map<string, Promise<void>>();
  /** By project and run: resolves when everything written so far is in ClickHouse. */
  readonly #inserts = new Map<string, Promise<unknown>>();

  constructor(options: WritesOptions) {
    this.#options = options;
  }

  /** Resolves when the facts are on disk; `arrived` when they can be read. Nothing to write arrives with what was written of the run before. */
  async keep(run: RunIdentity, facts: Facts): Promise<{ arrived: Promise<void> }> {
    const blocks = evidenceOf(run, facts, this.#options.clock());
    const whole = keyOf(run.project, run.runId);
    if (blocks.length === 0) return { arrived: this.#underWay.get(whole) ?? Promise.resolve() };
    const { inserted } = await this.#options.persist(blocks);
    // Those that come while a run is being settled are settled together: each waits for inserts, not for the one before.
    const insertedAll = Promise.all([this.#inserts.get(whole), inserted]);
    this.#inserts.set(whole, insertedAll);
    const arrived = insertedAll.then(() =>
      this.#options.settle([{ project: run.project, runId: run.runId }]),
    );
    const cleared = arrived
      .catch(() => undefined)
      .then(() => {
        for (const key of keys) if (this.#underWay.get(key) === cleared) this.#underWay.delete(key);
        if (this.#inserts.get(whole) === insertedAll) this.#inserts.delete(whole);
      });
    const keys = new Set([whole, ...clientsOf(facts).map((client) => keyOf(run.project, run.runId, client))]);
    for (const key of keys) this.#underWay.set(key, cleared);
    return { arrived };
  }

  /** Resolves when the facts can be read. @throws TrackingError `busy` where that takes too long */
  async write(run: RunIdentity, facts: Facts): Promise<void> {
    const { arrived } = await this.keep(run, facts);
    await this.inTime(arrived);
  }

  /** Resolves with what was kept. @throws TrackingError `busy` where that takes too long */
  async inTime(arrived: Promise<void>): Promise<void> {
    await inTime(
      arrived,
      'It is kept on disk, but ClickHouse does not take it at present. Ask again in a while; sending it again does no harm.',
    );
  }

  /**
   * Resolves when everything that was written of this run can be read; where a client is named, everything of that
   * client, '' being the run itself.
   */
  async arrived(project: string, runId: string, client?: string): Promise<void> {
    await inTime(this.#underWay.get(keyOf(project, runId, client)) ?? Promise.resolve(), BEHIND);
  }

  /** Resolves when everything that was written in this project can be read. */
  async arrivedAll(project: string): Promise<void> {
    const start = keyOf(project, '').slice(0, -2);
    const ofProject = [...this.#underWay].filter(([key]) => key.startsWith(start));
    await inTime(Promise.all(ofProject.map(([, cleared]) => cleared)), BEHIND);
  }

  /** Resolves when it is known which runs there are. */
  async recovered(): Promise<void> {
    await inTime(
      this.#options.recovered,
      'What was accepted before the last stop is not in ClickHouse yet, so it is not known which run IDs are free. Ask again in a while.',
    );
  }
}

const BEHIND = 'ClickHouse is behind with what it was told of this. Ask again in a while.';

function keyOf(project: string, runId: string, client?: string): string {
  return JSON.stringify([project, runId, ...(client === undefined ? [] : [client])]);
}

/** The clients that the facts are about, '' being the run itself. */
function clientsOf({ events = [], metrics = [] }: Facts): string[] {
  return [...events, ...metrics].map(({ clientId = '' }) => clientId);
}

async function inTime(work: Promise<unknown>, otherwise: string): Promise<void> {
  const expiry = AbortSignal.timeout(LONGEST_WAIT_MS);
  const expired = once(expiry, 'abort').then(() => 'expired' as const);
  const outcome = await Promise.race([work, expired]);
  if (outcome === 'expired') throw new TrackingError('busy', otherwise);
}
