/** Moves finished segments into ClickHouse, in order, until each is in or set aside. */

import type { Logger } from 'pino';
import type { Engine } from '../store/engine.ts';
import type { Segment, Spool } from './spool.ts';

/** What ClickHouse says when the rows themselves are wrong: trying again can not help. */
const CODES_OF_BAD_ROWS = new Set([
  '6', // CANNOT_PARSE_TEXT
  '8', // THERE_IS_NO_COLUMN
  '16', // NO_SUCH_COLUMN_IN_TABLE
  '20', // NUMBER_OF_COLUMNS_DOESNT_MATCH
  '25', // CANNOT_PARSE_ESCAPE_SEQUENCE
  '26', // CANNOT_PARSE_QUOTED_STRING
  '27', // CANNOT_PARSE_INPUT_ASSERTION_FAILED
  '38', // CANNOT_PARSE_DATE
  '41', // CANNOT_PARSE_DATETIME
  '53', // TYPE_MISMATCH
  '60', // UNKNOWN_TABLE
  '72', // CANNOT_PARSE_NUMBER
  '117', // INCORRECT_DATA
  '190', // SIZES_OF_ARRAYS_DONT_MATCH
  '349', // CANNOT_INSERT_NULL_IN_ORDINARY_COLUMN
  '636', // CANNOT_EXTRACT_TABLE_STRUCTURE
]);

/** The file ended early: it is damaged, or the connection broke. */
const CODES_OF_CUT_ROWS = new Set([
  '32', // ATTEMPT_TO_READ_AFTER_EOF
  '33', // CANNOT_READ_ALL_DATA
]);
/** So often is a file tried that seems to end early. */
const TRIES_OF_CUT_ROWS = 5;

const FIRST_RETRY_MS = 100;
const LONGEST_RETRY_MS = 10_000;
const REMEMBERED = 1_000;

export interface WriterOptions {
  readonly engine: Engine;
  readonly log: Logger;
  readonly onInserted?: (segment: Segment, durationMs: number) => void;
  readonly onSetAside?: (segment: Segment) => void;
}

/** One insert in flight per table. A table that fails is tried again with growing pauses; the others go on. */
export class Writer {
  readonly #options: WriterOptions;
  readonly #queues = new Map<string, Segment[]>();
  readonly #running = new Map<string, Promise<void>>();
  readonly #stopping = new AbortController();
  readonly #awaited = new Map<string, (() => void)[]>();
  /** The latest segments that left the queue: one may be in before somebody asks for it. */
  readonly #finished = new Set<string>();
  #spool: Spool | undefined;

  constructor(options: WriterOptions) {
    this.#options = options;
  }

  /** Starts to take from this spool. Segments may have been queued before. */
  start(spool: Spool): void {
    this.#spool = spool;
    for (const table of this.#queues.keys()) this.#work(table);
  }

  enqueue(segment: Segment): void {
    const queue = this.#queues.get(segment.table) ?? [];
    queue.push(segment);
    this.#queues.set(segment.table, queue);
    this.#work(segment.table);
  }

  /** Whether segments of this table are on their way. */
  isBusy(table: string): boolean {
    return (this.#queues.get(table)?.length ?? 0) > 0;
  }

  /** Number of segments that are not in ClickHouse yet. */
  get depth(): number {
    return [...this.#queues.values()].reduce((sum, queue) => sum + queue.length, 0);
  }

  /** Resolves when everything that is queued now is in ClickHouse or has been set aside, however long that takes. */
  async idle(): Promise<void> {
    const queued = [...this.#queues.values()].flat();
    await Promise.all(queued.map(({ token }) => this.inserted(token)));
  }

  /** Resolves when the segment is in ClickHouse, or has been set aside. */
  async inserted(token: string): Promise<void> {
    if (this.#finished.has(token)) return;
    await new Promise<void>((resolve) => {
      this.#awaited.set(token, [...(this.#awaited.get(token) ?? []), resolve]);
    });
  }

  /** Resolves when all queued segments are in, or when `withinMs` has passed: the rest stays in the spool. */
  async drain(withinMs: number): Promise<{ left: number }> {
    const deadline = AbortSignal.timeout(withinMs);
    const expired = new Promise<void>((resolve) =>
      deadline.addEventListener('abort', () => resolve(), { once: true }),
    );
    while (this.#running.size > 0 && !deadline.aborted) {
      await Promise.race([...this.#running.values(), expired]);
    }
    return { left: this.depth };
  }

  /** Ends the pauses between tries, and waits for the inserts in flight. */
  async stop(): Promise<void> {
    this.#stopping.abort();
    await Promise.all(this.#running.values());
  }

  #work(table: string): void {
    if (this.#spool === undefined || this.#running.has(table) || this.#stopping.signal.aborted) return;
    const run = this.#insertAll(table, this.#spool).finally(() => {
      this.#running.delete(table);
      if ((this.#queues.get(table)?.length ?? 0) > 0) this.#work(table);
    });
    this.#running.set(table, run);
  }

  async #insertAll(table: string, spool: Spool): Promise<void> {
    const queue = this.#queues.get(table) ?? [];
    for (let tries = 0; queue[0] !== undefined && !this.#stopping.signal.aborted;) {
      const outcome = await this.#insertSafely(queue[0], spool, tries);
      if (outcome === 'done') {
        this.#finish(queue[0].token);
        queue.shift();
        tries = 0;
      } else {
        await pause(Math.min(FIRST_RETRY_MS * 2 ** tries++, LONGEST_RETRY_MS), this.#stopping.signal);
      }
    }
  }

  #finish(token: string): void {
    this.#finished.add(token);
    const [oldest] = this.#finished;
    if (this.#finished.size > REMEMBERED && oldest !== undefined) this.#finished.delete(oldest);
    for (const resolve of this.#awaited.get(token) ?? []) resolve();
    this.#awaited.delete(token);
  }

  /** The disk of the spool may be full, or not let a file go. */
  async #insertSafely(segment: Segment, spool: Spool, tries: number): Promise<'done' | 'again'> {
    try {
      return await this.#insert(segment, spool, tries);
    } catch (error) {
      const { table, token } = segment;
      this.#options.log.error({ table, token, err: error }, 'a segment could not be put away, trying again');
      return 'again';
    }
  }

  async #insert(segment: Segment, spool: Spool, tries: number): Promise<'done' | 'again'> {
    const { engine, log, onInserted, onSetAside } = this.#options;
    const startedMs = performance.now();
    try {
      await engine.insertFile({
        table: segment.table,
        path: segment.path,
        format: segment.format,
        token: segment.token,
        isRepeat: tries > 0 || segment.isRecovered === true,
      });
    } catch (error) {
      const { code, message } = error as { code?: string; message: string };
      if (!isHopeless(String(code), tries)) {
        log.warn(
          { table: segment.table, token: segment.token, code, err: message },
          'insert failed, trying again',
        );
        return 'again';
      }
      const path = await spool.setAside(segment, message);
      log.error(
        { table: segment.table, path, code, err: message },
        'rows can not be inserted and were set aside',
      );
      onSetAside?.(segment);
      return 'done';
    }
    await spool.drop(segment);
    onInserted?.(segment, performance.now() - startedMs);
    return 'done';
  }
}

function isHopeless(code: string, tries: number): boolean {
  return CODES_OF_BAD_ROWS.has(code) || (CODES_OF_CUT_ROWS.has(code) && tries + 1 >= TRIES_OF_CUT_ROWS);
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
