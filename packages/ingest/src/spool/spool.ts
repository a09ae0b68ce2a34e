/** Keeps accepted rows on disk, in segments, until they are in ClickHouse. */

import { randomUUID } from 'node:crypto';
import { mkdir, open, rename, rm, truncate, writeFile, type FileHandle } from 'node:fs/promises';
import { join } from 'node:path';
import { readBootId } from './boot.ts';
import { Inserted } from './inserted.ts';
import type { Repeats } from './repeats.ts';
import {
  type Damage,
  finishedPath,
  insertedPath,
  OPEN_SUFFIX,
  recoverInserted,
  recoverSegments,
  type Segment,
} from './segment-file.ts';

export type { Damage, Segment };

/** Rows of one table as a block of the Native format, with its checksum inside (`writeBlock`). */
export interface SpoolBlock {
  readonly table: string;
  readonly rows: number;
  readonly bytes: Uint8Array;
  /** The requests whose rows these are, as far as they have names. They are in `bytes` too. */
  readonly requests?: readonly string[];
  /** False where no row belongs to a run. */
  readonly hasRuns?: boolean;
}

/** `segments` are the tokens of the segments that hold the rows. */
export type Acceptance =
  | { status: 'accepted'; segments: readonly string[] }
  | { status: 'retry'; afterMs: number; reason: string };

export interface SpoolOptions {
  readonly folder: string;
  /** Above this many bytes on disk nothing more is taken. */
  readonly maxBytes?: number;
  /** A segment is finished at this many rows … */
  readonly segmentRows?: number;
  /** … or bytes … */
  readonly segmentBytes?: number;
  /** … or at this age, if the table is idle … */
  readonly segmentAgeMs?: number;
  /** … or at this age in any case. */
  readonly busySegmentAgeMs?: number;
  /** Whether an earlier segment of this table is still on its way: until it is in, this one may as well grow. */
  readonly isBusy?: (table: string) => boolean;
  readonly onSealed: (segment: Segment) => void;
  /** A segment could not be finished in the background; it is tried again with the next rows. */
  readonly onTrouble: (error: unknown) => void;
  /**
   * Resolves when everything that is in ClickHouse now is on its disk. Until then its segments stay, not counted as rows
   * that wait. Not given: ClickHouse sees to that itself.
   */
  readonly sync?: (() => Promise<void>) | undefined;
  /** Milliseconds from an insert to the next sync … */
  readonly syncAfterMs?: number;
  /** … which comes sooner where so many bytes wait for it: the more is synced at once, the longer a sender waits … */
  readonly syncAfterBytes?: number;
  /** … but so many milliseconds after the last one began. */
  readonly syncRestMs?: number;
  /** Names the boot of the machine. */
  readonly bootId?: string | undefined;
  /** Hears which requests have rows on disk, and which are about to leave it for ClickHouse. */
  readonly repeats?: Pick<Repeats, 'note' | 'writeDown'>;
  /** A segment of an earlier process was damaged; what could not be read was set aside. */
  readonly onDamage?: (damage: Damage) => void;
}

/** Blocks, or who has them when the time has come to write: what gathers until then is written as one. */
export type BlockSource = readonly SpoolBlock[] | (() => readonly SpoolBlock[]);

const FORGETS = { note: () => undefined, writeDown: async () => undefined };

interface OpenSegment {
  readonly table: string;
  readonly path: string;
  readonly token: string;
  readonly file: FileHandle;
  readonly openedMs: number;
  sizeBytes: number;
  rows: number;
  requests: string[];
  hasRuns: boolean;
}

interface Waiting {
  readonly source: BlockSource;
  readonly resolve: (segments: readonly string[]) => void;
  readonly reject: (error: unknown) => void;
}

/**
 * An append-only spool. `append` resolves when the rows are on disk (one fsync serves all requests that wait for it);
 * what was appended survives a crash and is handed out again, with the same boundaries and tokens, at the next start.
 */
export class Spool {
  readonly #options: Required<SpoolOptions>;
  readonly #inserted: Inserted | undefined;
  readonly #open = new Map<string, OpenSegment>();
  /** When each finished segment was begun, on the monotonic clock. */
  readonly #sealed = new Map<string, { readonly table: string; readonly openedMs: number }>();
  #waiting: Waiting[] = [];
  #commitPlanned = false;
  /** Commits and seals follow one another, so that no file is closed while rows are being written to it. */
  #turn: Promise<unknown> = Promise.resolve();
  #ageTimer: NodeJS.Timeout | undefined;
  #sizeBytes = 0;
  #sequence = 0;
  #closed = false;

  private constructor(options: Required<SpoolOptions>) {
    this.#options = options;
    const { sync, onTrouble, syncAfterMs: everyMs, syncAfterBytes: mostBytes, syncRestMs: restMs } = options;
    if (sync !== undefined) {
      const remove = (segment: Segment): Promise<void> => this.#remove(segment);
      const distrust = async ({ path, token, format }: Segment): Promise<void> => {
        if (format === 'Native') await rename(path, insertedPath(this.#options.folder, token, undefined));
      };
      this.#inserted = new Inserted({ sync, remove, distrust, onTrouble, everyMs, mostBytes, restMs });
    }
  }

  /** Opens the folder and hands out what an earlier process left behind, oldest first. */
  static async open({
    maxBytes = 2 * 1024 ** 3,
    segmentRows = 100_000,
    segmentBytes = 64 * 1024 ** 2,
    segmentAgeMs = 200,
    busySegmentAgeMs = 1_000,
    isBusy = () => false,
    onDamage = () => undefined,
    repeats = FORGETS,
    sync,
    syncAfterMs = 10_000,
    syncAfterBytes = Math.min(8 * 1024 ** 2, maxBytes / 4),
    syncRestMs = 1_000,
    bootId = readBootId(),
    ...options
  }: SpoolOptions): Promise<Spool> {
    const limits = { maxBytes, segmentRows, segmentBytes, segmentAgeMs, busySegmentAgeMs };
    const syncing = { sync, syncAfterMs, syncAfterBytes, syncRestMs, bootId };
    const spool = new Spool({ ...options, ...limits, ...syncing, isBusy, onDamage, repeats });
    await mkdir(options.folder, { recursive: true });
    await spool.#recover();
    return spool;
  }

  /** Of what is not in ClickHouse yet. */
  get sizeBytes(): number {
    return this.#sizeBytes;
  }

  /** Of what is in ClickHouse, and waits until that is on its disk. */
  get unsyncedBytes(): number {
    return this.#inserted?.sizeBytes ?? 0;
  }

  /** For how long the oldest rows have waited here, of one table where one is named; milliseconds, 0 where none do. */
  ageMs(ofTable?: string): number {
    const begun = [...this.#sealed.values(), ...this.#open.values()]
      .filter(({ table }) => ofTable === undefined || table === ofTable)
      .map(({ openedMs }) => openedMs);
    return begun.length === 0 ? 0 : performance.now() - Math.min(...begun);
  }

  get hasRoom(): boolean {
    return !this.#closed && this.#sizeBytes + this.unsyncedBytes < this.#options.maxBytes;
  }

  /** Why nothing is taken now, or null. */
  refusal(): (Acceptance & { status: 'retry' }) | null {
    if (this.#closed) return { status: 'retry', afterMs: 1_000, reason: 'the service is shutting down' };
    if (!this.hasRoom) return { status: 'retry', afterMs: 5_000, reason: 'the spool is full' };
    return null;
  }

  /** Resolves `accepted` once the rows are on disk; `retry` when there is no room. Rejects when the disk refuses. */
  async append(source: BlockSource): Promise<Acceptance> {
    const refusal = this.refusal();
    if (refusal !== null) return refusal;
    if (source.length === 0 && typeof source !== 'function') return { status: 'accepted', segments: [] };
    const segments = await new Promise<readonly string[]>((resolve, reject) => {
      this.#waiting.push({ source, resolve, reject });
      this.#planCommit();
    });
    return { status: 'accepted', segments };
  }

  /** The segment is in ClickHouse: its file goes as soon as that is sure to stay. */
  async drop(segment: Segment): Promise<void> {
    if (this.#inserted === undefined) await this.#remove(segment);
    else this.#inserted.add({ ...segment, path: await this.#markInserted(segment) });
    this.#forget(segment);
  }

  /** Where it can not be marked, or has an old name, it is taken for one that may not be in ClickHouse. */
  async #markInserted({ path, token, format }: Segment): Promise<string> {
    const { folder, bootId } = this.#options;
    if (format !== 'Native') return path;
    const marked = insertedPath(folder, token, bootId);
    return rename(path, marked).then(
      () => marked,
      () => path,
    );
  }

  async #remove(segment: Segment): Promise<void> {
    const { repeats, onTrouble } = this.#options;
    const isDown = await repeats.writeDown(segment.table, segment.requests).then(
      () => true,
      () => false,
    );
    await rm(segment.path, { force: true });
    // Where the disk is full, the segment has made the room.
    if (!isDown) await repeats.writeDown(segment.table, segment.requests).catch(onTrouble);
  }

  /** The segment can not be inserted: it is kept aside for a person, with the reason beside it. */
  async setAside(segment: Segment, reason: string): Promise<string> {
    const path = join(await this.#asideFolder(), segment.path.slice(segment.path.lastIndexOf('/') + 1));
    await writeFile(`${path}.reason.txt`, `${reason}\n`);
    await rename(segment.path, path);
    this.#forget(segment);
    return path;
  }

  /** Finishes the open segments now instead of when they are old or large enough. */
  async seal(): Promise<void> {
    await this.#inTurn(async () => {
      clearTimeout(this.#ageTimer);
      this.#ageTimer = undefined;
      for (const segment of this.#open.values()) await this.#sealOne(segment);
    });
  }

  /** Takes nothing more, and finishes what is open. */
  async close(): Promise<void> {
    this.#closed = true;
    await this.seal();
    await this.#inserted?.stop();
  }

  #planCommit(): void {
    if (this.#commitPlanned) return;
    this.#commitPlanned = true;
    void this.#inTurn(async () => {
      this.#commitPlanned = false;
      const batch = this.#waiting;
      this.#waiting = [];
      try {
        const blocks = batch.map(({ source }) => (typeof source === 'function' ? source() : source));
        const tokens = await this.#commit(blocks.flat());
        batch.forEach(({ source, resolve }, index) => {
          // Who gathers with others is in one of the segments of this commit.
          const tables =
            typeof source === 'function'
              ? [...tokens.keys()]
              : (blocks[index] ?? []).map(({ table }) => table);
          resolve([...new Set(tables.map((table) => tokens.get(table) ?? ''))]);
        });
      } catch (error) {
        for (const { reject } of batch) reject(error);
      }
    });
  }

  #inTurn<Result>(work: () => Promise<Result>): Promise<Result> {
    const done = this.#turn.then(work);
    this.#turn = done.catch(() => undefined);
    return done;
  }

  /** Returns the token of the segment that took the rows, by table. */
  async #commit(blocks: readonly SpoolBlock[]): Promise<Map<string, string>> {
    const byTable = Map.groupBy(blocks, ({ table }) => table);
    const touched = await Promise.all(
      [...byTable].map(async ([table, ofTable]) => {
        const segment = await this.#segmentFor(table);
        await this.#write(segment, ofTable);
        return segment;
      }),
    );
    this.#watchAge();
    const { segmentBytes, segmentRows } = this.#options;
    for (const segment of touched) {
      if (segment.sizeBytes >= segmentBytes || segment.rows >= segmentRows) await this.#sealOne(segment);
    }
    return new Map(touched.map(({ table, token }) => [table, token]));
  }

  /** A write that failed half-way is cut off again, so that what follows starts on a whole block. */
  async #write(segment: OpenSegment, blocks: readonly SpoolBlock[]): Promise<void> {
    const sizeBytes = blocks.reduce((sum, { bytes }) => sum + bytes.byteLength, 0);
    try {
      for (const { bytes } of blocks) await writeAll(segment.file, bytes);
      await segment.file.datasync();
    } catch (error) {
      await truncate(segment.path, segment.sizeBytes).catch(() => undefined);
      // The disk may be full.
      this.#inserted?.syncNow();
      throw error;
    }
    segment.sizeBytes += sizeBytes;
    segment.rows += blocks.reduce((sum, { rows }) => sum + rows, 0);
    this.#sizeBytes += sizeBytes;
    const requests = blocks.flatMap((block) => block.requests ?? []);
    segment.requests.push(...requests);
    segment.hasRuns ||= blocks.some(({ hasRuns }) => hasRuns !== false);
    this.#options.repeats.note(segment.table, requests);
  }

  async #segmentFor(table: string): Promise<OpenSegment> {
    const known = this.#open.get(table);
    if (known !== undefined) return known;
    // Zero-padded time and sequence first: names sort in the order of arrival, across restarts too.
    const order = `${String(Date.now()).padStart(15, '0')}-${String(this.#sequence++).padStart(6, '0')}`;
    const token = `${order}-${randomUUID().slice(0, 8)}.${table}`;
    const path = join(this.#options.folder, `${token}${OPEN_SUFFIX}`);
    const file = await open(path, 'a');
    const segment = {
      table,
      path,
      token,
      file,
      openedMs: performance.now(),
      sizeBytes: 0,
      rows: 0,
      requests: [],
      hasRuns: false,
    };
    this.#open.set(table, segment);
    await this.#syncFolder();
    return segment;
  }

  /** A new file is there after a power failure only once its folder is on disk too. */
  async #syncFolder(): Promise<void> {
    const folder = await open(this.#options.folder, 'r');
    try {
      await folder.sync();
    } finally {
      await folder.close();
    }
  }

  #watchAge(): void {
    this.#ageTimer ??= setTimeout(() => {
      this.#ageTimer = undefined;
      void this.#inTurn(() => this.#sealOld()).catch(this.#options.onTrouble);
    }, this.#options.segmentAgeMs);
  }

  async #sealOld(): Promise<void> {
    const { isBusy, busySegmentAgeMs } = this.#options;
    for (const segment of this.#open.values()) {
      const isDue = !isBusy(segment.table) || performance.now() - segment.openedMs >= busySegmentAgeMs;
      if (isDue) await this.#sealOne(segment);
    }
    if (this.#open.size > 0) this.#watchAge();
  }

  async #sealOne(segment: OpenSegment): Promise<void> {
    if (this.#open.get(segment.table) !== segment) return;
    this.#open.delete(segment.table);
    await segment.file.close();
    if (segment.sizeBytes === 0) {
      await rm(segment.path, { force: true });
      return;
    }
    const { table, token, sizeBytes, requests, hasRuns } = segment;
    const path = finishedPath(this.#options.folder, token);
    await rename(segment.path, path);
    this.#handOut({ table, path, token, format: 'Native', sizeBytes, requests, hasRuns }, segment.openedMs);
  }

  #handOut(segment: Segment, openedMs: number): void {
    this.#sealed.set(segment.token, { table: segment.table, openedMs });
    this.#options.onSealed(segment);
  }

  #forget(segment: Segment): void {
    if (this.#sealed.delete(segment.token)) this.#sizeBytes -= segment.sizeBytes;
  }

  async #asideFolder(): Promise<string> {
    const folder = join(this.#options.folder, 'set-aside');
    await mkdir(folder, { recursive: true });
    return folder;
  }

  async #recover(): Promise<void> {
    // Where there is nothing to sync, those of another engine are left to it.
    if (this.#inserted !== undefined) {
      for (const segment of await recoverInserted(this.#options.folder, this.#options.bootId)) {
        this.#options.repeats.note(segment.table, segment.requests);
        this.#inserted.add(segment);
      }
    }
    const { segments, damages } = await recoverSegments(this.#options.folder, async (name, bytes, reason) => {
      const path = join(await this.#asideFolder(), name);
      await writeFile(path, bytes);
      await writeFile(`${path}.reason.txt`, `${reason}\n`);
      return { path, reason };
    });
    for (const damage of damages) this.#options.onDamage(damage);
    for (const segment of segments) {
      this.#sizeBytes += segment.sizeBytes;
      this.#options.repeats.note(segment.table, segment.requests);
      this.#handOut(segment, performance.now());
    }
  }
}

/** One call for all of it: `appendFile` writes half a megabyte at a time, and waits its turn in between. */
async function writeAll(file: FileHandle, bytes: Uint8Array): Promise<void> {
  for (let at = 0; at < bytes.byteLength;) {
    const { bytesWritten } = await file.write(bytes, at);
    at += bytesWritten;
  }
}
