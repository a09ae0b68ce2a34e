/** Numbers the distinct texts of a LowCardinality column while a body is walked. */
import { isUtf8 } from 'node:buffer';
import { randomInt } from 'node:crypto';
import { Region } from './region.ts';
import { appendLength, notUtf8, sameBytes, type Source } from './source.ts';

const FIRST_SLOTS = 64;
/** Unknown to senders: nobody can choose texts that collide. */
const SEED = randomInt(0x7fffffff) | 1;

/** Distinct texts, numbered from 0 in the order of their first appearance. */
export class Dictionary {
  /** The texts with their lengths in front, as the Native format has them. */
  readonly keys = new Region(1);
  count = 0;
  /** Where each text starts in `keys`, and its length. */
  #starts = new Int32Array(FIRST_SLOTS);
  #lengths = new Int32Array(FIRST_SLOTS);
  /** Open addressing: number + 1, or 0 where free. Never more than half full. */
  #slots = new Int32Array(FIRST_SLOTS * 2);

  /** Whether text `index` is this piece of the source. */
  is(index: number, source: Source, at: number, length: number): boolean {
    return (
      index < this.count &&
      this.#lengths[index] === length &&
      sameBytes(this.keys.view, this.#starts[index] ?? 0, source.view, at, length)
    );
  }

  /** The number of a text, which is added where it is new. Throws a `RecordError` where it is not UTF-8. */
  find(source: Source, at: number, length: number): number {
    const mask = this.#slots.length - 1;
    let slot = hash(source.view, at, length) & mask;
    for (let found = this.#slots[slot] ?? 0; found !== 0; found = this.#slots[slot] ?? 0) {
      if (this.is(found - 1, source, at, length)) return found - 1;
      slot = (slot + 1) & mask;
    }
    const bytes = source.bytes.subarray(at, at + length);
    if (!isUtf8(bytes)) throw notUtf8(bytes);
    this.#slots[slot] = this.count + 1;
    return this.#add(bytes);
  }

  clear(): void {
    this.count = 0;
    this.keys.clear();
    if (this.#slots.length > 1024) this.#resize(FIRST_SLOTS);
    else this.#slots.fill(0);
  }

  #add(bytes: Uint8Array): number {
    const { keys } = this;
    keys.reserve(bytes.length + 5);
    appendLength(keys, bytes.length);
    this.#starts[this.count] = keys.at;
    this.#lengths[this.count] = bytes.length;
    keys.bytes.set(bytes, keys.at);
    keys.at += bytes.length;
    this.count++;
    if (this.count === this.#starts.length) this.#resize(this.count * 2);
    return this.count - 1;
  }

  #resize(texts: number): void {
    const starts = this.#starts;
    const lengths = this.#lengths;
    this.#starts = new Int32Array(texts);
    this.#lengths = new Int32Array(texts);
    this.#slots = new Int32Array(texts * 2);
    const mask = this.#slots.length - 1;
    for (let index = 0; index < this.count; index++) {
      const start = starts[index] ?? 0;
      const length = lengths[index] ?? 0;
      this.#starts[index] = start;
      this.#lengths[index] = length;
      let slot = hash(this.keys.view, start, length) & mask;
      while (this.#slots[slot] !== 0) slot = (slot + 1) & mask;
      this.#slots[slot] = index + 1;
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
