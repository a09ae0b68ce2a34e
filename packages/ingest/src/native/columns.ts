/** Columns of ClickHouse's Native format, written value by value while a body is walked. */
import type { Arena } from './arena.ts';
import { Dictionary } from './dictionary.ts';
import { Region } from './region.ts';
import { appendString, appendText, Source } from './source.ts';

/**
 * One column of a block. A column is a few regions; where these are set back together, its last values are forgotten.
 * Source of the layout: https://clickhouse.com/docs/interfaces/formats/Native and ClickHouse's `Serialization*.cpp`.
 */
export interface Column {
  readonly type: string;
  readonly regions: readonly Region[];
  /** Bytes of the column's data in a block. */
  sizeBytes(): number;
  /** Writes the data into `target`, and returns where it ends. */
  copyTo(target: Buffer, offset: number): number;
  /** Appends the `count` values behind `from` (a position of each region) until they are there `times` times. */
  repeat(from: readonly number[], times: number): void;
  clear(): void;
}

/** Numbers and times. Use the region's `view` to write into it. */
export class FixedColumn implements Column {
  readonly type: string;
  readonly values: Region;
  readonly regions: readonly Region[];

  constructor(type: string, width: 1 | 4 | 8, arena?: Arena) {
    this.type = type;
    this.values = new Region(width, arena);
    this.regions = [this.values];
  }

  uint8(value: number): void {
    const { values } = this;
    values.reserve(1);
    values.bytes[values.at++] = value;
  }

  int32(value: number): void {
    const { values } = this;
    values.reserve(1);
    values.view.setInt32(values.at++ * 4, value, true);
  }

  /** A 64-bit value, as its two halves. */
  int64(low: number, high: number): void {
    const { values } = this;
    values.reserve(1);
    values.view.setInt32(values.at * 8, low, true);
    values.view.setInt32(values.at++ * 8 + 4, high, true);
  }

  double(value: number): void {
    const { values } = this;
    values.reserve(1);
    values.view.setFloat64(values.at++ * 8, value, true);
  }

  sizeBytes(): number {
    return this.values.sizeBytes;
  }

  copyTo(target: Buffer, offset: number): number {
    return this.values.copyTo(target, offset);
  }

  repeat([from = 0]: readonly number[], times: number): void {
    this.values.repeat(from, this.values.at - from, times);
  }

  clear(): void {
    this.values.clear();
  }
}

/** `Nullable(Float64)`: a byte per row that says null, then the values. */
export class NullableDoubleColumn implements Column {
  readonly type = 'Nullable(Float64)';
  readonly #nulls = new Region(1);
  readonly #values = new Region(8);
  readonly regions = [this.#nulls, this.#values];

  push(value: number, isNull: boolean): void {
    this.#nulls.reserve(1);
    this.#nulls.bytes[this.#nulls.at++] = isNull ? 1 : 0;
    this.#values.reserve(1);
    this.#values.view.setFloat64(this.#values.at++ * 8, value, true);
  }

  sizeBytes(): number {
    return this.#nulls.sizeBytes + this.#values.sizeBytes;
  }

  copyTo(target: Buffer, offset: number): number {
    return this.#values.copyTo(target, this.#nulls.copyTo(target, offset));
  }

  repeat([nulls = 0, values = 0]: readonly number[], times: number): void {
    this.#nulls.repeat(nulls, this.#nulls.at - nulls, times);
    this.#values.repeat(values, this.#values.at - values, times);
  }

  clear(): void {
    this.#nulls.clear();
    this.#values.clear();
  }
}

/** `String`: each text with its length in front. */
export class StringColumn implements Column {
  readonly type = 'String';
  readonly texts: Region;
  readonly regions: readonly Region[];

  constructor(arena?: Arena) {
    this.texts = new Region(1, arena);
    this.regions = [this.texts];
  }

  push(source: Source, at: number, length: number): void {
    appendText(this.texts, source, at, length);
  }

  empty(): void {
    const { texts } = this;
    texts.reserve(1);
    texts.bytes[texts.at++] = 0;
  }

  string(text: string): void {
    appendString(this.texts, text);
  }

  sizeBytes(): number {
    return this.texts.at;
  }

  copyTo(target: Buffer, offset: number): number {
    return this.texts.copyTo(target, offset);
  }

  repeat([from = 0]: readonly number[], times: number): void {
    this.texts.repeat(from, this.texts.at - from, times);
  }

  clear(): void {
    this.texts.clear();
  }
}

/** Says that the dictionary is in the block and complete; the index width is or-ed to it. */
const DICTIONARY_IN_BLOCK = 0x600;
const DICTIONARY_VERSION = 1;
const PREFIX_BYTES = 8;
const EMPTY_SOURCE = new Source(Buffer.alloc(0), false);

/** `LowCardinality(String)`: a dictionary, and for each row a number in it, in as few bytes as it needs. */
export class LowCardinalityColumn implements Column {
  readonly type = 'LowCardinality(String)';
  readonly dictionary: Dictionary;
  readonly #indexes: Region;
  readonly regions: readonly Region[];
  #previous = 0;

  constructor(arena?: Arena) {
    this.dictionary = new Dictionary(arena);
    this.#indexes = new Region(1, arena);
    this.regions = [this.#indexes];
  }

  /** The number of a text in the dictionary; mostly that of the row before. */
  find(source: Source, at: number, length: number): number {
    const { dictionary } = this;
    if (dictionary.is(this.#previous, source, at, length)) return this.#previous;
    return (this.#previous = dictionary.find(source, at, length));
  }

  findString(text: string): number {
    if (text === '') return this.find(EMPTY_SOURCE, 0, 0);
    const bytes = Buffer.from(text);
    return this.find(new Source(bytes, false), 0, bytes.length);
  }

  push(index: number): void {
    const indexes = this.#indexes;
    if (index > 0xff) this.#widen(index);
    indexes.reserve(1);
    if (indexes.width === 1) indexes.bytes[indexes.at++] = index;
    else if (indexes.width === 2) indexes.view.setUint16(indexes.at++ * 2, index, true);
    else indexes.view.setUint32(indexes.at++ * 4, index, true);
  }

  at(position: number): number {
    const { bytes, view, width } = this.#indexes;
    if (width === 1) return bytes[position] ?? 0;
    return width === 2 ? view.getUint16(position * 2, true) : view.getUint32(position * 4, true);
  }

  sizeBytes(): number {
    return PREFIX_BYTES + this.dataBytes();
  }

  copyTo(target: Buffer, offset: number): number {
    return this.copyData(target, copyVersion(target, offset));
  }

  /** Bytes without the version in front; nothing at all where there are no rows. */
  dataBytes(): number {
    if (this.#indexes.at === 0) return 0;
    return 3 * PREFIX_BYTES + this.dictionary.keys.at + this.#indexes.sizeBytes;
  }

  copyData(target: Buffer, offset: number): number {
    const indexes = this.#indexes;
    if (indexes.at === 0) return offset;
    let at = uint64(target, offset, DICTIONARY_IN_BLOCK | (indexes.width >>> 1));
    at = uint64(target, at, this.dictionary.count);
    at = this.dictionary.keys.copyTo(target, at);
    at = uint64(target, at, indexes.at);
    return indexes.copyTo(target, at);
  }

  repeat([from = 0]: readonly number[], times: number): void {
    this.#indexes.repeat(from, this.#indexes.at - from, times);
  }

  clear(): void {
    this.#indexes.restart(1);
    this.dictionary.clear();
    this.#previous = 0;
  }

  #widen(index: number): void {
    const { width } = this.#indexes;
    if (width === 1) this.#indexes.widen(index > 0xffff ? 4 : 2);
    else if (width === 2 && index > 0xffff) this.#indexes.widen(4);
  }
}

/** `Map(LowCardinality(String), String)`: for each row where its entries end, then all keys, then all values. */
export class MapColumn implements Column {
  readonly type = 'Map(LowCardinality(String), String)';
  readonly ends: Region;
  readonly keys: LowCardinalityColumn;
  readonly values: Region;
  readonly regions: readonly Region[];
  readonly #keyIndexes: Region;

  constructor(arena?: Arena) {
    this.ends = new Region(8, arena);
    this.keys = new LowCardinalityColumn(arena);
    this.values = new Region(1, arena);
    this.regions = [this.ends, ...this.keys.regions, this.values];
    this.#keyIndexes = this.keys.regions[0] as Region;
  }

  /** Number of entries so far. */
  get entries(): number {
    return this.#keyIndexes.at;
  }

  endRow(): void {
    pushEnd(this.ends, this.#keyIndexes.at);
  }

  sizeBytes(): number {
    return PREFIX_BYTES + this.dataBytes();
  }

  copyTo(target: Buffer, offset: number): number {
    return this.copyData(target, copyVersion(target, offset));
  }

  dataBytes(): number {
    return this.ends.sizeBytes + this.keys.dataBytes() + this.values.at;
  }

  copyData(target: Buffer, offset: number): number {
    return this.values.copyTo(target, this.keys.copyData(target, this.ends.copyTo(target, offset)));
  }

  repeat([ends = 0, keys = 0, values = 0]: readonly number[], times: number): void {
    const count = this.#keyIndexes.at - keys;
    this.keys.repeat([keys], times);
    this.values.repeat(values, this.values.at - values, times);
    repeatEnds(this.ends, ends, keys, count, times);
  }

  clear(): void {
    this.ends.clear();
    this.keys.clear();
    this.values.clear();
  }
}

/** Columns with a version in front of their data: inside an array it stands before the array's ends. */
type Versioned = LowCardinalityColumn | MapColumn;

/** `Array(…)`: for each row where its items end, then all items. Arrays of one nested group share their ends. */
export class ArrayColumn implements Column {
  readonly type: string;
  readonly regions: readonly Region[];
  readonly #ends: Region;
  readonly items: Column;

  constructor(ends: Region, items: Column) {
    this.type = `Array(${items.type})`;
    this.#ends = ends;
    this.items = items;
    this.regions = [ends, ...items.regions];
  }

  /** Ends a row of so many items. Arrays that share their ends end it together, once. */
  endRow(items: number): void {
    const { at, view } = this.#ends;
    pushEnd(this.#ends, items + (at === 0 ? 0 : view.getUint32((at - 1) * 8, true)));
  }

  /** Whether the other has the same ends. */
  sharesEnds(other: ArrayColumn): boolean {
    return this.#ends === other.#ends;
  }

  sizeBytes(): number {
    return this.#ends.sizeBytes + this.items.sizeBytes();
  }

  copyTo(target: Buffer, offset: number): number {
    const { items } = this;
    if (!isVersioned(items)) return items.copyTo(target, this.#ends.copyTo(target, offset));
    return items.copyData(target, this.#ends.copyTo(target, copyVersion(target, offset)));
  }

  repeat(): void {
    throw new Error(`A column of type ${this.type} is never the same for many rows.`);
  }

  clear(): void {
    this.#ends.clear();
    this.items.clear();
  }
}

function isVersioned(column: Column): column is Versioned {
  return column instanceof LowCardinalityColumn || column instanceof MapColumn;
}

/** Appends where a row's items end. */
export function pushEnd(ends: Region, end: number): void {
  ends.reserve(1);
  ends.view.setUint32(ends.at * 8, end, true);
  ends.view.setUint32(ends.at++ * 8 + 4, 0, true);
}

function repeatEnds(ends: Region, from: number, start: number, count: number, times: number): void {
  ends.at = from;
  ends.reserve(times);
  const { view } = ends;
  const until = from + times;
  let end = start;
  for (let index = from; index < until; index++) {
    end += count;
    view.setUint32(index * 8, end, true);
    view.setUint32(index * 8 + 4, 0, true);
  }
  ends.at = until;
}

function copyVersion(target: Buffer, offset: number): number {
  return uint64(target, offset, DICTIONARY_VERSION);
}

/** Writes a number below 2^32 as a UInt64. */
function uint64(target: Buffer, offset: number, value: number): number {
  target.writeUInt32LE(value, offset);
  target.writeUInt32LE(0, offset + 4);
  return offset + 8;
}
