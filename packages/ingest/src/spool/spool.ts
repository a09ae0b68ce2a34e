/** Keeps accepted rows on disk, in segments, until they are in ClickHouse. */

import { randomUUID } from 'node:crypto';
import {
  mkdir,
  open,
  readdir,
  readFile,
  rename,
  rm,
  stat,
  truncate,
  type FileHandle,
} from 'node:fs/promises';
import { join } from 'node:path';

/** Rows of one table, ready to be inserted. */
export interface SpoolBlock {
  readonly table: string;
  readonly rows: number;
  readonly bytes: Uint8Array;
}

/** A finished file of rows; its name is its deduplication token, so that inserting it again changes nothing. */
export interface Segment {
  readonly table: string;
  readonly path: string;
  readonly token: string;
  readonly sizeBytes: number;
}

/** `segments` are the tokens of the segments that hold the rows. */
export type Acceptance =
  | { status: 'accepted'; segments: readonly string[] }
  | { status: 'retry'; afterMs: number; reason: string };

export interface SpoolOptions {
  readonly folder: string;
  /** Above this many bytes on disk nothing more is taken. */
  readonly maxBytes?: number;
  /** A segment is finished at this size … */
  readonly segmentBytes?: number;
  /** … or at this age. */
  readonly segmentAgeMs?: number;
  readonly onSealed: (segment: Segment) => void;
  /** A segment could not be finished in the background; it is tried again with the next rows. */
  readonly onTrouble: (error: unknown) => void;
}

interface OpenSegment {
  readonly table: string;
  readonly path: string;
  readonly token: string;
  readonly file: FileHandle;
  sizeBytes: number;
}

interface Waiting {
  readonly blocks: readonly SpoolBlock[];
  readonly resolve: (segments: readonly string[]) => void;
  readonly reject: (error: unknown) => void;
}

/**
 * An append-only spool. `append` resolves when the rows are on disk (one fsync serves all requests that wait for it);
 * what was appended survives a crash and is handed out again, with the same boundaries and tokens, at the next start.
 */
export class Spool {
  readonly #options: Required<SpoolOptions>;
  readonly #open = new Map<string, OpenSegment>();
  readonly #sealed = new Map<string, number>();
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
  }

  /** Opens the folder and hands out what an earlier process left behind, oldest first. */
  static async open({
    maxBytes = 2 * 1024 ** 3,
    segmentBytes = 32 * 1024 ** 2,
    segmentAgeMs = 400,
    ...options
  }: SpoolOptions): Promise<Spool> {
    const spool = new Spool({ ...options, maxBytes, segmentBytes, segmentAgeMs });
    await mkdir(options.folder, { recursive: true });
    await spool.#recover();
    return spool;
  }

  get sizeBytes(): number {
    return this.#sizeBytes;
  }

  get hasRoom(): boolean {
    return !this.#closed && this.#sizeBytes < this.#options.maxBytes;
  }

  /** Resolves `accepted` once the rows are on disk; `retry` when there is no room. Rejects when the disk refuses. */
  async append(blocks: readonly SpoolBlock[]): Promise<Acceptance> {
    if (this.#closed) return { status: 'retry', afterMs: 1_000, reason: 'the service is shutting down' };
    if (!this.hasRoom) return { status: 'retry', afterMs: 5_000, reason: 'the spool is full' };
    if (blocks.length === 0) return { status: 'accepted', segments: [] };
    const segments = await new Promise<readonly string[]>((resolve, reject) => {
      this.#waiting.push({ blocks, resolve, reject });
      this.#planCommit();
    });
    return { status: 'accepted', segments };
  }

  /** The segment is in ClickHouse: its file goes. */
  async drop(segment: Segment): Promise<void> {
    await rm(segment.path, { force: true });
    this.#forget(segment);
  }

  /** The segment can not be inserted: it is kept aside for a person, with the reason beside it. */
  async setAside(segment: Segment, reason: string): Promise<string> {
    const folder = join(this.#options.folder, 'set-aside');
    await mkdir(folder, { recursive: true });
    const path = join(folder, `${segment.token}.jsonl`);
    const note = await open(`${path}.reason.txt`, 'w');
    await note.writeFile(`${reason}\n`);
    await note.close();
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
  }

  #planCommit(): void {
    if (this.#commitPlanned) return;
    this.#commitPlanned = true;
    void this.#inTurn(async () => {
      this.#commitPlanned = false;
      const batch = this.#waiting;
      this.#waiting = [];
      try {
        const tokens = await this.#commit(batch.flatMap(({ blocks }) => blocks));
        for (const { blocks, resolve } of batch) {
          resolve([...new Set(blocks.map(({ table }) => tokens.get(table) ?? ''))]);
        }
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
        await this.#write(segment, Buffer.concat(ofTable.map(({ bytes }) => bytes)));
        return segment;
      }),
    );
    this.#ageTimer ??= setTimeout(
      () => void this.seal().catch(this.#options.onTrouble),
      this.#options.segmentAgeMs,
    );
    for (const segment of touched) {
      if (segment.sizeBytes >= this.#options.segmentBytes) await this.#sealOne(segment);
    }
    return new Map(touched.map(({ table, token }) => [table, token]));
  }

  /** A write that failed half-way is cut off again, so that what follows starts on a whole row. */
  async #write(segment: OpenSegment, bytes: Buffer): Promise<void> {
    try {
      await segment.file.appendFile(bytes);
      await segment.file.datasync();
    } catch (error) {
      await truncate(segment.path, segment.sizeBytes).catch(() => undefined);
      throw error;
    }
    segment.sizeBytes += bytes.byteLength;
    this.#sizeBytes += bytes.byteLength;
  }

  async #segmentFor(table: string): Promise<OpenSegment> {
    const known = this.#open.get(table);
    if (known !== undefined) return known;
    // Zero-padded time and sequence first: names sort in the order of arrival, across restarts too.
    const order = `${String(Date.now()).padStart(15, '0')}-${String(this.#sequence++).padStart(6, '0')}`;
    const token = `${order}-${randomUUID().slice(0, 8)}.${table}`;
    const path = join(this.#options.folder, `${token}.open`);
    const segment = { table, path, token, file: await open(path, 'a'), sizeBytes: 0 };
    this.#open.set(table, segment);
    return segment;
  }

  async #sealOne(segment: OpenSegment): Promise<void> {
    if (this.#open.get(segment.table) !== segment) return;
    this.#open.delete(segment.table);
    await segment.file.close();
    if (segment.sizeBytes === 0) {
      await rm(segment.path, { force: true });
      return;
    }
    const path = join(this.#options.folder, `${segment.token}.jsonl`);
    await rename(segment.path, path);
    this.#handOut({ table: segment.table, path, token: segment.token, sizeBytes: segment.sizeBytes });
  }

  #handOut(segment: Segment): void {
    this.#sealed.set(segment.token, segment.sizeBytes);
    this.#options.onSealed(segment);
  }

  #forget(segment: Segment): void {
    if (this.#sealed.delete(segment.token)) this.#sizeBytes -= segment.sizeBytes;
  }

  async #recover(): Promise<void> {
    const names = (await readdir(this.#options.folder))
      .filter((name) => /\.(open|jsonl)$/.test(name))
      .toSorted();
    for (const name of names) {
      const token = name.replace(/\.(open|jsonl)$/, '');
      const path = join(this.#options.folder, `${token}.jsonl`);
      if (name.endsWith('.open')) await finishTorn(join(this.#options.folder, name), path);
      const sizeBytes = (await stat(path).catch(() => null))?.size ?? 0;
      if (sizeBytes === 0) {
        await rm(path, { force: true });
        continue;
      }
      this.#sizeBytes += sizeBytes;
      this.#handOut({ table: token.slice(token.indexOf('.') + 1), path, token, sizeBytes });
    }
  }
}

/** Cuts a row that was being written when the process died: it was never acknowledged. */
async function finishTorn(path: string, finishedPath: string): Promise<void> {
  const content = await readFile(path);
  await truncate(path, content.lastIndexOf(0x0a) + 1);
  await rename(path, finishedPath);
}
