/** Tells listeners which runs and client runs changed, as it happens. */

import { randomBytes } from 'node:crypto';
import type { Logger } from 'pino';
import type { Engine } from '../store/engine.ts';
import { ProjectFeed, type LiveEvent } from './project-feed.ts';

export interface LiveFeedOptions {
  readonly engine: Engine;
  readonly clock: () => number;
  readonly log: Logger;
  readonly mostListeners?: number;
}

export interface Listener {
  /** Only changes of this run. */
  readonly runId?: string | undefined;
  /** Without client runs there is much less to hear. */
  readonly withClients: boolean;
  readonly hear: (event: LiveEvent) => void;
  /** The feed is over: the service stops. */
  readonly end: () => void;
}

const MOST_LISTENERS = 200;

/**
 * One feed for each project that somebody listens to. It asks ClickHouse rather than the writer of this process: on a
 * ClickHouse server other processes write too, and a run that falls silent is `lost` without anything being written.
 */
export class LiveFeed {
  readonly #options: LiveFeedOptions;
  readonly #feeds = new Map<string, ProjectFeed>();
  readonly #mostListeners: number;
  /** Event IDs of another process are told apart by it. */
  readonly #epoch = randomBytes(4).toString('hex');

  constructor({ mostListeners = MOST_LISTENERS, ...options }: LiveFeedOptions) {
    this.#options = options;
    this.#mostListeners = mostListeners;
  }

  /**
   * Begins to listen. With the ID of the last event that was heard, what came after it is told again; `resumed` is
   * false where that is too long ago to be known.
   */
  listen(
    project: string,
    listener: Listener,
    lastEventId: string | undefined,
  ): { status: 'listening'; resumed: boolean; leave: () => void } | { status: 'full'; most: number } {
    const listening = [...this.#feeds.values()].reduce((sum, { size }) => sum + size, 0);
    if (listening >= this.#mostListeners) return { status: 'full', most: this.#mostListeners };
    let feed = this.#feeds.get(project);
    if (feed === undefined) {
      feed = new ProjectFeed({ ...this.#options, project, epoch: this.#epoch });
      this.#feeds.set(project, feed);
    }
    return { status: 'listening', ...feed.add(listener, lastEventId) };
  }

  /** Ends all listening, and waits for the question in flight. */
  async close(): Promise<void> {
    await Promise.all([...this.#feeds.values()].map((feed) => feed.close()));
    this.#feeds.clear();
  }
}
