/** Writes protobuf messages in one pass. Specification: https://protobuf.dev/programming-guides/encoding/ */

import type { HrTime } from '@opentelemetry/api';

const FIRST_SIZE_BYTES = 65_536;
const TWO_TO_32 = 4_294_967_296;
const NANOSECONDS = 1_000_000_000;
const LONGEST_VARINT = 10;
/** Above it the engine's own encoder is faster than a loop. */
const LONGEST_LOOP = 64;

/** A growing buffer. Messages within messages are opened and closed; their length is filled in at the end. */
export class ProtobufWriter {
  #bytes = Buffer.allocUnsafe(FIRST_SIZE_BYTES);
  #at = 0;
  /** The second of the latest time, and its nanoseconds as two words. */
  #second = 0;
  #secondLow = 0;
  #secondHigh = 0;

  get position(): number {
    return this.#at;
  }

  /** A copy of what was written; the writer is empty then. */
  finish(): Uint8Array {
    const bytes = Uint8Array.prototype.slice.call(this.#bytes, 0, this.#at);
    this.#at = 0;
    return bytes;
  }

  /** A copy of what was written since a position. */
  since(start: number): Uint8Array {
    return Uint8Array.prototype.slice.call(this.#bytes, start, this.#at);
  }

  raw(bytes: Uint8Array): void {
    this.#reserve(bytes.length);
    if (bytes.length > LONGEST_LOOP) this.#bytes.set(bytes, this.#at);
    else for (let index = 0; index < bytes.length; index++) this.#bytes[this.#at + index] = bytes[index]!;
    this.#at += bytes.length;
  }

  /** A tag whose field number is below 16, so that it is one byte. */
  tag(tag: number): void {
    this.#reserve(1);
    this.#bytes[this.#at++] = tag;
  }

  /** A whole number; negative ones as 64 bits in two's complement. */
  varint(value: number): void {
    this.#reserve(LONGEST_VARINT);
    if (value >= 0 && value < 128) {
      this.#bytes[this.#at++] = value;
      return;
    }
    let low = value >>> 0;
    let high = Math.floor(value / TWO_TO_32) >>> 0;
    while (high > 0 || low > 127) {
      this.#bytes[this.#at++] = (low & 127) | 128;
      low = ((low >>> 7) | (high << 25)) >>> 0;
      high >>>= 7;
    }
    this.#bytes[this.#at++] = low;
  }

  fixed32(value: number): void {
    this.#reserve(4);
    this.#word(value);
  }

  double(value: number): void {
    this.#reserve(8);
    this.#at = this.#bytes.writeDoubleLE(value, this.#at);
  }

  /** Nanoseconds since 1970. Mostly of the second of the time before, whose product is still known. */
  time([seconds, nanoseconds]: HrTime): void {
    this.#reserve(8);
    if (seconds !== this.#second) this.#keepSecond(seconds);
    const sum = this.#secondLow + nanoseconds;
    const carry = sum >= TWO_TO_32 ? 1 : 0;
    this.#word(sum - carry * TWO_TO_32);
    this.#word(this.#secondHigh + carry);
  }

  text(text: string): void {
    const { length } = text;
    this.#reserve(length * 3 + LONGEST_VARINT);
    if (length <= LONGEST_LOOP && this.#ascii(text)) return;
    const start = this.open();
    this.#at += this.#bytes.write(text, this.#at);
    this.close(start);
  }

  /** Bytes that are given in hexadecimal, such as a trace ID. */
  hex(text: string): void {
    this.#reserve(text.length / 2 + 1);
    this.#bytes[this.#at++] = text.length / 2;
    for (let index = 0; index < text.length; index += 2) {
      this.#bytes[this.#at++] = (digitOf(text, index) << 4) | digitOf(text, index + 1);
    }
  }

  /** Begins something whose length is not known yet. */
  open(): number {
    this.#reserve(1);
    return ++this.#at;
  }

  /** Ends what `open` began, and puts its length before it. */
  close(start: number): void {
    const sizeBytes = this.#at - start;
    const extra = extraBytes(sizeBytes);
    if (extra > 0) {
      this.#reserve(extra);
      this.#bytes.copyWithin(start + extra, start, this.#at);
      this.#at += extra;
    }
    let rest = sizeBytes;
    let at = start - 1;
    for (; rest > 127; rest >>>= 7) this.#bytes[at++] = (rest & 127) | 128;
    this.#bytes[at] = rest;
  }

  /** Whether the text was written: false for one that is not ASCII. */
  #ascii(text: string): boolean {
    const bytes = this.#bytes;
    const { length } = text;
    const start = this.#at + 1;
    for (let index = 0; index < length; index++) {
      const code = text.charCodeAt(index);
      if (code > 127) return false;
      bytes[start + index] = code;
    }
    bytes[this.#at] = length;
    this.#at = start + length;
    return true;
  }

  /** The nanoseconds of a whole second. They do not fit into a number, so the seconds are taken in two halves. */
  #keepSecond(seconds: number): void {
    const fromLower = (seconds % 65_536) * NANOSECONDS;
    const fromUpper = Math.floor(seconds / 65_536) * NANOSECONDS;
    const low = (fromLower % TWO_TO_32) + (fromUpper % 65_536) * 65_536;
    const carry = low >= TWO_TO_32 ? 1 : 0;
    this.#second = seconds;
    this.#secondLow = low - carry * TWO_TO_32;
    this.#secondHigh = Math.floor(fromLower / TWO_TO_32) + Math.floor(fromUpper / 65_536) + carry;
  }

  #word(value: number): void {
    const bytes = this.#bytes;
    bytes[this.#at++] = value;
    bytes[this.#at++] = value >>> 8;
    bytes[this.#at++] = value >>> 16;
    bytes[this.#at++] = value >>> 24;
  }

  #reserve(sizeBytes: number): void {
    const needed = this.#at + sizeBytes;
    if (needed <= this.#bytes.length) return;
    const larger = Buffer.allocUnsafe(Math.max(needed, this.#bytes.length * 2));
    this.#bytes.copy(larger, 0, 0, this.#at);
    this.#bytes = larger;
  }
}

/** How many bytes a length takes beyond the first. */
function extraBytes(sizeBytes: number): number {
  if (sizeBytes < 128) return 0;
  if (sizeBytes < 16_384) return 1;
  if (sizeBytes < 2_097_152) return 2;
  return sizeBytes < 268_435_456 ? 3 : 4;
}

function digitOf(text: string, index: number): number {
  const code = text.charCodeAt(index);
  if (code <= 57) return code - 48;
  return (code | 32) - 87;
}
