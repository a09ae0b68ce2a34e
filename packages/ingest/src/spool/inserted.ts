/** Keeps the files of segments that are in ClickHouse until what it made of them is on its disk. */

import type { Segment } from './segment-file.ts';

export interface InsertedOptions {
  /** Resolves when everything that is in ClickHouse now is on its disk. */
  readonly sync: () => Promise<void>;
  /** Removes the file of a segment. */
  readonly remove: (segment: Segment) => Promise<void>;
  readonly onTrouble: (error: unknown) => void;
  /** Milliseconds from an insert to the next sync. */
  readonly everyMs: number;
  /** At so many bytes the next sync comes at once. */
  readonly mostBytes: number;
}

/**
 * The embedded engine does not sync what it inserts: for half a minute it lies in the memory of the machine, and a power
 * failure takes it. To sync each insert would take a hundred syncs for a heartbeat; so all are synced together, and the
 * segments stay until then. A process that is killed, or stops, leaves them to the next one.
 */
export class Inserted {
  readonly #options: InsertedOptions;
  #segments: Segment[] = [];
  #sizeBytes = 0;
  #timer: NodeJS.Timeout | undefined;
  #syncing: Promise<void> | undefined;
  #stopped = false;

  constructor(options: InsertedOptions) {
    this.#options = options;
  }

  get sizeBytes(): number {
    return this.#sizeBytes;
  }

  add(segment: Segment): void {
    this.#segments.push(segment);
    this.#sizeBytes += segment.sizeBytes;
    if (this.#sizeBytes >= this.#options.mostBytes) this.syncNow();
    else this.#plan();
  }

  /** Somebody needs the room. */
  syncNow(): void {
    if (this.#stopped || this.#syncing !== undefined || this.#segments.length === 0) return;
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#syncing = this.#sync()
      // They stay, and are tried again.
      .catch(this.#options.onTrouble)
      .finally(() => {
        this.#syncing = undefined;
        if (this.#segments.length > 0) this.#plan();
      });
  }

  /** Waits for a sync under way, and begins no other. */
  async stop(): Promise<void> {
    this.#stopped = true;
    clearTimeout(this.#timer);
    await this.#syncing;
  }

  #plan(): void {
    if (this.#stopped || this.#syncing !== undefined) return;
    this.#timer ??= setTimeout(() => {
      this.#timer = undefined;
      this.syncNow();
    }, this.#options.everyMs).unref();
  }

  async #sync(): Promise<void> {
    const { sync, remove } = this.#options;
    // What is added meanwhile may have come too late for this one.
    const count = this.#segments.length;
    await sync();
    for (let left = count; left > 0; left--) {
      const [segment] = this.#segments;
      if (segment === undefined) return;
      await remove(segment);
      this.#segments.shift();
      this.#sizeBytes -= segment.sizeBytes;
    }
  }
}
