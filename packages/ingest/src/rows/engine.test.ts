/** What the real engine keeps of the rows: everything, to the last digit. */
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createClient, type ClickHouseClient } from '@clickhouse/client';
import { createChdbConnection } from 'chdb/connection';
import * as fc from 'fast-check';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { readBlocks, type TestRow } from '../native/read-block.fixture.ts';
import {
  logsRequest,
  metricsRequest,
  SPAN_ID,
  span,
  spansRequest,
  text,
  TRACE_ID,
  transcodeRequest,
} from './read-rows.fixture.ts';
import { OTEL_TABLES, type OtelTable } from './tables.ts';
import { REQUESTS } from './telemetry.fixture.ts';
import type { TranscodedBlocks } from './transcode.fixture.ts';

let folder: string;
let client: ClickHouseClient;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'rollcall-rows-'));
  const connection = createChdbConnection({ path: join(folder, 'db') });
  client = createClient({ connection: connection as never });
  const migration = await readFile(new URL('../../migrations/001_otel_tables.sql', import.meta.url), 'utf8');
  // The rows of these tests arrived in January 2026: 90 days would have the engine drop them now and then.
  const sql = migration
    .replaceAll('${ON_CLUSTER}', '')
    .replaceAll('${REPLICATED}', '')
    .replaceAll('${RAW_RETENTION_DAYS}', '20000');
  const statements = sql.split(/;\s*\n/).filter((statement) => statement.trim() !== '');
  for (const query of statements) await client.command({ query });
});

afterAll(async () => {
  await client.close();
  await rm(folder, { recursive: true, force: true });
});

beforeEach(async () => {
  for (const table of OTEL_TABLES) await client.command({ query: `TRUNCATE TABLE ${table}` });
});

async function insert(result: TranscodedBlocks): Promise<void> {
  if (result.status !== 'ok') throw new Error(result.message);
  for (const block of result.blocks) {
    await insertFile(block.table, block.bytes);
  }
}

/** As the spool's files are inserted: with the table's structure, which knows nothing of the checksum's column. */
async function insertFile(table: OtelTable, bytes: Buffer): Promise<void> {
  const path = join(folder, `${table}.native`);
  await writeFile(path, bytes);
  const described = await client.query({ query: `DESCRIBE TABLE ${table}`, format: 'JSONEachRow' });
  const columns = await described.json<{ name: string; type: string }>();
  const structure = columns.map(({ name, type }) => `\`${name}\` ${type}`).join(', ');
  await client.command({
    query: `INSERT INTO ${table} SELECT * FROM file('${path}', 'Native', '${structure.replaceAll("'", "\\'")}')`,
  });
}

async function select(table: OtelTable, columns: string): Promise<Record<string, unknown>[]> {
  const result = await client.query({
    query: `SELECT ${columns} FROM ${table} SETTINGS output_format_json_quote_64bit_integers = 1, output_format_json_quote_denormals = 1`,
    format: 'JSONEachRow',
  });
  return result.json();
}

test('every column of every table is written by name', async () => {
  for (const table of OTEL_TABLES) {
    const described = await client.query({ query: `DESCRIBE TABLE ${table}`, format: 'JSONEachRow' });
    const columns = (await described.json<{ name: string }>()).map((column) => column.name);
    expect(Object.keys(writtenRow(table)).toSorted()).toEqual(columns.toSorted());
  }
});

function writtenRow(table: OtelTable): object {
  const point = { timeUnixNano: '5', asInt: '1' };
  const metrics = ['gauge', 'sum', 'histogram', 'exponentialHistogram', 'summary'].map((kind) => ({
    name: 'm',
    [kind]: { dataPoints: [kind === 'gauge' || kind === 'sum' ? point : { timeUnixNano: '5' }] },
  }));
  const results = [
    transcodeRequest('traces', spansRequest([span()])),
    transcodeRequest('logs', logsRequest([{}])),
    transcodeRequest('metrics', metricsRequest(metrics)),
  ];
  const blocks = results.flatMap((result) => (result.status === 'ok' ? result.blocks : []));
  const block = blocks.find((candidate) => candidate.table === table);
  return readBlocks(block?.bytes ?? Buffer.alloc(0))[0] ?? {};
}

test('times are exact to the nanosecond, from the first to the last that fits', async () => {
  const times = ['1', '999999999', '1544712660123456789', '9223372036854775807'];
  await insert(
    transcodeRequest(
      'traces',
      spansRequest(
        times.map((time) =>
          span({
            startTimeUnixNano: time,
            endTimeUnixNano: '9223372036854775807',
            events: [{ timeUnixNano: time }],
          }),
        ),
      ),
    ),
  );

  const rows = await select(
    'otel_traces',
    'toString(toUnixTimestamp64Nano(Timestamp)) AS start, toString(Timestamp) AS text, Duration, toString(`Events.Timestamp`[1]) AS event',
  );

  expect(rows.toSorted((a, b) => Number(a['start']) - Number(b['start']))).toEqual([
    {
      start: '1',
      text: '1970-01-01 00:00:00.000000001',
      Duration: '9223372036854775806',
      event: '1970-01-01 00:00:00.000000001',
    },
    {
      start: '999999999',
      text: '1970-01-01 00:00:00.999999999',
      Duration: '9223372035854775808',
      event: '1970-01-01 00:00:00.999999999',
    },
    {
      start: '1544712660123456789',
      text: '2018-12-13 14:51:00.123456789',
      Duration: '7678659376731319018',
      event: '2018-12-13 14:51:00.123456789',
    },
    {
      start: '9223372036854775807',
      text: '2262-04-11 23:47:16.854775807',
      Duration: '0',
      event: '2262-04-11 23:47:16.854775807',
    },
  ]);
});

test('doubles keep every bit, not-a-number and the infinities included', async () => {
  const doubles = [
    0,
    -0,
    0.1 + 0.2,
    5e-324,
    1.7976931348623157e308,
    1e21,
    NaN,
    Infinity,
    -Infinity,
    2 ** 53 + 2,
  ];
  const values = doubles.map(jsonDouble);
  const point = {
    timeUnixNano: '5',
    explicitBounds: values,
    bucketCounts: Array(values.length + 1).fill('0'),
  };
  await insert(
    transcodeRequest(
      'metrics',
      metricsRequest([
        { name: 'm', histogram: { dataPoints: [{ ...point, sum: 'NaN', min: '-Infinity' }] } },
      ]),
    ),
  );

  const [row] = await select(
    'otel_metrics_histogram',
    'arrayMap(x -> hex(reinterpretAsUInt64(x)), ExplicitBounds) AS bits, Sum, Min, Max',
  );

  expect(row).toEqual({ bits: doubles.map(bitsOf), Sum: 'nan', Min: '-inf', Max: null });
});

/** Finite numbers as such, the others in the words of protobuf's JSON; `JSON.stringify` would lose the sign of -0. */
function jsonDouble(value: number): number | string {
  if (Object.is(value, -0)) return '-0';
  return Number.isFinite(value) ? value : String(value);
}

function bitsOf(value: number): string {
  const bytes = Buffer.alloc(8);
  bytes.writeDoubleBE(value);
  return bytes
    .toString('hex')
    .toUpperCase()
    .replace(/^(00)+(?=..)/, '');
}

test('unsigned 64-bit counts are exact', async () => {
  const most = '18446744073709551615';
  const point = {
    timeUnixNano: '5',
    count: most,
    zeroCount: '9007199254740993',
    positive: { bucketCounts: [most, '0'] },
  };
  await insert(
    transcodeRequest(
      'metrics',
      metricsRequest([{ name: 'm', exponentialHistogram: { dataPoints: [point] } }]),
    ),
  );
  expect(
    await select('otel_metrics_exponential_histogram', 'Count, ZeroCount, PositiveBucketCounts'),
  ).toEqual([{ Count: most, ZeroCount: '9007199254740993', PositiveBucketCounts: [most, '0'] }]);
});

test.each([
  ['a blank line and SQL behind it', "\n\n; DROP TABLE otel_traces; --'"],
  ['control characters', Array.from({ length: 0x20 }, (_, code) => String.fromCharCode(code)).join('')],
  ['quotes and backslashes', `"'\`\\\\N\\n\\u0000{}[]`],
  ['line separators and a byte-order mark', '\u0085\u2028\u2029\uFEFF\u007F'],
  ['letters beyond the first plane', '𐍈🚀👩‍👩‍👧'],
  ['words of JSON', 'null'],
])('%s come back as they were sent', async (_what, value) => {
  const attributes = [text(value, value)];
  const event = { name: value, timeUnixNano: '5', attributes };
  const request = spansRequest(
    [span({ name: value, traceState: value, attributes, events: [event, event] })],
    attributes,
  );
  for (const encoding of ['json', 'protobuf'] as const)
    await insert(transcodeRequest('traces', request, encoding));

  const rows = await select(
    'otel_traces',
    'SpanName, TraceState, SpanAttributes, ResourceAttributes, `Events.Name`, `Events.Attributes`',
  );

  const expected = {
    SpanName: value,
    TraceState: value,
    SpanAttributes: { [value]: value },
    ResourceAttributes: { [value]: value },
    'Events.Name': [value, value],
    'Events.Attributes': [{ [value]: value }, { [value]: value }],
  };
  expect(rows).toEqual([expected, expected]);
});

test('nested lists keep their order and their lengths', async () => {
  const links = [
    { traceId: TRACE_ID, spanId: SPAN_ID, attributes: [text('a', '1')], flags: 257 },
    { attributes: [text('b', '2'), text('c', '3')], droppedAttributesCount: 4 },
  ];
  await insert(transcodeRequest('traces', spansRequest([span({ links })])));
  expect(await select('otel_traces', "COLUMNS('^Links')")).toEqual([
    {
      'Links.TraceId': [TRACE_ID, ''],
      'Links.SpanId': [SPAN_ID, ''],
      'Links.TraceState': ['', ''],
      'Links.Attributes': [{ a: '1' }, { b: '2', c: '3' }],
      'Links.DroppedAttributesCount': [0, 4],
      'Links.Flags': [257, 0],
      LinksDroppedCount: 0,
    },
  ]);
});

test.each(['traces', 'logs', 'metrics'] as const)('%s of every shape come back equal', async (signal) => {
  const results = fc
    .sample(REQUESTS[signal], { numRuns: 60, seed: 7 })
    .map((request) => transcodeRequest(signal, request));
  const tables = OTEL_TABLES.filter((table) => linesOf(results, table).length > 0);
  expect(tables).toHaveLength(signal === 'metrics' ? 5 : 1);

  for (const table of tables) await insertFile(table, bytesOf(results, table));

  for (const table of tables) {
    expect(canonical(await select(table, '*'))).toEqual(canonical(linesOf(results, table)));
  }
});

function linesOf(results: TranscodedBlocks[], table: OtelTable): TestRow[] {
  return readBlocks(bytesOf(results, table));
}

/** One file of many blocks, as in the spool. */
function bytesOf(results: TranscodedBlocks[], table: OtelTable): Buffer {
  const blocks = results.flatMap((result) => (result.status === 'ok' ? result.blocks : []));
  return Buffer.concat(blocks.filter((block) => block.table === table).map((block) => block.bytes));
}

/** Rows without order, and without their times: these are read as text, and have a test of their own. */
function canonical(rows: Record<string, unknown>[]): string[] {
  return rows
    .map((row) => Object.entries(row).filter(([name]) => !/Timestamp|TimeUnix|ReceivedAt/.test(name)))
    .map((columns) => JSON.stringify(columns.toSorted(([a], [b]) => (a < b ? -1 : 1))))
    .toSorted();
}
