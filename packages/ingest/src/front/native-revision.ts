/**
 * Writes Native blocks as a client with a protocol version expects them. clickhouse-go asks so (`client_protocol_version`),
 * and the embedded engine writes only what is meant for clients without one: what comes on top stands before each block
 * and in each column's head, so that the ends of columns must be found.
 */

import { FrontError } from './exception.ts';

/** ClickHouse's src/Core/ProtocolDefines.h: a byte per column says whether its serialization is a special one. */
const WITH_CUSTOM_SERIALIZATION = 54_454;
/** Below it there are no LowCardinality columns. */
const WITH_LOW_CARDINALITY = 54_405;
/** `BlockInfo`: no overflows, no bucket, end of fields. */
const BLOCK_INFO = Uint8Array.of(1, 0, 2, 0xff, 0xff, 0xff, 0xff, 0);
const NO_CUSTOM_SERIALIZATION = Uint8Array.of(0);

/**
 * Each chunk holds whole blocks. A revision of 0 leaves them as they are.
 * @throws FrontError SUPPORT_IS_DISABLED, before anything is sent, of types whose end can not be found
 */
export async function withRevision(
  chunks: AsyncIterable<Uint8Array>,
  revision: number,
): Promise<AsyncIterable<Uint8Array>> {
  if (revision === 0) return chunks;
  const rest = chunks[Symbol.asyncIterator]();
  const first = await rest.next();
  if (first.done === true) return rewrite(first, rest, revision);
  return rewrite({ done: false, value: addRevision(first.value, revision) }, rest, revision);
}

async function* rewrite(
  first: IteratorResult<Uint8Array>,
  rest: AsyncIterator<Uint8Array>,
  revision: number,
): AsyncGenerator<Uint8Array> {
  try {
    if (first.done === true) return;
    yield first.value;
    for (let next = await rest.next(); next.done !== true; next = await rest.next())
      yield addRevision(next.value, revision);
  } finally {
    await rest.return?.();
  }
}

/** @throws FrontError where a client's version is none, or too old */
export function readRevision(text: string | null): number {
  const revision = Number(text ?? 0);
  if (revision === 0 || (Number.isInteger(revision) && revision >= WITH_LOW_CARDINALITY)) return revision;
  throw new FrontError(
    'SUPPORT_IS_DISABLED',
    `The client_protocol_version '${text}' is not spoken here; leave it out, or use ${WITH_LOW_CARDINALITY} or more.`,
  );
}

function addRevision(bytes: Uint8Array, revision: number): Uint8Array {
  const walk = new Walk(bytes);
  const parts: Uint8Array[] = [];
  while (!walk.isAtEnd) {
    parts.push(BLOCK_INFO);
    const start = walk.at;
    const columns = walk.varint();
    const rows = walk.varint();
    parts.push(bytes.subarray(start, walk.at));
    for (let column = 0; column < columns; column++) {
      const head = walk.at;
      walk.text();
      const type = parseType(walk.text());
      parts.push(bytes.subarray(head, walk.at));
      if (revision >= WITH_CUSTOM_SERIALIZATION) parts.push(NO_CUSTOM_SERIALIZATION);
      const data = walk.at;
      if (rows > 0) {
        type.skipPrefix(walk);
        type.skip(walk, rows);
      }
      parts.push(bytes.subarray(data, walk.at));
    }
  }
  return Buffer.concat(parts);
}

/** What must be known of a type to find the end of its column. */
interface ColumnType {
  /** Before all data of a column: versions of dictionaries, however deep they stand. */
  readonly skipPrefix: (walk: Walk) => void;
  readonly skip: (walk: Walk, rows: number) => void;
}

const TYPES_BY_BYTES: readonly (readonly [number, string])[] = [
  [1, 'Int8 UInt8 Bool Enum8 Nothing'],
  [2, 'Int16 UInt16 Enum16 Date BFloat16'],
  [4, 'Int32 UInt32 Float32 Date32 DateTime Time IPv4 Decimal32'],
  [8, 'Int64 UInt64 Float64 DateTime64 Time64 Decimal64'],
  [16, 'Int128 UInt128 UUID IPv6 Decimal128'],
  [32, 'Int256 UInt256 Decimal256'],
];
const BYTES_OF_TYPE = new Map(
  TYPES_BY_BYTES.flatMap(([bytes, names]) => names.split(' ').map((name) => [name, bytes] as const)),
);
const POINT = 'Tuple(Float64, Float64)';
const MADE_OF: Readonly<Record<string, string>> = {
  Point: POINT,
  Ring: `Array(${POINT})`,
  LineString: `Array(${POINT})`,
  MultiLineString: `Array(Array(${POINT}))`,
  Polygon: `Array(Array(${POINT}))`,
  MultiPolygon: `Array(Array(Array(${POINT})))`,
};

const parsed = new Map<string, ColumnType>();
const REMEMBERED_TYPES = 1000;

function parseType(text: string): ColumnType {
  const known = parsed.get(text);
  if (known !== undefined) return known;
  const type = makeType(text);
  if (parsed.size >= REMEMBERED_TYPES) parsed.clear();
  parsed.set(text, type);
  return type;
}

function makeType(text: string): ColumnType {
  const [, name = '', , inside = ''] = /^(\w+)(\(([\s\S]*)\))?$/.exec(text) ?? [];
  const bytes = name === 'Decimal' ? decimalBytes(inside) : BYTES_OF_TYPE.get(name);
  if (bytes !== undefined) return fixed(bytes);
  if (name.startsWith('Interval')) return fixed(8);
  if (name in MADE_OF) return parseType(MADE_OF[name] ?? '');
  switch (name) {
    case 'String':
      return STRING;
    case 'FixedString':
      return fixed(Number(inside));
    case 'Nullable':
      return nullable(parseType(inside));
    case 'Array':
      return array(parseType(inside));
    case 'Map':
      return array(tuple(split(inside)));
    case 'Nested':
      return array(tuple(split(inside)));
    case 'Tuple':
      return tuple(split(inside));
    case 'LowCardinality':
      return lowCardinality(parseType(/^Nullable\((.*)\)$/s.exec(inside)?.[1] ?? inside));
    case 'SimpleAggregateFunction':
      return parseType(split(inside).at(-1) ?? '');
    default:
      throw new FrontError(
        'SUPPORT_IS_DISABLED',
        `A column of type ${text} can not be sent in the Native format with a protocol version; cast it to String.`,
      );
  }
}

function decimalBytes(inside: string): number {
  const precision = Number(split(inside)[0]);
  return precision <= 9 ? 4 : precision <= 18 ? 8 : precision <= 38 ? 16 : 32;
}

function fixed(bytes: number): ColumnType {
  return { skipPrefix: () => undefined, skip: (walk, rows) => walk.skip(bytes * rows) };
}

const STRING: ColumnType = {
  skipPrefix: () => undefined,
  skip: (walk, rows) => {
    for (let row = 0; row < rows; row++) walk.skip(walk.varint());
  },
};

function nullable(inner: ColumnType): ColumnType {
  return {
    skipPrefix: inner.skipPrefix,
    skip: (walk, rows) => {
      walk.skip(rows);
      inner.skip(walk, rows);
    },
  };
}

function array(inner: ColumnType): ColumnType {
  return {
    skipPrefix: inner.skipPrefix,
    skip: (walk, rows) => {
      if (rows === 0) return;
      walk.skip(8 * (rows - 1));
      inner.skip(walk, walk.uint64());
    },
  };
}

function tuple(elements: readonly string[]): ColumnType {
  if (elements.length === 0) return makeType('Tuple()-without-elements');
  const types = elements.map((element) => parseType(withoutName(element)));
  return {
    skipPrefix: (walk) => types.forEach((type) => type.skipPrefix(walk)),
    skip: (walk, rows) => types.forEach((type) => type.skip(walk, rows)),
  };
}

const HAS_ADDITIONAL_KEYS = 0x200;

function lowCardinality(inner: ColumnType): ColumnType {
  return {
    skipPrefix: (walk) => walk.skip(8),
    skip: (walk, rows) => {
      if (rows === 0) return;
      const flags = walk.uint64();
      if ((flags & HAS_ADDITIONAL_KEYS) !== 0) inner.skip(walk, walk.uint64());
      walk.skip(walk.uint64() * 2 ** (flags & 0xff));
    },
  };
}

/** At the commas that stand in no parentheses and no quotes. */
function split(inside: string): string[] {
  const parts: string[] = [];
  let depth = 0;
  let start = 0;
  for (let at = 0; at < inside.length; at++) {
    const character = inside[at];
    if (character === "'" || character === '`') at = endOfQuotes(inside, at);
    else if (character === '(') depth++;
    else if (character === ')') depth--;
    else if (character === ',' && depth === 0) {
      parts.push(inside.slice(start, at).trim());
      start = at + 1;
    }
  }
  const last = inside.slice(start).trim();
  return last === '' ? parts : [...parts, last];
}

function endOfQuotes(text: string, start: number): number {
  let at = start + 1;
  while (at < text.length && text[at] !== text[start]) at += text[at] === '\\' ? 2 : 1;
  return at;
}

/** An element of a tuple may have a name: `a UInt8`, or in backquotes. */
function withoutName(element: string): string {
  if (element.startsWith('`')) return element.slice(endOfQuotes(element, 0) + 1).trim();
  return /^\w+ (.*)$/s.exec(element)?.[1] ?? element;
}

/** Goes over the bytes; beyond their end it throws, so that a wrong turn is never sent. */
class Walk {
  at = 0;
  readonly #bytes: Uint8Array;
  readonly #view: DataView;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  get isAtEnd(): boolean {
    return this.at >= this.#bytes.length;
  }

  skip(bytes: number): void {
    this.at += bytes;
    if (this.at > this.#bytes.length) throw new RangeError('A Native block ends in the middle of a column.');
  }

  varint(): number {
    let value = 0;
    for (let factor = 1; ; factor *= 128) {
      const byte = this.#bytes[this.at++];
      if (byte === undefined) throw new RangeError('A Native block ends in the middle of a number.');
      value += (byte & 0x7f) * factor;
      if (byte < 128) return value;
    }
  }

  uint64(): number {
    const start = this.at;
    this.skip(8);
    return Number(this.#view.getBigUint64(start, true));
  }

  text(): string {
    const length = this.varint();
    const start = this.at;
    this.skip(length);
    return Buffer.from(this.#bytes.buffer, this.#bytes.byteOffset + start, length).toString('utf8');
  }
}
