/** Looks for the changes of one project while somebody listens. */

import type { Logger } from 'pino';
import { readAnswers, type Answer } from '../console/read-roll-call.ts';
import { findOpenRuns, type Key } from '../console/run-keys.ts';
import type { Engine } from '../store/engine.ts';
import { readSummaries, type JobRunSummary } from '../tracking/records.ts';
import { findTouchedClients, findTouchedRuns } from './changes.ts';
import type { Listener } from './live-feed.ts';

/** A change; `id` grows by one from event to event. */
export type LiveEvent =
  | { readonly id: string; readonly type: 'run'; readonly runId: string; readonly run: JobRunSummary }
  | {
      readonly id: string;
      readonly type: 'client_runs';
      readonly runId: string;
      readonly origin: string;
      readonly clients: readonly Answer[];
    };

type Change<Event = LiveEvent> = Event extends LiveEvent ? Omit<Event, 'id'> : never;

export interface ProjectFeedOptions {
  readonly engine: Engine;
  readonly clock: () => number;
  readonly log: Logger;
  readonly project: string;
  readonly epoch: string;
}

/** Nobody hears of a run more often than this. */
const TICK_MS = 1_000;
/** Looking takes a fifth of the time at most, however long it takes. */
const REST_PER_WORK = 4;
/** A rollup bears the time at which it began, and is there later: so far back it is looked for. What was told already is not told again. */
const LOOK_BACK_MS = 10_000;
/** A silent run turns `lost` without evidence: open ones are read again this often. */
const RECHECK_MS = 3_000;
/** Who comes back within this time misses nothing. */
const LINGER_MS = 60_000;
const REMEMBERED_EVENTS = 1_000;
const MOST_WATCHED = 200;

export class ProjectFeed {
  readonly #options: ProjectFeedOptions;
  readonly #listeners = new Set<Listener>();
  readonly #events: LiveEvent[] = [];
  /** What was told last of each run and client run, so that only changes are told. */
  readonly #told = new Map<string, string>();
  readonly #open = new Map<string, Key>();
  #sequence = 0;
  #lastLookMs = 0;
  #lastRecheckMs = 0;
  #leftAtMs = 0;
  #loop: Promise<void> | undefined;
  #stop = new AbortController();

  constructor(options: ProjectFeedOptions) {
    this.#options = options;
  }

  get size(): number {
    return this.#listeners.size;
  }

  add(listener: Listener, lastEventId: string | undefined): { resumed: boolean; leave: () => void } {
    const missed = lastEventId === undefined ? [] : this.#after(lastEventId);
    for (const event of missed ?? []) if (concerns(event, listener)) listener.hear(event);
    this.#listeners.add(listener);
    this.#loop ??= this.#run().finally(() => {
      this.#loop = undefined;
    });
    return {
      resumed: missed !== null,
      leave: () => {
        this.#listeners.delete(listener);
        this.#leftAtMs = this.#options.clock();
      },
    };
  }

  async close(): Promise<void> {
    this.#stop.abort();
    for (const listener of this.#listeners) listener.end();
    this.#listeners.clear();
    await this.#loop;
  }

  /** Null where that event is not remembered. */
  #after(lastEventId: string): LiveEvent[] | null {
    const [epoch, number] = lastEventId.split('.');
    const sequence = Number(number);
    if (epoch !== this.#options.epoch || !Number.isInteger(sequence)) return null;
    const oldest = this.#sequence - this.#events.length;
    if (sequence > this.#sequence || sequence < oldest || this.#loop === undefined) return null;
    return this.#events.slice(sequence - oldest);
  }

  async #run(): Promise<void> {
    const { clock, log } = this.#options;
    const { signal } = this.#stop;
    await this.#begin().catch((error: unknown) => log.warn({ err: error }, 'the live feed could not look'));
    while (!signal.aborted) {
      if (this.#listeners.size === 0 && clock() - this.#leftAtMs > LINGER_MS) break;
      const startedMs = performance.now();
      try {
        await this.#look();
      } catch (error) {
        log.warn({ err: error }, 'the live feed could not look; it looks again');
      }
      await pause(Math.max(TICK_MS, REST_PER_WORK * (performance.now() - startedMs)), signal);
    }
    // Whoever comes back later is told to read everything anew.
    this.#events.length = 0;
    this.#told.clear();
    this.#open.clear();
  }

  /** What is so at the beginning is no change: whoever listens has read it, or reads it now. */
  async #begin(): Promise<void> {
    const { engine, project, clock } = this.#options;
    this.#lastLookMs = clock();
    for (const key of await findOpenRuns(engine, project, MOST_WATCHED)) this.#open.set(nameOf(key), key);
  }

  async #look(): Promise<void> {
    const { engine, project, clock } = this.#options;
    const nowMs = clock();
    const sinceMs = this.#lastLookMs - LOOK_BACK_MS;
    const touched = await findTouchedRuns(engine, project, sinceMs);
    const watched = new Map([...touched.map((key) => [nameOf(key), key] as const), ...this.#open]);
    const clients =
      watched.size === 0
        ? []
        : await findTouchedClients(
            engine,
            project,
            [...watched.values()].map(({ runId }) => runId),
            sinceMs,
          );
    const isRecheckDue = nowMs - this.#lastRecheckMs >= RECHECK_MS;
    if (isRecheckDue) this.#lastRecheckMs = nowMs;
    const stirred = new Set([...touched.map(nameOf), ...clients.map(nameOf)]);
    const toRead = [...watched.values()].filter((key) => isRecheckDue || stirred.has(nameOf(key)));
    await this.#tellClients(clients);
    await this.#tellRuns(toRead.slice(0, MOST_WATCHED));
    this.#lastLookMs = nowMs;
  }

  async #tellRuns(keys: readonly Key[]): Promise<void> {
    const { engine, project } = this.#options;
    for (const run of await readSummaries(engine, project, keys)) {
      const name = nameOf(run);
      if (run.verdict === 'running') this.#open.set(name, { runId: run.runId, origin: run.origin });
      else this.#open.delete(name);
      if (this.#isNews(name, run)) this.#tell({ type: 'run', runId: run.runId, run });
    }
  }

  async #tellClients(touched: readonly (Key & { clientId: string })[]): Promise<void> {
    const { engine, project } = this.#options;
    if (![...this.#listeners].some(({ withClients }) => withClients)) return;
    for (const [, keys] of Map.groupBy(touched, nameOf)) {
      const [key] = keys;
      if (key === undefined) continue;
      const { runId, origin } = key;
      const answers = await readAnswers(
        engine,
        { project, runId, origin },
        keys.map(({ clientId }) => clientId),
      );
      const clients = answers.filter((answer) => this.#isNews(`${nameOf(key)} ${answer.clientId}`, answer));
      if (clients.length > 0) this.#tell({ type: 'client_runs', runId, origin, clients });
    }
  }

  #isNews(name: string, content: object): boolean {
    const text = JSON.stringify(content);
    if (this.#told.get(name) === text) return false;
    // The oldest goes first; it is told once more should it stir again.
    this.#told.delete(name);
    this.#told.set(name, text);
    const [oldest] = this.#told.keys();
    if (this.#told.size > 20_000 && oldest !== undefined) this.#told.delete(oldest);
    return true;
  }

  #tell(change: Change): void {
    const event: LiveEvent = { ...change, id: `${this.#options.epoch}.${++this.#sequence}` };
    this.#events.push(event);
    if (this.#events.length > REMEMBERED_EVENTS) this.#events.shift();
    for (const listener of this.#listeners) if (concerns(event, listener)) listener.hear(event);
  }
}

function concerns(event: LiveEvent, { runId, withClients }: Listener): boolean {
  return (runId === undefined || runId === event.runId) && (withClients || event.type === 'run');
}

function nameOf({ runId, origin }: Key): string {
  return `${runId} ${origin}`;
}

async function pause(ms: number, signal: AbortSignal): Promise<void> {
  await new Promise<void>((resolve) => {
    const timer = setTimeout(finish, ms);
    signal.addEventListener('abort', finish, { once: true });
    function finish(): void {
      clearTimeout(timer);
      signal.removeEventListener('abort', finish);
      resolve();
    }
  });
}
