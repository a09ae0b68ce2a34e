/** Grows a piece of memory as values are written into it: the ground that all columns stand on. */
import type { Arena } from './arena.ts';

/** Memory beyond this is given back when the region is emptied. */
const KEPT_BYTES = 4 * 1024 * 1024;
const FIRST_BYTES = 64;
const NO_BYTES = Buffer.alloc(0);
const NO_VIEW = new DataView(NO_BYTES.buffer);

/**
 * Values of one width, one behind the other; in the arena, where the kernel is to write some of them. The fields are open on purpose: columns write into `bytes` and `view`
 * directly, after `reserve`, because a call per value would cost more than the value.
 */
export class Region {
  bytes: Buffer = NO_BYTES;
  view: DataView = NO_VIEW;
  /** Where it starts in the arena. */
  address = 0;
  /** Number of values; setting it back forgets the values behind it. */
  at = 0;
  /** Bytes of one value: 1, 2, 4 or 8. */
  width: number;
  /** Values that there is room for. */
  #limit = 0;
  #sizeBytes = 0;
  readonly #arena: Arena | undefined;

  constructor(width: number, arena?: Arena) {
    this.width = width;
    this.#arena = arena;
    arena?.admit(this);
    this.#replace(FIRST_BYTES);
  }

  get sizeBytes(): number {
    return this.at * this.width;
  }

  /** Makes room for `count` more values. */
  reserve(count: number): void {
    if (this.at + count > this.#limit) this.#grow((this.at + count) * this.width);
  }

  clear(): void {
    this.at = 0;
    if (this.bytes.length > KEPT_BYTES) this.#replace(FIRST_BYTES);
  }

  /** Empties it, for values of another width. */
  restart(width: number): void {
    this.clear();
    this.width = width;
    this.#limit = Math.floor(this.bytes.length / width);
  }

  /** Appends the `count` values behind `from` again and again, until they are there `times` times. */
  repeat(from: number, count: number, times: number): void {
    if (count === 0 || times <= 1) return;
    const wanted = count * times;
    this.at = from;
    this.reserve(wanted);
    const start = from * this.width;
    const end = start + wanted * this.width;
    // Doubling: what has been written is the source of the next copy.
    for (let filled = count * this.width; start + filled < end; filled *= 2) {
      this.bytes.copyWithin(start + filled, start, Math.min(start + filled, end - filled));
    }
    this.at = from + wanted;
  }

  /** Appends all values to `target`, and returns where it ends. */
  copyTo(target: Buffer, offset: number): number {
    target.set(this.bytes.subarray(0, this.sizeBytes), offset);
    return offset + this.sizeBytes;
  }

  /** The arena has grown. */
  relocate(): void {
    if (this.#arena && this.address > 0) this.#stand(this.#arena, this.address, this.#sizeBytes);
  }

  /** Rewrites the values in a greater width. */
  widen(width: 2 | 4): void {
    const { at } = this;
    const narrow = this.width;
    this.width = width;
    const bytes = this.#replace(this.bytes.length * (width / narrow));
    const view = viewOf(bytes);
    for (let index = 0; index < at; index++) {
      const value = narrow === 1 ? (bytes[index] ?? 0) : view.getUint16(index * 2, true);
      if (width === 2) this.view.setUint16(index * 2, value, true);
      else this.view.setUint32(index * 4, value, true);
    }
  }

  #grow(neededBytes: number): void {
    const before = this.#replace(Math.max(neededBytes, this.bytes.length * 2));
    this.bytes.set(before);
  }

  /** Returns the memory before, which is good until more is taken. */
  #replace(sizeBytes: number): Buffer {
    const arena = this.#arena;
    if (!arena) {
      const before = this.bytes;
      this.bytes = Buffer.allocUnsafeSlow(sizeBytes);
      this.view = viewOf(this.bytes);
      this.#limit = Math.floor(sizeBytes / this.width);
      return before;
    }
    const piece = arena.take(sizeBytes);
    // Only now: taking may have moved it.
    const before = this.bytes;
    if (this.address > 0) arena.give(this.address, before.length);
    this.#stand(arena, piece.address, piece.sizeBytes);
    return before;
  }

  #stand(arena: Arena, address: number, sizeBytes: number): void {
    this.address = address;
    this.#sizeBytes = sizeBytes;
    this.bytes = Buffer.from(arena.bytes.buffer, address, sizeBytes);
    this.view = viewOf(this.bytes);
    this.#limit = Math.floor(sizeBytes / this.width);
  }
}

/** A view of the same bytes. */
export function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
