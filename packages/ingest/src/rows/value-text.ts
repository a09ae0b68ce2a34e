/** Writes the values of attributes and bodies as the text that their columns hold. */
import type { AnyValue } from '../otlp/records.ts';
import type { Region } from '../native/region.ts';
import { appendString, type Source } from '../native/source.ts';

/** Longer texts of numbers do not exist. */
const NUMBER_ROOM = 32;
const TWO_TO_32 = 4_294_967_296;

/** A value as the text of a column: scalars plain, arrays and maps as JSON, bytes as base64. */
export function valueText(value: AnyValue): string {
  if (typeof value === 'string') return value;
  if (value === null) return '';
  if (value instanceof Uint8Array) return base64(value);
  if (typeof value === 'object') return nestedJson(value);
  return String(value);
}

/** Appends a signed 64-bit integer, given as its two halves, in decimal digits. */
export function appendInt64(target: Region, low: number, high: number): void {
  // The high half repeats the sign: 32 bits are enough.
  if (high === low >> 31) return appendSmallInt(target, low);
  appendString(target, String((BigInt(high) << 32n) | BigInt(low >>> 0)));
}

export function appendDouble(target: Region, value: number): void {
  if (Number.isInteger(value) && Math.abs(value) < 1e9) appendSmallInt(target, value);
  else appendString(target, String(value));
}

export function appendBool(target: Region, value: boolean): void {
  target.reserve(6);
  const { bytes } = target;
  bytes[target.at++] = value ? 4 : 5;
  target.at += bytes.write(value ? 'true' : 'false', target.at, 'latin1');
}

export function appendBase64(target: Region, source: Source, at: number, length: number): void {
  appendString(target, base64(source.bytes.subarray(at, at + length)));
}

/** The nearest double to a 64-bit integer; one rounding, like `Number(BigInt)`. */
export function toDouble(low: number, high: number): number {
  return high * TWO_TO_32 + (low >>> 0);
}

/** Digits are written backwards, in front of a place that surely is far enough behind. */
function appendSmallInt(target: Region, value: number): void {
  target.reserve(NUMBER_ROOM);
  const { bytes } = target;
  let rest = value < 0 ? -value : value;
  let digits = 1;
  for (let bound = 10; rest >= bound; bound *= 10) digits++;
  const length = value < 0 ? digits + 1 : digits;
  bytes[target.at++] = length;
  let at = target.at + length;
  target.at = at;
  do {
    const tenth = Math.floor(rest / 10);
    bytes[--at] = 0x30 + rest - tenth * 10;
    rest = tenth;
  } while (rest > 0);
  if (value < 0) bytes[--at] = 0x2d;
}

function nestedJson(value: AnyValue): string {
  if (value === null) return 'null';
  if (typeof value === 'string') return JSON.stringify(value);
  if (typeof value === 'number' && !Number.isFinite(value)) return `"${value}"`;
  if (Array.isArray(value)) return `[${value.map(nestedJson).join(',')}]`;
  if (value instanceof Uint8Array) return `"${base64(value)}"`;
  if (value instanceof Map) {
    return `{${Array.from(value, ([key, item]) => `${JSON.stringify(key)}:${nestedJson(item)}`).join(',')}}`;
  }
  return String(value);
}

function base64(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('base64');
}
