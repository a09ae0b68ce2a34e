/**
 * Puts columns together into one block of ClickHouse's Native format, with a checksum inside.
 *
 * The first column of each block is one that no table has: its name says how long the rest of the block is and what
 * its checksum is, and which requests the rows came with. ClickHouse skips columns that it does not know (`input_format_skip_unknown_fields`, on by default), so
 * a file of such blocks can be inserted as it is, and can be checked and cut at a block's boundary without an index
 * beside it, which would need an fsync of its own. A block without rows would do as well, but ends an insert silently.
 */
import { crc32 } from 'node:zlib';
import { checksum } from './checksum.ts';
import type { Column } from './columns.ts';

export interface NamedColumn {
  readonly name: string;
  readonly column: Column;
}

export const SEAL = 'rollcall.seal.';
const SEAL_TYPE = 'UInt8';
/** The prefix, then hex digits of the length and the checksum; what follows are the names of the requests. */
const LENGTH_DIGITS = 8;
const CHECKSUM_DIGITS = 16;
const SEAL_NAME_BYTES = SEAL.length + LENGTH_DIGITS + CHECKSUM_DIGITS;

/**
 * The bytes of a block. `reuse` is written into where it is large enough: fresh memory costs more than the copy.
 * `requests` are names without blanks.
 */
export function writeBlock(
  columns: readonly NamedColumn[],
  rows: number,
  reuse?: Buffer,
  requests: readonly string[] = [],
): Buffer {
  const names = requests.map((name) => ` ${name}`).join('');
  const headBytes = headSize(columns.length + 1, rows, names);
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
  writeHead(block, columns.length + 1, rows, { headBytes, names });
  return block;
}

/**
 * The whole blocks at the start of `file`, and the requests named in them: what follows was torn when it was being
 * written, or is damaged.
 */
export function readWholeBlocks(file: Buffer): { sizeBytes: number; rows: number; requests: string[] } {
  let sizeBytes = 0;
  let rows = 0;
  const requests: string[] = [];
  for (;;) {
    const head = readHead(file, sizeBytes);
    if (head === null || head.end > file.length) break;
    if (sealOf(file.subarray(head.start, head.end), head.names, head.checksum.length) !== head.checksum)
      break;
    sizeBytes = head.end;
    rows += head.rows;
    if (head.names !== '') requests.push(...head.names.slice(1).split(' '));
  }
  return { sizeBytes, rows, requests };
}

function headSize(columns: number, rows: number, names: string): number {
  const nameBytes = SEAL_NAME_BYTES + names.length;
  return varintSize(columns) + varintSize(rows) + varintSize(nameBytes) + nameBytes + textSize(SEAL_TYPE);
}

/** Of everything behind the head, then the names. Earlier versions wrote eight digits of CRC-32. */
function sealOf(rest: Buffer, names: string, digits: number = CHECKSUM_DIGITS): string {
  const sum =
    digits === CHECKSUM_DIGITS
      ? checksum(Buffer.from(names, 'latin1'), checksum(rest))
      : crc32(names, crc32(rest));
  return sum.toString(16).padStart(digits, '0');
}

function writeHead(
  block: Buffer,
  columns: number,
  rows: number,
  { headBytes, names }: { headBytes: number; names: string },
): void {
  const rest = block.subarray(headBytes);
  let at = writeVarint(block, writeVarint(block, 0, columns), rows);
  at = writeText(
    block,
    at,
    `${SEAL}${rest.length.toString(16).padStart(LENGTH_DIGITS, '0')}${sealOf(rest, names)}${names}`,
  );
  writeText(block, at, SEAL_TYPE);
}

function readHead(
  file: Buffer,
  from: number,
): { start: number; end: number; rows: number; checksum: string; names: string } | null {
  const columns = readVarint(file, from);
  const rows = columns && readVarint(file, columns.end);
  const nameBytes = rows && readVarint(file, rows.end);
  if (!nameBytes || nameBytes.end + nameBytes.value > file.length) return null;
  const name = file.toString('latin1', nameBytes.end, nameBytes.end + nameBytes.value);
  const found = /^rollcall\.seal\.([\da-f]{8})([\da-f]{16}|[\da-f]{8})((?: [\w-]+)*)$/.exec(name);
  if (!found) return null;
  const start = nameBytes.end + nameBytes.value + textSize(SEAL_TYPE);
  return {
    start,
    end: start + Number.parseInt(found[1] ?? '', 16),
    rows: rows.value,
    checksum: found[2] ?? '',
    names: found[3] ?? '',
  };
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
