/** Writes protobuf messages in one pass. Specification: https://protobuf.dev/programming-guides/encoding/ */

import type { HrTime } from '@opentelemetry/api';
import { NOWHERE, type EncodedAt } from '../../otel/stamp.ts';

/** Room for the stamps of two thousand client runs. */
const KEPT_BYTES = 524_288;
const LONGEST_KEPT = 16_384;
const FIRST_SIZE_BYTES = 1_048_576;
const TWO_TO_32 = 4_294_967_296;
const NANOSECONDS = 1_000_000_000;
const LONGEST_VARINT = 10;
/** Above it the engine's own encoder is faster than a loop. */
const LONGEST_LOOP = 64;

/** A growing buffer. Messages within messages are opened and closed; their length is filled in at the end. */
export class ProtobufWriter {
  /** What is kept, then the request. */
  #bytes = Buffer.allocUnsafeSlow(FIRST_SIZE_BYTES);
  #view = new DataView(this.#bytes.buffer);
  #at = KEPT_BYTES;
  #kept = 0;
  #keeping = 0;
  /** The second of the latest time, and its nanoseconds as two words. */
  #second = 0;
  #secondLow = 0;
  #secondHigh = 0;
  #traceId = '';
  #traceIdBytes: Uint8Array = Uint8Array.of(0);

  get position(): number {
    return this.#at;
  }

  /** Begins a request, and forgets what is left of one that was broken off. */
  begin(): void {
    this.#at = KEPT_BYTES;
  }

  /** A copy of what was written since the request began. */
  finish(): Uint8Array {
    return Uint8Array.prototype.slice.call(this.#bytes, KEPT_BYTES, this.#at);
  }

  /** Keeps what was written since a position, to be written again. Once there is no more room, it begins anew. */
  keep(start: number): EncodedAt {
    const sizeBytes = this.#at - start;
    if (sizeBytes > LONGEST_KEPT) return NOWHERE;
    if (this.#kept + sizeBytes > KEPT_BYTES) {
      this.#keeping++;
      this.#kept = 0;
    }
    const kept = { keeping: this.#keeping, start: this.#kept, end: this.#kept + sizeBytes };
    this.#bytes.copyWithin(kept.start, start, this.#at);
    this.#kept = kept.end;
    return kept;
  }

  /** Writes what was kept, if it still is. Returns whether it was. */
  again({ keeping, start, end }: EncodedAt): boolean {
    if (keeping !== this.#keeping) return false;
    this.#reserve(end - start);
    this.#bytes.copyWithin(this.#at, start, end);
    this.#at += end - start;
    return true;
  }

  /** Gives all fields since a position, each with a tag of one byte and a length, another tag. */
  retag(start: number, tag: number): void {
    const bytes = this.#bytes;
    for (let at = start; at < this.#at;) {
      bytes[at++] = tag;
      let sizeBytes = 0;
      let byte = 128;
      for (let shift = 0; byte > 127; shift += 7) {
        byte = bytes[at++]!;
        sizeBytes |= (byte & 127) << shift;
      }
      at += sizeBytes;
    }
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
    this.#view.setFloat64(this.#at, value, true);
    this.#at += 8;
  }

  /** Nanoseconds since 1970. Mostly of the second of the time before, whose product is still known. */
  time(time: HrTime): void {
    this.#reserve(8);
    // By index: taking an array apart goes through its iterator.
    const seconds = time[0];
    if (seconds !== this.#second) this.#keepSecond(seconds);
    const sum = this.#secondLow + time[1];
    this.#word(sum);
    this.#word(sum >= TWO_TO_32 ? this.#secondHigh + 1 : this.#secondHigh);
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
    const bytes = this.#bytes;
    let at = this.#at;
    bytes[at++] = text.length / 2;
    for (let index = 0; index < text.length; index += 2) {
      bytes[at++] = (DIGITS[text.charCodeAt(index)]! << 4) | DIGITS[text.charCodeAt(index + 1)]!;
    }
    this.#at = at;
  }

  /** In hexadecimal as well; mostly that of the record before. */
  traceId(text: string): void {
    if (text === this.#traceId) {
      this.raw(this.#traceIdBytes);
      return;
    }
    const start = this.#at;
    this.hex(text);
    this.#traceId = text;
    this.#traceIdBytes = this.since(start);
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

  /** Of what is larger the lower 32 bits. */
  #word(value: number): void {
    this.#view.setUint32(this.#at, value, true);
    this.#at += 4;
  }

  #reserve(sizeBytes: number): void {
    const needed = this.#at + sizeBytes;
    if (needed <= this.#bytes.length) return;
    const larger = Buffer.allocUnsafeSlow(Math.max(needed, this.#bytes.length * 2));
    this.#bytes.copy(larger, 0, 0, this.#at);
    this.#bytes = larger;
    this.#view = new DataView(larger.buffer);
  }
}

/** How many bytes a length takes beyond the first. */
function extraBytes(sizeBytes: number): number {
  if (sizeBytes < 128) return 0;
  if (sizeBytes < 16_384) return 1;
  if (sizeBytes < 2_097_152) return 2;
  return sizeBytes < 268_435_456 ? 3 : 4;
}

/** Values of hexadecimal digits, by character code. */
const DIGITS = Uint8Array.from({ length: 103 }, (_, code) => (code <= 57 ? code - 48 : (code | 32) - 87));
