/** Numbers the distinct texts of a LowCardinality column while a body is walked. */
import { isUtf8 } from 'node:buffer';
import { type Arena, SEED } from './arena.ts';
import { Region } from './region.ts';
import { appendLength, notUtf8, sameBytes, type Source } from './source.ts';

const FIRST_SLOTS = 64;
/** Distinct texts, numbered from 0 in the order of their first appearance. The kernel finds and adds them likewise. */
export class Dictionary {
  /** The texts with their lengths in front, as the Native format has them. */
  readonly keys: Region;
  count = 0;
  /** Where each text starts in `keys`, and its length. */
  readonly starts: Region;
  readonly lengths: Region;
  /** Open addressing: number + 1, or 0 where free. Never more than half full. */
  readonly slots: Region;
  /** Texts that there is room for. */
  capacity = FIRST_SLOTS;

  constructor(arena?: Arena) {
    this.keys = new Region(1, arena);
    this.starts = new Region(4, arena);
    this.lengths = new Region(4, arena);
    this.slots = new Region(4, arena);
    this.#makeRoom(FIRST_SLOTS);
  }

  /** Whether text `index` is this piece of the source. */
  is(index: number, source: Source, at: number, length: number): boolean {
    return (
      index < this.count &&
      this.lengths.view.getInt32(index * 4, true) === length &&
      sameBytes(this.keys.view, this.starts.view.getInt32(index * 4, true), source.view, at, length)
    );
  }

  /** The number of a text, which is added where it is new. Throws a `RecordError` where it is not UTF-8. */
  find(source: Source, at: number, length: number): number {
    const { view } = this.slots;
    const mask = this.capacity * 2 - 1;
    let slot = hash(source.view, at, length) & mask;
    for (let found = view.getInt32(slot * 4, true); found !== 0; found = view.getInt32(slot * 4, true)) {
      if (this.is(found - 1, source, at, length)) return found - 1;
      slot = (slot + 1) & mask;
    }
    const bytes = source.bytes.subarray(at, at + length);
    if (!isUtf8(bytes)) throw notUtf8(bytes);
    view.setInt32(slot * 4, this.count + 1, true);
    return this.#add(bytes);
  }

  clear(): void {
    this.count = 0;
    this.keys.clear();
    this.#makeRoom(this.capacity > 512 ? FIRST_SLOTS : this.capacity);
  }

  #add(bytes: Uint8Array): number {
    const { keys } = this;
    keys.reserve(bytes.length + 5);
    appendLength(keys, bytes.length);
    this.starts.view.setInt32(this.count * 4, keys.at, true);
    this.lengths.view.setInt32(this.count * 4, bytes.length, true);
    keys.bytes.set(bytes, keys.at);
    keys.at += bytes.length;
    this.count++;
    if (this.count === this.capacity) this.#resize(this.capacity * 2);
    return this.count - 1;
  }

  /** Makes room for so many texts, and empties the slots. */
  #makeRoom(capacity: number): void {
    this.capacity = capacity;
    for (const region of [this.starts, this.lengths]) {
      region.at = 0;
      // What is in it moves along where it grows.
      region.reserve(capacity);
    }
    this.slots.at = 0;
    this.slots.reserve(capacity * 2);
    this.slots.bytes.fill(0, 0, capacity * 8);
  }

  #resize(capacity: number): void {
    this.#makeRoom(capacity);
    const mask = capacity * 2 - 1;
    const { view } = this.slots;
    for (let index = 0; index < this.count; index++) {
      const start = this.starts.view.getInt32(index * 4, true);
      const length = this.lengths.view.getInt32(index * 4, true);
      let slot = hash(this.keys.view, start, length) & mask;
      while (view.getInt32(slot * 4, true) !== 0) slot = (slot + 1) & mask;
      view.setInt32(slot * 4, index + 1, true);
    }
  }
}

/** Murmur-like: four bytes at a time, the last four overlapping. */
function hash(view: DataView, at: number, length: number): number {
  let mixed = SEED ^ length;
  if (length >= 4) {
    const last = length - 4;
    for (let index = 0; index < last; index += 4) mixed = mix(mixed, view.getInt32(at + index, true));
    mixed = mix(mixed, view.getInt32(at + last, true));
  } else {
    for (let index = 0; index < length; index++) mixed = mix(mixed, view.getUint8(at + index));
  }
  mixed ^= mixed >>> 15;
  mixed = Math.imul(mixed, 0x85ebca6b);
  return mixed ^ (mixed >>> 13);
}

function mix(state: number, word: number): number {
  const mixed = Math.imul(state ^ word, 0x9e3779b1);
  return mixed ^ (mixed >>> 15);
}
