/** Reads blocks of the Native format back into rows, for tests: a second description of the format, apart from the writer's. */
import type { Block } from '../rows/table-writer.ts';

export type TestRow = Record<string, unknown>;

/** The rows of blocks that stand one behind the other; 64-bit integers beyond a double come as their digits. */
export function readBlocks(bytes: Buffer): TestRow[] {
  const reader = new Reader(bytes);
  const rows: TestRow[] = [];
  while (!reader.isAtEnd) rows.push(...readBlock(reader));
  return rows;
}

/** Whether each block can be read to its end, and holds as many rows as it says. */
export function areWhole(blocks: readonly Block[]): boolean {
  return blocks.every(({ bytes, rows }) => readBlocks(bytes).length === rows);
}

function readBlock(reader: Reader): TestRow[] {
  const columns = reader.varint();
  const count = reader.varint();
  const rows: TestRow[] = Array.from({ length: count }, () => ({}));
  for (let column = 0; column < columns; column++) {
    const name = reader.text();
    const values = readColumn(reader, reader.text(), count);
    if (name.startsWith('rollcall.seal.')) continue;
    rows.forEach((row, index) => {
      row[name] = values[index];
    });
  }
  return rows;
}

function readColumn(reader: Reader, type: string, rows: number): unknown[] {
  if (hasDictionary(type) && reader.uint64() !== 1n)
    throw new Error(`Unknown dictionary version of ${type}.`);
  return readData(reader, type, rows);
}

function hasDictionary(type: string): boolean {
  return type.includes('LowCardinality');
}

function readData(reader: Reader, type: string, rows: number): unknown[] {
  const array = /^Array\((.*)\)$/.exec(type);
  if (array) return sliced(reader, rows, (count) => readData(reader, array[1] ?? '', count));
  if (type.startsWith('Map(')) {
    return sliced(reader, rows, (count) => {
      const keys = readData(reader, 'LowCardinality(String)', count);
      return readData(reader, 'String', count).map((value, index) => [keys[index], value]);
    }).map((entries) => toObject(entries as [string, string][]));
  }
  if (type === 'LowCardinality(String)') return readDictionary(reader, rows);
  if (type === 'Nullable(Float64)') {
    const nulls = repeat(rows, () => reader.uint8());
    return repeat(rows, () => reader.double()).map((value, index) => (nulls[index] === 0 ? value : null));
  }
  const read = SCALARS[type];
  if (read === undefined) throw new Error(`Unknown type ${type}; add it to the fixture.`);
  return repeat(rows, () => read(reader));
}

const SCALARS: Record<string, (reader: Reader) => unknown> = {
  String: (reader) => reader.text(),
  UInt8: (reader) => reader.uint8(),
  Bool: (reader) => reader.uint8() === 1,
  UInt32: (reader) => reader.uint32(),
  "DateTime('UTC')": (reader) => reader.uint32(),
  Int32: (reader) => reader.uint32() | 0,
  UInt64: (reader) => String(reader.uint64()),
  "DateTime64(9, 'UTC')": (reader) => {
    const time = BigInt.asIntN(64, reader.uint64());
    return time <= BigInt(Number.MAX_SAFE_INTEGER) ? Number(time) : String(time);
  },
  Float64: (reader) => reader.double(),
};

function sliced(reader: Reader, rows: number, read: (count: number) => unknown[]): unknown[][] {
  const ends = repeat(rows, () => Number(reader.uint64()));
  const items = read(ends.at(-1) ?? 0);
  return ends.map((end, index) => {
    const start = index === 0 ? 0 : (ends[index - 1] ?? 0);
    if (end < start) throw new Error(`A list ends at ${end}, before it starts at ${start}.`);
    return items.slice(start, end);
  });
}

function readDictionary(reader: Reader, rows: number): string[] {
  if (rows === 0) return [];
  const flags = reader.uint64();
  if ((flags & ~0xffn) !== 0x600n) throw new Error(`Unknown dictionary flags ${flags}.`);
  const keys = repeat(Number(reader.uint64()), () => reader.text());
  if (Number(reader.uint64()) !== rows) throw new Error('A dictionary column has another number of rows.');
  const width = [1, 2, 4][Number(flags & 0xffn)] ?? 0;
  return repeat(rows, () => {
    const key = keys[reader.uint(width)];
    if (key === undefined) throw new Error('A row names a text that is not in the dictionary.');
    return key;
  });
}

function toObject(entries: [string, string][]): Record<string, string> {
  const object: Record<string, string> = {};
  for (const [key, value] of entries) {
    if (Object.hasOwn(object, key)) throw new Error(`The key ${JSON.stringify(key)} comes twice in one map.`);
    Object.defineProperty(object, key, { value, enumerable: true, configurable: true, writable: true });
  }
  return object;
}

function repeat<Value>(count: number, read: () => Value): Value[] {
  return Array.from({ length: count }, read);
}

class Reader {
  readonly #bytes: Buffer;
  #at = 0;

  constructor(bytes: Buffer) {
    this.#bytes = bytes;
  }

  get isAtEnd(): boolean {
    return this.#at === this.#bytes.length;
  }

  uint8(): number {
    return this.uint(1);
  }

  uint32(): number {
    return this.uint(4);
  }

  uint(width: number): number {
    this.#at += width;
    return this.#bytes.readUIntLE(this.#at - width, width);
  }

  uint64(): bigint {
    this.#at += 8;
    return this.#bytes.readBigUInt64LE(this.#at - 8);
  }

  double(): number | string {
    this.#at += 8;
    const value = this.#bytes.readDoubleLE(this.#at - 8);
    if (Number.isFinite(value)) return value;
    return Number.isNaN(value) ? 'nan' : value > 0 ? 'inf' : '-inf';
  }

  varint(): number {
    let value = 0;
    for (let shift = 0; ; shift += 7) {
      const byte = this.uint8();
      value += (byte & 0x7f) * 2 ** shift;
      if (byte < 0x80) return value;
    }
  }

  text(): string {
    const length = this.varint();
    this.#at += length;
    if (this.#at > this.#bytes.length) throw new Error('A text ends behind its block.');
    return utf8.decode(this.#bytes.subarray(this.#at - length, this.#at));
  }
}

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
