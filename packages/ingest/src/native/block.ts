/**
 * Puts columns together into one block of ClickHouse's Native format, with a checksum inside.
 *
 * The first column of each block is one that no table has: its name says how long the rest of the block is and what
 * its CRC-32 is. ClickHouse skips columns that it does not know (`input_format_skip_unknown_fields`, on by default), so
 * a file of such blocks can be inserted as it is, and can be checked and cut at a block's boundary without an index
 * beside it, which would need an fsync of its own. A block without rows would do as well, but ends an insert silently.
 */
import { crc32 } from 'node:zlib';
import type { Column } from './columns.ts';

export interface NamedColumn {
  readonly name: string;
  readonly column: Column;
}

export const SEAL = 'rollcall.seal.';
const SEAL_TYPE = 'UInt8';
/** Name of the first column: the prefix, then length and checksum as eight hex digits each. */
const SEAL_NAME_BYTES = SEAL.length + 16;

/** The bytes of a block. `reuse` is written into where it is large enough: fresh memory costs more than the copy. */
export function writeBlock(columns: readonly NamedColumn[], rows: number, reuse?: Buffer): Buffer {
  const headBytes = headSize(columns.length + 1, rows);
  let sizeBytes = headBytes + rows;
  for (const { name, column } of columns) {
    sizeBytes += textSize(name) + textSize(column.type) + column.sizeBytes();
  }
  const block =
    reuse !== undefined && reuse.length >= sizeBytes
      ? reuse.subarray(0, sizeBytes)
      : Buffer.allocUnsafeSlow(sizeBytes);
  let at = headBytes;
  block.fill(0, at, at + rows);
  at += rows;
  for (const { name, column } of columns) {
    at = writeText(block, writeText(block, at, name), column.type);
    at = column.copyTo(block, at);
  }
  if (at !== sizeBytes) throw new Error(`A block of ${sizeBytes} bytes was written as ${at} bytes.`);
  writeHead(block, columns.length + 1, rows, headBytes);
  return block;
}

/** Bytes of the whole blocks at the start of `file`: what follows was torn when it was being written, or is damaged. */
export function wholeBlocksBytes(file: Buffer): { sizeBytes: number; rows: number } {
  let sizeBytes = 0;
  let rows = 0;
  for (;;) {
    const head = readHead(file, sizeBytes);
    if (head === null || head.end > file.length) break;
    if (crc32(file.subarray(head.start, head.end)) !== head.checksum) break;
    sizeBytes = head.end;
    rows += head.rows;
  }
  return { sizeBytes, rows };
}

function headSize(columns: number, rows: number): number {
  return varintSize(columns) + varintSize(rows) + 1 + SEAL_NAME_BYTES + textSize(SEAL_TYPE);
}

function writeHead(block: Buffer, columns: number, rows: number, headBytes: number): void {
  const rest = block.subarray(headBytes);
  let at = writeVarint(block, writeVarint(block, 0, columns), rows);
  at = writeText(block, at, `${SEAL}${hex(rest.length)}${hex(crc32(rest))}`);
  writeText(block, at, SEAL_TYPE);
}

function readHead(
  file: Buffer,
  from: number,
): { start: number; end: number; rows: number; checksum: number } | null {
  const columns = readVarint(file, from);
  const rows = columns && readVarint(file, columns.end);
  if (!rows || file[rows.end] !== SEAL_NAME_BYTES) return null;
  const name = file.toString('latin1', rows.end + 1, rows.end + 1 + SEAL_NAME_BYTES);
  const found = /^rollcall\.seal\.([\da-f]{8})([\da-f]{8})$/.exec(name);
  if (!found) return null;
  const start = rows.end + 1 + SEAL_NAME_BYTES + textSize(SEAL_TYPE);
  return {
    start,
    end: start + Number.parseInt(found[1] ?? '', 16),
    rows: rows.value,
    checksum: Number.parseInt(found[2] ?? '', 16),
  };
}

function hex(value: number): string {
  return value.toString(16).padStart(8, '0');
}

function textSize(text: string): number {
  return varintSize(text.length) + text.length;
}

/** Names and types are ASCII. */
function writeText(target: Buffer, offset: number, text: string): number {
  const at = writeVarint(target, offset, text.length);
  return at + target.write(text, at, 'latin1');
}

function varintSize(value: number): number {
  let size = 1;
  for (let rest = value; rest > 0x7f; rest >>>= 7) size++;
  return size;
}

function writeVarint(target: Buffer, offset: number, value: number): number {
  let at = offset;
  let rest = value;
  for (; rest > 0x7f; rest >>>= 7) target[at++] = (rest & 0x7f) | 0x80;
  target[at++] = rest;
  return at;
}

function readVarint(source: Buffer, offset: number): { value: number; end: number } | null {
  let value = 0;
  for (let index = 0; index < 5; index++) {
    const byte = source[offset + index];
    if (byte === undefined) return null;
    value += (byte & 0x7f) * 2 ** (7 * index);
    if (byte < 0x80) return { value, end: offset + index + 1 };
  }
  return null;
}
