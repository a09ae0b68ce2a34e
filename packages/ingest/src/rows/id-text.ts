/** Writes trace and span IDs as lower-case hex, and says which are none. */
import type { Region } from '../native/region.ts';
import { appendLength, type Source } from '../native/source.ts';
import { quote, RecordError, type RefusalReason } from '../otlp/fault.ts';

export const TRACE_ID_BYTES = 16;
export const SPAN_ID_BYTES = 8;

/** The two hex digits of each byte, as a little-endian 16-bit number. */
const HEX_PAIRS = Uint16Array.from({ length: 256 }, (_, byte) => {
  const digits = byte.toString(16).padStart(2, '0');
  return digits.charCodeAt(0) | (digits.charCodeAt(1) << 8);
});
/** The value of each hex digit, -1 for what is none. */
const HEX_VALUES = Int8Array.from({ length: 256 }, (_, code) => {
  const value = Number.parseInt(String.fromCharCode(code), 16);
  return Number.isNaN(value) ? -1 : value;
});

/** Appends an ID that must be there. Throws a `RecordError` where it is absent, of another length, or all zero. */
export function appendId(
  target: Region,
  source: Source,
  at: number,
  length: number,
  sizeBytes: number,
): void {
  if (writeId(target, source, at, length, sizeBytes)) return;
  const [what, reason] =
    sizeBytes === TRACE_ID_BYTES
      ? ['trace', 'invalid_trace_id' as const]
      : ['span', 'invalid_span_id' as const];
  throw new RecordError(
    reason,
    `The ${what} ID ${quoteId(source, at, length)} is not valid; send ${sizeBytes} bytes (${sizeBytes * 2} hex digits) that are not all zero.`,
  );
}

/** Appends an ID that may be absent; all zero means the same (W3C trace context). */
export function appendOptionalId(
  target: Region,
  source: Source,
  at: number,
  length: number,
  sizeBytes: number,
  reason: RefusalReason,
): void {
  if (length === 0 || !writeId(target, source, at, length, sizeBytes)) {
    if (length > 0 && !isZero(source, at, length, sizeBytes)) {
      const what = sizeBytes === TRACE_ID_BYTES ? 'trace' : 'span';
      throw new RecordError(
        reason,
        `The ${what} ID ${quoteId(source, at, length)} is not valid; send ${sizeBytes} bytes (${sizeBytes * 2} hex digits) or none.`,
      );
    }
    target.reserve(1);
    target.bytes[target.at++] = 0;
  }
}

/** False, with nothing written, where it is no ID or all zero. */
function writeId(target: Region, source: Source, at: number, length: number, sizeBytes: number): boolean {
  target.reserve(sizeBytes * 2 + 1);
  return source.idsAreHex
    ? writeHexId(target, source, at, length, sizeBytes)
    : writeBinaryId(target, source, at, length, sizeBytes);
}

function writeBinaryId(
  target: Region,
  { bytes }: Source,
  at: number,
  length: number,
  sizeBytes: number,
): boolean {
  if (length !== sizeBytes) return false;
  const { view } = target;
  let seen = 0;
  let to = target.at + 1;
  for (let index = at; index < at + sizeBytes; index++) {
    const byte = bytes[index] as number;
    seen |= byte;
    view.setUint16(to, HEX_PAIRS[byte] as number, true);
    to += 2;
  }
  if (seen === 0) return false;
  target.bytes[target.at] = sizeBytes * 2;
  target.at = to;
  return true;
}

function writeHexId(
  target: Region,
  { bytes }: Source,
  at: number,
  length: number,
  sizeBytes: number,
): boolean {
  if (length !== sizeBytes * 2) return false;
  let seen = 0;
  let to = target.at + 1;
  for (let index = at; index < at + length; index++) {
    const code = bytes[index] as number;
    const value = HEX_VALUES[code] as number;
    if (value < 0) return false;
    seen |= value;
    // Upper case to lower case; digits have this bit already.
    target.bytes[to++] = code | 0x20;
  }
  if (seen === 0) return false;
  appendLength(target, length);
  target.at = to;
  return true;
}

function isZero({ bytes, idsAreHex }: Source, at: number, length: number, sizeBytes: number): boolean {
  if (length !== (idsAreHex ? sizeBytes * 2 : sizeBytes)) return false;
  return bytes.subarray(at, at + length).every((byte) => byte === (idsAreHex ? 0x30 : 0));
}

function quoteId(source: Source, at: number, length: number): string {
  if (source.idsAreHex) return quote(source.text(at, length).toLowerCase());
  return quote(source.bytes.toString('hex', at, at + Math.min(length, 2 * TRACE_ID_BYTES)));
}
