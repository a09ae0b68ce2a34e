/** Copies and compares pieces of a request body: the innermost loops of ingest. */
import { isUtf8 } from 'node:buffer';
import { quote, RecordError } from '../otlp/fault.ts';
import { type Region, viewOf } from './region.ts';

/** The body of a request. Texts are named by where they start and how many bytes they have. */
export class Source {
  bytes: Buffer;
  view: DataView;
  /** Whether trace and span IDs are hex digits (JSON) or the bytes themselves (protobuf). */
  readonly idsAreHex: boolean;

  constructor(bytes: Uint8Array, idsAreHex: boolean) {
    this.bytes = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.view = viewOf(this.bytes);
    this.idsAreHex = idsAreHex;
  }

  /** Goes on with other bytes. */
  adopt(bytes: Buffer): void {
    this.bytes = bytes;
    this.view = viewOf(bytes);
  }

  text(at: number, length: number): string {
    return this.bytes.toString('utf8', at, at + length);
  }
}

/** From here on, one call into native code is faster than a loop. */
const LONG_TEXT = 128;

/**
 * Appends a text with its length in front, as the Native format has it.
 * Throws a `RecordError` where it is not UTF-8. Four bytes are moved at a time, and tested for ASCII on the way.
 */
export function appendText(target: Region, source: Source, at: number, length: number): void {
  target.reserve(length + 5);
  appendLength(target, length);
  if (length >= LONG_TEXT) {
    const bytes = source.bytes.subarray(at, at + length);
    if (!isUtf8(bytes)) throw notUtf8(bytes);
    target.bytes.set(bytes, target.at);
  } else if (copyShort(target.view, target.at, source.view, at, length)) {
    const bytes = source.bytes.subarray(at, at + length);
    if (!isUtf8(bytes)) throw notUtf8(bytes);
  }
  target.at += length;
}

/** Copies fewer bytes than {@link LONG_TEXT}; returns whether any of them is not ASCII. */
function copyShort(
  target: DataView,
  targetAt: number,
  source: DataView,
  sourceAt: number,
  length: number,
): boolean {
  let seen = 0;
  if (length >= 4) {
    const last = length - 4;
    for (let index = 0; index < last; index += 4) {
      const word = source.getInt32(sourceAt + index, true);
      target.setInt32(targetAt + index, word, true);
      seen |= word;
    }
    // The last word overlaps the one before it, so that no bytes are left over.
    const word = source.getInt32(sourceAt + last, true);
    target.setInt32(targetAt + last, word, true);
    return ((seen | word) & 0x80808080) !== 0;
  }
  for (let index = 0; index < length; index++) {
    const byte = source.getUint8(sourceAt + index);
    target.setUint8(targetAt + index, byte);
    seen |= byte;
  }
  return (seen & 0x80) !== 0;
}

/** Whether two pieces of the same length hold the same bytes. */
export function sameBytes(a: DataView, aAt: number, b: DataView, bAt: number, length: number): boolean {
  if (length < 4) {
    for (let index = 0; index < length; index++) {
      if (a.getUint8(aAt + index) !== b.getUint8(bAt + index)) return false;
    }
    return true;
  }
  const last = length - 4;
  for (let index = 0; index < last; index += 4) {
    if (a.getInt32(aAt + index, true) !== b.getInt32(bAt + index, true)) return false;
  }
  return a.getInt32(aAt + last, true) === b.getInt32(bAt + last, true);
}

/** Appends a length as LEB128; room was reserved. */
export function appendLength(target: Region, length: number): void {
  const { bytes } = target;
  let rest = length;
  while (rest > 0x7f) {
    bytes[target.at++] = (rest & 0x7f) | 0x80;
    rest >>>= 7;
  }
  bytes[target.at++] = rest;
}

/** Appends a text of ours; half surrogate pairs become replacement characters. */
export function appendString(target: Region, text: string): void {
  const length = Buffer.byteLength(text);
  target.reserve(length + 5);
  appendLength(target, length);
  target.at += target.bytes.write(text, target.at, length, 'utf8');
}

export function notUtf8(bytes: Uint8Array): RecordError {
  const hex = Buffer.from(bytes.subarray(0, 16)).toString('hex');
  return new RecordError(
    'invalid_utf8',
    `A text is not UTF-8 (bytes ${hex}…); encode it as UTF-8, or send it as bytesValue.`,
  );
}

/** A piece of the body for a message. */
export function quoteSlice(source: Source, at: number, length: number): string {
  return quote(source.text(at, Math.min(length, 256)));
}
