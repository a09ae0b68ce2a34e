/** Remembers which requests were kept, so that one which is sent again, its answer lost, is kept once. */

import { appendFile, readFile, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { isRequestKey, projectOf } from '../otlp/request-key.ts';

/** Names a request by its content: `requestKeyOf`. */
export type RequestKey = string;

/**
 * So many requests are remembered, about. The latest count: who got no answer asks again within minutes. Where that is
 * not enough for all, those projects forget that remember the most.
 */
const REMEMBERED = 200_000;
/** They are forgotten some at a time. */
const SLACK = 0.01;
const CURRENT = 'requests.log';
const PREVIOUS = 'requests.previous.log';

/**
 * What became of the latest requests. While rows are in a segment their requests are named in its blocks; when the
 * segment is in ClickHouse they go to a file beside it. So a killed process forgets nothing of what it kept. That file
 * is not synced: after a power failure a request that comes again may be kept twice, and none is lost.
 */
export class Repeats {
  readonly #folder: string;
  readonly #limit: number;
  /** By project: tables, separated by blanks, that have the rows of a request; the oldest requests first. */
  readonly #kept = new Map<string, Map<RequestKey, string>>();
  #size = 0;
  readonly #inFlight = new Map<RequestKey, Promise<void>>();
  #linesInFile = 0;

  private constructor(folder: string, limit: number) {
    this.#folder = folder;
    this.#limit = limit;
  }

  /** Reads what an earlier process has left in the folder, which must be there. */
  static async open(folder: string, limit = REMEMBERED): Promise<Repeats> {
    const repeats = new Repeats(folder, limit);
    for (const name of [PREVIOUS, CURRENT]) {
      const lines = (await readIfThere(join(folder, name))).split('\n');
      for (const line of lines) {
        const [table = '', ...keys] = line.split(' ');
        // A line may be torn: the process died, or the disk was full.
        repeats.note(table, keys.filter(isRequestKey));
        if (name === CURRENT) repeats.#linesInFile += keys.length;
      }
    }
    return repeats;
  }

  /** The tables that have the request's rows. */
  tablesOf(key: RequestKey): readonly string[] {
    return this.#kept.get(projectOf(key))?.get(key)?.split(' ') ?? [];
  }

  /** These requests' rows in the table are on disk. */
  note(table: string, keys: readonly RequestKey[]): void {
    for (const key of keys) {
      const project = projectOf(key);
      const kept = this.#kept.get(project) ?? new Map<RequestKey, string>();
      this.#kept.set(project, kept);
      const known = kept.get(key);
      if (kept.delete(key)) this.#size--;
      kept.set(key, known === undefined ? table : joinTables(known, table));
      this.#size++;
    }
    // Not for each request: all projects are looked at.
    if (this.#size > this.#limit * (1 + SLACK)) this.#forgetOldest();
  }

  /** Writes down what was in a segment that is about to go. */
  async writeDown(table: string, keys: readonly RequestKey[]): Promise<void> {
    if (keys.length === 0) return;
    if (this.#linesInFile >= this.#limit) await this.#startFile();
    this.#linesInFile += keys.length;
    // On a line of its own, whatever became of the one before.
    await appendFile(join(this.#folder, CURRENT), lineOf(table, keys));
  }

  /** What is remembered now takes the place of what the files say. */
  async #startFile(): Promise<void> {
    this.#linesInFile = 0;
    const path = join(this.#folder, PREVIOUS);
    // At first: what is written down meanwhile goes to a new file, and stays.
    await rename(join(this.#folder, CURRENT), path);
    const byTable = new Map<string, RequestKey[]>();
    for (const kept of this.#kept.values()) {
      for (const [key, tables] of kept) {
        for (const table of tables.split(' ')) {
          const keys = byTable.get(table) ?? [];
          byTable.set(table, keys);
          keys.push(key);
        }
      }
    }
    await writeFile(`${path}.new`, [...byTable].map(([table, keys]) => lineOf(table, keys)).join(''));
    await rename(`${path}.new`, path);
  }

  #forgetOldest(): void {
    const share = shareOf(
      [...this.#kept.values()].map(({ size }) => size),
      this.#limit,
    );
    for (const kept of this.#kept.values()) {
      for (const oldest of kept.keys()) {
        if (kept.size <= share) break;
        kept.delete(oldest);
        this.#size--;
      }
    }
  }

  /** Keeps the same request waiting meanwhile, sent by somebody who lost patience; `work` decides whether it is kept. */
  async alone<Result>(key: RequestKey, work: () => Promise<Result>): Promise<Result> {
    for (let other = this.#inFlight.get(key); other !== undefined; other = this.#inFlight.get(key))
      await other;
    const result = work();
    const settled = result.then(
      () => undefined,
      () => undefined,
    );
    this.#inFlight.set(key, settled);
    try {
      return await result;
    } finally {
      this.#inFlight.delete(key);
    }
  }
}

/** What each may keep at most so that all of them keep `limit`: who has less keeps it all. */
function shareOf(sizes: readonly number[], limit: number): number {
  let left = limit;
  let others = sizes.length;
  for (const size of sizes.toSorted((a, b) => a - b)) {
    if (size * others > left) break;
    left -= size;
    others--;
  }
  return Math.max(1, Math.floor(left / Math.max(1, others)));
}

function lineOf(table: string, keys: readonly RequestKey[]): string {
  return `\n${[table, ...keys].join(' ')}`;
}

function joinTables(known: string, table: string): string {
  return known.split(' ').includes(table) ? known : `${known} ${table}`;
}

async function readIfThere(path: string): Promise<string> {
  try {
    return await readFile(path, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return '';
    throw error;
  }
}
