/** Keeps the files of segments that are in ClickHouse until what it made of them is on its disk. */

import { waitAtMost } from '../wait-at-most.ts';
import type { Segment } from './segment-file.ts';

export interface InsertedOptions {
  /** Resolves when everything that is in ClickHouse now is on its disk. */
  readonly sync: () => Promise<void>;
  /** Removes the file of a segment. */
  readonly remove: (segment: Segment) => Promise<void>;
  /** Sees to it that the next process inserts the segment again. */
  readonly distrust: (segment: Segment) => Promise<void>;
  readonly onTrouble: (error: unknown) => void;
  /** Milliseconds from an insert to the next sync. */
  readonly everyMs: number;
  /** At so many bytes the next sync comes sooner … */
  readonly mostBytes: number;
  /** … but so many milliseconds after the last one began. */
  readonly restMs: number;
}

const LONGEST_WAIT_AT_STOP_MS = 2_000;

/**
 * The embedded engine does not sync what it inserts: for half a minute it lies in the memory of the machine, and a power
 * failure takes it. To sync each insert would take a hundred syncs for a heartbeat; so all are synced together, and the
 * segments stay until then. A process that is killed, or stops, leaves them to the next one.
 */
export class Inserted {
  readonly #options: InsertedOptions;
  #segments: Segment[] = [];
  #sizeBytes = 0;
  /** Of segments that the disk may not have taken. */
  #distrustedBytes = 0;
  #timer: NodeJS.Timeout | undefined;
  /** When the next sync begins and when the last one did, on the monotonic clock. */
  #nextMs = Infinity;
  #lastMs = -Infinity;
  #syncing: Promise<void> | undefined;
  #stopped = false;
  /** Another process may have the files. */
  #abandoned = false;
  /** The next sync comes no sooner than usual. */
  #hasFailed = false;

  constructor(options: InsertedOptions) {
    this.#options = options;
  }

  /** What takes room on the disk. */
  get sizeBytes(): number {
    return this.#sizeBytes + this.#distrustedBytes;
  }

  add(segment: Segment): void {
    this.#segments.push(segment);
    this.#sizeBytes += segment.sizeBytes;
    this.#plan();
  }

  /** Somebody needs the room. */
  syncNow(): void {
    if (this.#stopped || this.#syncing !== undefined) return;
    clearTimeout(this.#timer);
    this.#nextMs = Infinity;
    if (this.#segments.length === 0) return;
    this.#lastMs = performance.now();
    this.#syncing = this.#sync().finally(() => {
      this.#syncing = undefined;
      this.#plan();
    });
  }

  /** Begins no other sync, and waits for one under way, but not for long: the next process takes what is left. */
  async stop(): Promise<void> {
    this.#stopped = true;
    clearTimeout(this.#timer);
    await waitAtMost(LONGEST_WAIT_AT_STOP_MS, this.#syncing);
    this.#abandoned = true;
  }

  #plan(): void {
    if (this.#stopped || this.#syncing !== undefined || this.#segments.length === 0) return;
    const { everyMs, mostBytes, restMs } = this.#options;
    const nowMs = performance.now();
    const isMuch = this.#sizeBytes >= mostBytes && !this.#hasFailed;
    const nextMs = isMuch ? Math.max(nowMs, this.#lastMs + restMs) : nowMs + everyMs;
    if (nextMs >= this.#nextMs) return;
    this.#nextMs = nextMs;
    clearTimeout(this.#timer);
    if (nextMs === nowMs) this.syncNow();
    else this.#timer = setTimeout(() => this.syncNow(), nextMs - nowMs).unref();
  }

  async #sync(): Promise<void> {
    const { sync, distrust, onTrouble } = this.#options;
    // What is added meanwhile may have come too late for this one.
    const synced = [...this.#segments];
    try {
      await sync();
    } catch (error) {
      this.#hasFailed = true;
      onTrouble(error);
      // What the disk did not take, it does not tell a second time.
      if (!this.#abandoned) await Promise.all(synced.map(distrust)).catch(onTrouble);
      this.#distrustedBytes += bytesOf(synced);
      this.#forget(synced);
      return;
    }
    this.#hasFailed = false;
    for (const segment of synced) await this.#remove(segment);
  }

  /** One that can not be removed does not hold up the others. */
  async #remove(segment: Segment): Promise<void> {
    if (this.#abandoned) return;
    try {
      await this.#options.remove(segment);
      this.#forget([segment]);
    } catch (error) {
      this.#hasFailed = true;
      this.#options.onTrouble(error);
    }
  }

  #forget(segments: readonly Segment[]): void {
    this.#segments = this.#segments.filter((segment) => !segments.includes(segment));
    this.#sizeBytes = bytesOf(this.#segments);
  }
}

function bytesOf(segments: readonly Segment[]): number {
  return segments.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);
}
