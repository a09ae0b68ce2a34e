/** Holds records until ingest has confirmed them. */
import { context, ROOT_CONTEXT } from '@opentelemetry/api';
import { suppressTracing } from '@opentelemetry/core';
import { sdkLog } from '../faults.ts';

/** What became of a batch. */
export type SendResult =
  | { status: 'delivered' }
  | { status: 'retry'; reason: string; afterMs?: number }
  | { status: 'too_large'; reason: string }
  /** Something in it makes no request: a span without a name. */
  | { status: 'unencodable'; reason: string }
  | { status: 'rejected'; reason: string };

export interface OutboxOptions<T> {
  /** What it holds, for messages: `spans`. */
  name: string;
  /** Delivers a batch. A throw counts as `retry`. */
  send: (batch: readonly T[]) => Promise<SendResult>;
  /** How long the first record of a batch waits for others. */
  delayMs: number;
  maxBatch: number;
  /** At most so many records are held; beyond it the oldest are spilled, or dropped and counted. */
  limit: number;
  /** The first pause after a failure; each further one is twice as long. */
  backoffMs?: number;
  /** Puts records for which there is no room elsewhere, and gives back those that found none. */
  spill?: (records: readonly T[]) => readonly T[];
  /** Told of the records that were dropped undelivered. */
  onDrop?: (records: readonly T[]) => void;
}

const FIRST_BACKOFF_MS = 200;
const LONGEST_BACKOFF_MS = 10_000;
/** While somebody waits for a flush, retries do not slow down further than this. */
const LONGEST_BACKOFF_IN_FLUSH_MS = 400;

/**
 * A bounded queue with one request in flight, retries with growing, jittered pauses, and no end:
 * a record leaves it delivered, spilled, rejected by ingest, or dropped for want of room, and each is counted.
 * OpenTelemetry's batch processors drop a batch whose export failed, and hold 2,048 records.
 */
export class Outbox<T> {
  readonly #options: OutboxOptions<T>;
  readonly #queue: T[] = [];
  #inFlight = 0;
  #timer: NodeJS.Timeout | undefined;
  #hurried = false;
  #failures = 0;
  /** Records of a request: `maxBatch`, or less while requests of that size were too large. */
  #batchLimit: number;
  /** What was added before this waits for no others. */
  #urgentUntil = 0;
  /** Counts of all records ever added and ever gone: a flush waits until `gone` reaches today's `added`. */
  #added = 0;
  #gone = 0;
  #dropped = 0;
  #waiting: { until: number; resolve: (flushed: boolean) => void }[] = [];
  #closed = false;

  constructor(options: OutboxOptions<T>) {
    this.#options = options;
    this.#batchLimit = options.maxBatch;
  }

  /** Records that are not yet confirmed. */
  get size(): number {
    return this.#queue.length;
  }

  /** Records lost so far: dropped for want of room, or rejected. */
  get dropped(): number {
    return this.#dropped;
  }

  /** Whether the last attempt to deliver failed. */
  get failing(): boolean {
    return this.#failures > 0;
  }

  /** Takes a record. */
  add(record: T): void {
    if (this.#closed) return;
    if (this.#queue.length >= this.#options.limit) this.#makeRoom();
    this.#queue.push(record);
    this.#added++;
    if (this.#queue.length >= this.#batchLimit && !this.failing) this.#schedule(0);
    else this.#schedule(this.#options.delayMs);
  }

  /** Sends what is in here now as soon as the caller lets go, unless ingest is away. */
  hurry(): void {
    this.#urgentUntil = this.#added;
    if (!this.failing) this.#schedule(0);
  }

  /**
   * Waits until everything that is in here now was delivered, at most `timeoutMs`; keeps the process alive meanwhile.
   * Resolves to whether it was.
   */
  async flush(timeoutMs: number): Promise<boolean> {
    if (this.#queue.length === 0) return true;
    const { promise, resolve } = Promise.withResolvers<boolean>();
    const waiter = { until: this.#added, resolve };
    this.#waiting.push(waiter);
    const deadline = setTimeout(() => resolve(false), timeoutMs);
    this.#schedule(0);
    const flushed = await promise;
    clearTimeout(deadline);
    this.#waiting = this.#waiting.filter((other) => other !== waiter);
    return flushed;
  }

  /** Tries again now what failed before: somebody else has heard from ingest. */
  retry(): void {
    if (this.failing) this.#schedule(0);
  }

  /**
   * Takes nothing more, and gives back all that is not confirmed, in order. What is under way is among it:
   * nobody will be there to hear whether it arrived, and telling twice does no harm.
   */
  takeAll(): T[] {
    this.#closed = true;
    clearTimeout(this.#timer);
    const records = this.#queue.splice(0);
    this.#settleWaiting();
    return records;
  }

  /** Takes nothing more, and forgets what it holds. */
  close(): void {
    this.#closed = true;
    clearTimeout(this.#timer);
    this.#drop(this.#queue.splice(0), 'The SDK was shut down');
    this.#settleWaiting();
  }

  #schedule(delayMs: number): void {
    if (this.#inFlight > 0 || this.#closed) return;
    if (this.#timer !== undefined) {
      if (delayMs > 0 || this.#hurried) return;
      clearTimeout(this.#timer);
    }
    this.#hurried = delayMs === 0;
    this.#timer = setTimeout(() => this.#start(), delayMs).unref();
  }

  #start(): void {
    this.#timer = undefined;
    // Outside any run, so that nothing here keeps a finished run alive, and untraced.
    const outside = suppressTracing(ROOT_CONTEXT);
    void context.with(outside, () => this.#sendBatch());
  }

  async #sendBatch(): Promise<void> {
    const batch = this.#queue.slice(0, this.#batchLimit);
    if (batch.length === 0 || this.#inFlight > 0) return;
    this.#inFlight = batch.length;
    const result = await this.#trySend(batch);
    this.#inFlight = 0;
    if (this.#closed) return;
    this.#settle(batch, result);
    this.#settleWaiting();
    this.#scheduleNext(result);
  }

  async #trySend(batch: readonly T[]): Promise<SendResult> {
    try {
      return await this.#options.send(batch);
    } catch (fault) {
      return { status: 'retry', reason: String(fault) };
    }
  }

  #settle(batch: readonly T[], result: SendResult): void {
    const { name } = this.#options;
    switch (result.status) {
      case 'delivered':
        this.#remove(batch.length);
        if (this.#failures > 0) sdkLog.info(`Delivering ${name} again`);
        this.#failures = 0;
        this.#batchLimit = Math.min(this.#options.maxBatch, this.#batchLimit * 2);
        break;
      case 'retry':
        this.#failures++;
        if (this.#failures === 1) sdkLog.warn(`Could not deliver ${name}, will retry: ${result.reason}`);
        break;
      case 'too_large':
      case 'unencodable':
        if (batch.length > 1) {
          this.#batchLimit = Math.ceil(batch.length / 2);
          break;
        }
        // The one record is found; the others were not at fault.
        this.#batchLimit = this.#options.maxBatch;
        this.#drop(this.#remove(1), result.reason);
        break;
      case 'rejected':
        this.#failures = 0;
        this.#drop(this.#remove(batch.length), result.reason);
        break;
    }
  }

  #scheduleNext(result: SendResult): void {
    if (this.#queue.length === 0) return;
    if (result.status === 'retry') this.#schedule(Math.max(1, this.#pauseMs(result.afterMs)));
    else this.#schedule(this.#isPressed() || isSplit(result) ? 0 : this.#options.delayMs);
  }

  #isPressed(): boolean {
    return (
      this.#waiting.length > 0 || this.#gone < this.#urgentUntil || this.#queue.length >= this.#batchLimit
    );
  }

  /** Exponential backoff with half of it random, so that many producers do not return in step. */
  #pauseMs(askedForMs = 0): number {
    const first = this.#options.backoffMs ?? FIRST_BACKOFF_MS;
    const longest = this.#waiting.length > 0 ? LONGEST_BACKOFF_IN_FLUSH_MS : LONGEST_BACKOFF_MS;
    const backoffMs = Math.min(longest, first * 2 ** Math.min(this.#failures - 1, 16));
    const pauseMs = backoffMs * (0.5 + Math.random() / 2);
    return Math.min(longest, Math.max(pauseMs, askedForMs));
  }

  #remove(count: number): T[] {
    this.#gone += count;
    return this.#queue.splice(0, count);
  }

  /** Of a twentieth at once, since taking from the front of a long array costs time. */
  #makeRoom(): void {
    const count = Math.max(1, Math.floor(this.#options.limit / 20));
    const oldest = this.#queue.splice(this.#inFlight, count);
    this.#gone += oldest.length;
    const left = this.#options.spill?.(oldest) ?? oldest;
    this.#drop(left, `More than ${this.#options.limit} are waiting`);
  }

  #drop(records: readonly T[], reason: string): void {
    if (records.length === 0) return;
    this.#dropped += records.length;
    sdkLog.warn(`Dropped ${records.length} ${this.#options.name} (${this.#dropped} so far): ${reason}`);
    this.#options.onDrop?.(records);
  }

  #settleWaiting(): void {
    for (const { until, resolve } of this.#waiting) {
      if (this.#closed) resolve(false);
      else if (this.#gone >= until) resolve(true);
    }
  }
}

/** Whether smaller batches are tried next. */
function isSplit({ status }: SendResult): boolean {
  return status === 'too_large' || status === 'unencodable';
}
