/** Remembers which requests were kept, so that one which is sent again, its answer lost, is kept once. */

import { appendFile, readFile, rename } from 'node:fs/promises';
import { join } from 'node:path';

/** Names a request by its content: `requestKeyOf`. */
export type RequestKey = string;

/** So many requests are remembered at least. The latest count: who got no answer asks again within minutes. */
const REMEMBERED = 200_000;
const CURRENT = 'requests.log';
const PREVIOUS = 'requests.previous.log';
const KEY = /^[\w-]{22}$/;

/**
 * What became of the latest requests. While rows are in a segment their requests are named in its blocks; when the
 * segment is in ClickHouse they go to a file beside it. So a killed process forgets nothing of what it kept. That file
 * is not synced: after a power failure a request that comes again may be kept twice, and none is lost.
 */
export class Repeats {
  readonly #folder: string;
  readonly #limit: number;
  /** Tables, separated by blanks, that have the rows of a request. */
  readonly #kept = new Map<RequestKey, string>();
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
        repeats.note(
          table,
          keys.filter((key) => KEY.test(key)),
        );
        if (name === CURRENT) repeats.#linesInFile += keys.length;
      }
    }
    return repeats;
  }

  /** The tables that have the request's rows. */
  tablesOf(key: RequestKey): readonly string[] {
    return this.#kept.get(key)?.split(' ') ?? [];
  }

  /** These requests' rows in the table are on disk. */
  note(table: string, keys: readonly RequestKey[]): void {
    for (const key of keys) {
      const known = this.#kept.get(key);
      this.#kept.delete(key);
      const tables = known === undefined || known === table ? table : joinTables(known, table);
      this.#kept.set(key, tables);
    }
    for (const oldest of this.#kept.keys()) {
      if (this.#kept.size <= this.#limit) break;
      this.#kept.delete(oldest);
    }
  }

  /** Writes down what was in a segment that is about to go. */
  async writeDown(table: string, keys: readonly RequestKey[]): Promise<void> {
    if (keys.length === 0) return;
    if (this.#linesInFile >= this.#limit) {
      await rename(join(this.#folder, CURRENT), join(this.#folder, PREVIOUS));
      this.#linesInFile = 0;
    }
    this.#linesInFile += keys.length;
    // On a line of its own, whatever became of the one before.
    await appendFile(join(this.#folder, CURRENT), `\n${[table, ...keys].join(' ')}`);
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
