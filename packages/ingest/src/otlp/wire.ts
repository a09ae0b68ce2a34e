/** A cursor over the bytes of protobuf records, without an object per message. */
import { Source } from '../native/source.ts';
import { RecordError } from './fault.ts';
import { MAX_RECORD_PARTS } from './limits.ts';

/** Source: https://protobuf.dev/programming-guides/encoding/#structure. Groups (3, 4) do not occur in OTLP. */
const WIRE = { VARINT: 0, FIXED64: 1, LENGTH_DELIMITED: 2, FIXED32: 5 } as const;
const MAX_VARINT_BYTES = 10;

/**
 * The walkers of the records share one of these. `at` moves forward; each method is told where the message ends that
 * it reads in, and throws a {@link RecordError} rather than pass beyond it.
 */
export class Wire extends Source {
  at = 0;
  /** The two halves of the last varint or fixed64. */
  low = 0;
  high = 0;
  /** Where the last text value is. */
  textAt = 0;
  textLength = 0;
  /** Parts of the record that have been read. */
  parts = 0;

  constructor(bytes: Uint8Array) {
    super(bytes, false);
  }

  /** A field's number and wire type, as one number. */
  tag(): number {
    const byte = this.bytes[this.at] as number;
    if (byte < 0x80) {
      this.at++;
      return byte;
    }
    return this.#longTag();
  }

  /** The length of what follows; it lies within the message. */
  length(end: number): number {
    const byte = this.bytes[this.at] as number;
    if (byte < 0x80 && this.at + byte < end) {
      this.at++;
      return byte;
    }
    return this.#longLength(end);
  }

  /** Passes over a text or bytes; returns the length, and they start at `at - length`. */
  slice(end: number): number {
    const length = this.length(end);
    this.at += length;
    return length;
  }

  /** The end of the message in the current field; it counts as one part of the record. */
  message(end: number): number {
    const length = this.length(end);
    this.part();
    return this.at + length;
  }

  /** Counts parts: an empty event takes 2 bytes on the wire and 30 in its columns. */
  part(count = 1): void {
    this.parts += count;
    if (this.parts > MAX_RECORD_PARTS) throw tooManyParts();
  }

  /** The low 32 bits of a varint, as protobuf says of a longer one; `high` has the others. */
  varint(end: number): number {
    const byte = this.bytes[this.at] as number;
    if (byte < 0x80 && this.at < end) {
      this.at++;
      this.high = 0;
      return (this.low = byte);
    }
    return this.#longVarint(end);
  }

  /** A zigzag-encoded int32. */
  sint32(end: number): number {
    const zigzag = this.varint(end);
    return (zigzag >>> 1) ^ -(zigzag & 1);
  }

  fixed32(end: number): number {
    this.#need(4, end);
    const value = this.view.getInt32(this.at, true);
    this.at += 4;
    return value;
  }

  /** Reads into `low` and `high`. */
  fixed64(end: number): void {
    this.#need(8, end);
    this.low = this.view.getInt32(this.at, true);
    this.high = this.view.getInt32(this.at + 4, true);
    this.at += 8;
  }

  double(end: number): number {
    this.#need(8, end);
    const value = this.view.getFloat64(this.at, true);
    this.at += 8;
    return value;
  }

  /**
   * Passes over a field that is not read. `known` are the fields of the message, a bit each: one of these comes here
   * only in another wire type than the schema says.
   */
  skip(tag: number, end: number, known: number): void {
    const field = tag >>> 3;
    const wireType = tag & 7;
    if (field === 0) throw this.malformed('a field number out of range');
    if (field < 32 && ((known >>> field) & 1) === 1) {
      throw this.malformed(`wire type ${wireType} of field ${field}, where another belongs`);
    }
    if (wireType === WIRE.VARINT) this.varint(end);
    else if (wireType === WIRE.FIXED64) this.#pass(8, end);
    else if (wireType === WIRE.LENGTH_DELIMITED) this.slice(end);
    else if (wireType === WIRE.FIXED32) this.#pass(4, end);
    else throw this.malformed(`wire type ${wireType}`);
  }

  malformed(what: string): RecordError {
    return new RecordError(
      'malformed_record',
      `Not OTLP protobuf: ${what} (byte ${this.at}); check the content type.`,
    );
  }

  #longTag(): number {
    // A tag that runs beyond its message is found out by the read that follows it.
    const tag = this.#longVarint(this.bytes.length);
    if (this.high !== 0) throw this.malformed('a field number out of range');
    return tag >>> 0;
  }

  #longLength(end: number): number {
    const length = this.varint(end) >>> 0;
    if (this.high !== 0) throw this.malformed('a length beyond 4 GiB');
    if (length > end - this.at) {
      throw this.malformed(`${length} bytes announced where ${end - this.at} are left`);
    }
    return length;
  }

  #longVarint(end: number): number {
    let low = 0;
    let high = 0;
    for (let index = 0; index < MAX_VARINT_BYTES; index++) {
      this.#need(1, end);
      const byte = this.bytes[this.at++] as number;
      const bits = byte & 0x7f;
      if (index < 4) low |= bits << (7 * index);
      else if (index > 4) high |= bits << (7 * index - 32);
      else {
        low |= bits << 28;
        high |= bits >>> 4;
      }
      if (byte > 1 && index === MAX_VARINT_BYTES - 1) break;
      if (byte < 0x80) {
        this.low = low;
        this.high = high;
        return low;
      }
    }
    throw this.malformed('a varint longer than 64 bits');
  }

  #need(size: number, end: number): void {
    if (size > end - this.at) {
      throw this.malformed(`${size} bytes announced where ${end - this.at} are left`);
    }
  }

  #pass(size: number, end: number): void {
    this.#need(size, end);
    this.at += size;
  }
}

/** The fields of a message as bits, for {@link Wire.skip}. */
export function fieldBits(...fields: number[]): number {
  return fields.reduce((bits, field) => bits | (1 << field), 0);
}

function tooManyParts(): RecordError {
  return new RecordError(
    'record_too_large',
    `A record has more than ${MAX_RECORD_PARTS} attributes, events, links, array items or buckets; send fewer.`,
  );
}
