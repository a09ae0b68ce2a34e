/** The memory of the kernel (`kernel/`, WebAssembly), and the pieces of it in which columns stand. */
import { randomInt } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

/** What is compiled from `kernel/index.ts`. All places are addresses in the arena. */
export interface Kernel {
  setSeed(seed: number): void;
  /** XXH64 of bytes, with a seed. */
  checksum(at: number, length: number, seed: bigint): bigint;
  /**
   * Notes the values of a JSON body in lists of `room` values: starts, ends and nexts of four bytes, kinds of one.
   * Returns how many there are, -1 where it can not.
   */
  readJson(address: number, start: number, length: number, lists: number, room: number): number;
  /** Objects and arrays of that body. */
  jsonObjects(): number;
  /** Passes over records; returns where something else begins. */
  passRecords(at: number, end: number): number;
  /** Walks records of a message that ends at `end` into a table, up to `limit`; returns where it stopped. */
  walkSpans(table: number, at: number, end: number, limit: number): number;
  walkLogs(table: number, at: number, end: number, limit: number): number;
  walkNumberPoints(table: number, at: number, end: number, limit: number): number;
}

/** Moves along when the memory grows: then all views of it are void. */
export interface Tenant {
  relocate(): void;
}

/** The kernel reads and writes sixteen bytes at a time: beyond the end of what it is about, too. */
const SLACK_BYTES = 64;
const SMALLEST_BYTES = 1024;
const PAGE_BYTES = 64 * 1024;
/** Addresses stay below 2^31. */
const MOST_PAGES = 32_767;
/** Unknown to senders: nobody can choose texts that collide in a dictionary. */
export const SEED = randomInt(0x7fffffff) | 1;

let compiled: WebAssembly.Module | undefined;

/** Pieces are powers of two; one that is given back serves the next that is as large. */
export class Arena {
  readonly kernel: Kernel;
  /** The whole memory; another one after it has grown. */
  bytes: Buffer;
  words: Uint32Array;
  doubles: Float64Array;
  readonly #memory = new WebAssembly.Memory({ initial: 8, maximum: MOST_PAGES });
  readonly #tenants = new Set<Tenant>();
  /** By the logarithm of their size. */
  readonly #free: number[][] = Array.from({ length: 32 }, () => []);
  /** Behind the kernel's own constants. */
  #end = PAGE_BYTES;

  constructor() {
    compiled ??= compile();
    const instance = new WebAssembly.Instance(compiled, { env: { memory: this.#memory, abort } });
    this.kernel = instance.exports as unknown as Kernel;
    this.kernel.setSeed(SEED);
    this.bytes = Buffer.from(this.#memory.buffer);
    this.words = new Uint32Array(this.#memory.buffer);
    this.doubles = new Float64Array(this.#memory.buffer);
  }

  get sizeBytes(): number {
    return this.bytes.length;
  }

  /** Tells this one whenever the memory has grown. */
  admit(tenant: Tenant): void {
    this.#tenants.add(tenant);
  }

  /** A piece of at least so many bytes. Throws a `RangeError` where there is no more memory. */
  take(sizeBytes: number): { address: number; sizeBytes: number } {
    const log = logOf(sizeBytes);
    const pieceBytes = 2 ** log;
    let address = this.#free[log]?.pop();
    if (address === undefined) {
      if (this.#end + pieceBytes > this.bytes.length) this.#grow(this.#end + pieceBytes);
      address = this.#end;
      this.#end += pieceBytes;
    }
    return { address, sizeBytes: pieceBytes - SLACK_BYTES };
  }

  /** Gives a piece back; what is in it stays until the next `take`. */
  give(address: number, sizeBytes: number): void {
    this.#free[logOf(sizeBytes)]?.push(address);
  }

  #grow(neededBytes: number): void {
    const nowPages = this.bytes.length / PAGE_BYTES;
    const neededPages = Math.ceil(neededBytes / PAGE_BYTES);
    this.#memory.grow(Math.max(neededPages, Math.min(nowPages * 2, MOST_PAGES)) - nowPages);
    this.bytes = Buffer.from(this.#memory.buffer);
    this.words = new Uint32Array(this.#memory.buffer);
    this.doubles = new Float64Array(this.#memory.buffer);
    for (const tenant of this.#tenants) tenant.relocate();
  }
}

function logOf(sizeBytes: number): number {
  return 32 - Math.clz32(Math.max(sizeBytes + SLACK_BYTES, SMALLEST_BYTES) - 1);
}

function compile(): WebAssembly.Module {
  // From sources and from what is built of them it is equally far.
  const path = fileURLToPath(new URL('../../kernel/dist/kernel.wasm', import.meta.url));
  try {
    return new WebAssembly.Module(readFileSync(path));
  } catch (error) {
    throw new Error(`There is no kernel at '${path}'. Run 'node scripts/setup.mjs', which builds it.`, {
      cause: error,
    });
  }
}

function abort(): never {
  throw new Error('The kernel broke off.');
}
