/** Lets the kernel walk records into a table, as far as it can. */
import type { Arena, Kernel } from '../native/arena.ts';
import type { LowCardinalityColumn } from '../native/columns.ts';
import { KernelTable, type KernelList } from '../native/kernel-table.ts';
import type { Region } from '../native/region.ts';
import type { EncodedOrigin } from './origin-columns.ts';
import type { RunColumns } from './run-identity.ts';

/** How much is walked between two looks at the room that is left. */
const CHUNK_BYTES = 128 * 1024;
/** An attribute has at least a tag, a length, and the same of a key of one byte. */
const FEWEST_BYTES_PER_KEY = 5;

export interface KernelWalkOptions {
  readonly arena: Arena;
  readonly walk: (kernel: Kernel, table: number, at: number, end: number, limit: number) => number;
  readonly run: RunColumns;
  /** In the order of `kernel-layout.ts`, without those of the run. */
  readonly regions: readonly Region[];
  readonly names: readonly LowCardinalityColumn[];
  readonly lists: readonly KernelList[];
  /** Of the regions, those of texts, of which a record makes at most two bytes for one of its own. */
  readonly texts: readonly Region[];
  /** Records have at least so many bytes. */
  readonly fewestBytes: number;
  readonly beforeEach?: (table: KernelTable) => void;
}

/** What was walked, and where the kernel stopped. */
export interface Walked {
  at: number;
  rows: number;
  leftBytes: number;
}

export class KernelWalk {
  readonly #options: KernelWalkOptions;
  readonly #table: KernelTable;
  readonly #values: readonly Region[];
  readonly #texts: readonly Region[];

  constructor(options: KernelWalkOptions) {
    const { arena, run, regions, names, lists, texts } = options;
    this.#options = options;
    const runRegions = [run.runId.texts, run.clientId.texts, ...run.jobName.regions];
    const all = [...runRegions, ...regions];
    this.#table = new KernelTable(arena, all, [run.jobName, ...names], lists);
    this.#texts = [
      run.runId.texts,
      run.clientId.texts,
      ...texts,
      ...lists.map(({ column }) => column.values),
    ];
    this.#values = [
      ...all.filter((region) => !this.#texts.includes(region)),
      ...lists.map(({ column }) => column.ends),
    ];
  }

  /** Walks from `at` (an address) on; what it does not walk is for the walkers, or for another call. */
  walk(
    at: number,
    end: number,
    origin: EncodedOrigin,
    call: { receivedAtMs: number; leftBytes: number; mostRows: number; sharedBytes: number },
  ): Walked {
    const { arena, walk, run, beforeEach } = this.#options;
    const { runId, clientId, jobName } = origin.resource.run;
    const walked: Walked = { at, rows: 0, leftBytes: call.leftBytes };
    if ('fault' in runId || 'fault' in clientId || 'fault' in jobName) return walked;
    for (let isAtEnd = true; isAtEnd && walked.at < end && walked.rows < call.mostRows;) {
      const limit = Math.min(end, walked.at + CHUNK_BYTES);
      this.#makeRoom(limit - walked.at, Math.max(runId.item.length, clientId.item.length));
      const jobIndex = run.jobName.find(jobName.item.source, 0, jobName.item.length);
      beforeEach?.(this.#table);
      this.#table.enter({
        runId: runId.item.source.bytes,
        clientId: clientId.item.source.bytes,
        jobIndex,
        ...call,
        leftBytes: walked.leftBytes,
        mostRows: call.mostRows - walked.rows,
      });
      const stoppedAt = walk(arena.kernel, this.#table.address, walked.at, end, limit);
      const left = this.#table.leave();
      // A record that is longer than all that is looked at is for the walkers.
      isAtEnd = left.isAtEnd && left.rows > 0;
      walked.at = stoppedAt;
      walked.rows += left.rows;
      walked.leftBytes = left.leftBytes;
    }
    return walked;
  }

  #makeRoom(sizeBytes: number, identityBytes: number): void {
    const rows = Math.ceil(sizeBytes / this.#options.fewestBytes) + 1;
    for (const region of this.#values) region.reserve(rows);
    for (const region of this.#texts) region.reserve(Math.max(2 * sizeBytes, rows * (identityBytes + 2)));
    for (const { column } of this.#options.lists) {
      column.keys.regions[0]?.reserve(Math.ceil(sizeBytes / FEWEST_BYTES_PER_KEY) + 1);
    }
  }
}
