/** Blocks for clients with a protocol version are the engine's, with what such clients expect on top. */

import { afterAll, beforeAll, expect, test } from 'vitest';
import { openFrontFixture, type FrontFixture } from './front.fixture.ts';

let front: FrontFixture;

beforeAll(async () => {
  front = await openFrontFixture();
});

afterAll(async () => {
  await front.dispose();
});

async function native(query: string, revision?: number): Promise<Buffer> {
  const url = new URL(front.url);
  url.search = new URLSearchParams({
    query,
    default_format: 'Native',
    ...(revision === undefined ? {} : { client_protocol_version: String(revision) }),
  }).toString();
  const response = await fetch(url, {
    headers: { 'X-ClickHouse-User': 'rollcall', 'X-ClickHouse-Key': front.password },
  });
  const bytes = Buffer.from(await response.arrayBuffer());
  if (!response.ok) throw new Error(bytes.toString());
  return bytes;
}

const EXPRESSIONS = [
  'number',
  'toInt8(number)',
  'number % 2 = 0',
  'toBool(number % 2)',
  'toInt128(number)',
  'toUInt256(number)',
  'toFloat32(number)',
  'toDecimal32(number, 2)',
  'toDecimal64(number, 4)',
  'toDecimal128(number, 6)',
  'toDecimal256(number, 8)',
  'toDate(number)',
  'toDate32(number)',
  "toDateTime(number, 'UTC')",
  "toDateTime64(number, 9, 'Europe/Berlin')",
  'toIntervalDay(number)',
  "toUUID('61f0c404-5cb3-11e7-907b-a6006ad3dba0')",
  "toIPv4('10.0.0.1')",
  "toIPv6('::1')",
  "CAST('a', 'Enum8(\\'a\\' = 1, \\'b, (c)\\' = 2)')",
  "CAST('a', 'Enum16(\\'a\\' = 1000)')",
  'toString(number)',
  "repeat('é', number % 300)",
  "toFixedString('abc', 5)",
  'toNullable(number)',
  "CAST(NULL, 'Nullable(String)')",
  'toNullable(toString(number))',
  'NULL',
  'range(number % 5)',
  "arrayMap(x -> arrayMap(y -> concat('v', toString(y)), range(x)), range(number % 4))",
  '[]',
  "map(toString(number), number, 'b', 2)",
  "CAST(map('k', toString(number)), 'Map(LowCardinality(String), String)')",
  'toLowCardinality(toString(number % 300))',
  'toLowCardinality(if(number % 2 = 0, NULL, toString(number)))',
  "toLowCardinality(toFixedString('ab', 3))",
  'arrayMap(x -> toLowCardinality(toString(x)), range(number % 3))',
  'tuple(number, toString(number), [number])',
  "CAST(tuple(number, 'x'), 'Tuple(a UInt64, `b c` LowCardinality(String))')",
  "CAST([(1, 'x')], 'Nested(a UInt8, b String)')",
  "CAST((number, number), 'Point')",
  "CAST([(number, 1)], 'Ring')",
  "CAST([[(number, 1)]], 'Polygon')",
  'toTypeName(number)',
  'toFloat64(number) / 0',
];

test.each([0, 1, 3, 1000])(
  'columns of every type keep their bytes, each with a byte of its own (%d rows)',
  async (rows) => {
    const from = `FROM numbers(${rows})`;
    const names = EXPRESSIONS.map((_, index) => `c${index}`);
    // One column alone needs no search for its end: it goes to the end of the block.
    const alone = await Promise.all(
      EXPRESSIONS.map((expression, index) => native(`SELECT ${expression} AS c${index} ${from}`)),
    );
    const together = await native(
      `SELECT ${EXPRESSIONS.map((expression, index) => `${expression} AS ${names[index]}`).join(', ')} ${from}`,
      54_460,
    );
    if (rows === 0) {
      expect(together.length).toBe(0);
      return;
    }

    const head = alone[0]?.subarray(1, varintEnd(alone[0], 1)) ?? Buffer.alloc(0);
    const columns = alone.map((block) => {
      const start = varintEnd(block, 1);
      const afterName = start + 1 + (block[start] ?? 0);
      const typeStart = varintEnd(block, afterName);
      const typeEnd = typeStart + varintAt(block, afterName);
      return Buffer.concat([block.subarray(start, typeEnd), Buffer.of(0), block.subarray(typeEnd)]);
    });
    const expected = Buffer.concat([
      Buffer.of(1, 0, 2, 255, 255, 255, 255, 0),
      Buffer.of(EXPRESSIONS.length),
      head,
      ...columns,
    ]);
    expect(together.equals(expected)).toBe(true);
  },
);

function varintEnd(bytes: Buffer, start: number): number {
  let at = start;
  while ((bytes[at] ?? 0) >= 128) at++;
  return at + 1;
}

function varintAt(bytes: Buffer, start: number): number {
  let value = 0;
  for (let at = start, factor = 1; ; at++, factor *= 128) {
    value += ((bytes[at] ?? 0) & 0x7f) * factor;
    if ((bytes[at] ?? 0) < 128) return value;
  }
}

test('a version without that byte gets the head of the block alone', async () => {
  const plain = await native('SELECT number, toString(number) FROM numbers(3)');
  const asked = await native('SELECT number, toString(number) FROM numbers(3)', 54_405);

  expect(asked.equals(Buffer.concat([Buffer.of(1, 0, 2, 255, 255, 255, 255, 0), plain]))).toBe(true);
});

test('many blocks are streamed, each with its head', async () => {
  const plain = await native('SELECT number, toString(number) FROM numbers(300000)');
  const asked = await native('SELECT number, toString(number) FROM numbers(300000)', 54_460);

  // 8 bytes a block, and one for each of the two columns.
  expect((asked.length - plain.length) % 10).toBe(0);
  expect(asked.length - plain.length).toBeGreaterThanOrEqual(40);
});

test.each(['uniqState(1)', "CAST('{}', 'JSON')", "CAST(1, 'Dynamic')", "CAST(1, 'Variant(UInt8, String)')"])(
  'a column whose end can not be found is refused: %s',
  async (expression) => {
    await expect(native(`SELECT ${expression}`, 54_460)).rejects.toThrow(/Code: 344.*cast it to String/);
    expect(
      (await native(`SELECT toString(${expression === 'uniqState(1)' ? '1' : expression})`, 54_460)).length,
    ).toBeGreaterThan(0);
  },
);

test('a version that is none, or of a time before, is refused', async () => {
  for (const revision of [1, 54_000, Number.NaN, -1])
    await expect(native('SELECT 1', revision)).rejects.toThrow(/Code: 344/);
});
