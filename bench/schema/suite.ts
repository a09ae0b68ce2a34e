/** Tries other sort keys, codecs, indexes and partitions for the raw spans, on the same rows as ours. */

import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { migrate, openEngine, type Engine } from '@rollcall/ingest';
import { fillBigProject } from '../../test/big-project.fixture.ts';
import { median } from '../machine.ts';
import { table, type Suite } from '../report.ts';
import { addSpans } from '../volume/raw-rows.ts';

/** Spans in each table; others by BENCH_SCHEMA_ROWS. */
const ROWS = Number(process.env['BENCH_SCHEMA_ROWS'] ?? 10_000_000);
const CHUNK = 1_000_000;
const ROUNDS = 9;

const BY_WEEK = 'PARTITION BY toMonday(ReceivedAt)';
const OUR_KEY = '(ProjectId, ServiceName, SpanName, toDateTime(Timestamp), TraceId)';
const CODED = [
  'Timestamp',
  'TraceId',
  'SpanId',
  'ParentSpanId',
  'SpanAttributes',
  'Duration',
  'StatusMessage',
] as const;

interface Variant {
  readonly name: string;
  readonly partition?: string;
  readonly key?: string;
  /** Run on the empty table, whose name it is given. */
  readonly change?: (name: string) => readonly string[];
}

/** The first is what the migrations make; each of the others differs in one thing. */
const VARIANTS: readonly Variant[] = [
  { name: 'ours' },
  { name: 'sorted by run', key: '(ProjectId, RunId, ClientId, toDateTime(Timestamp))' },
  { name: 'sorted by time', key: '(ProjectId, toDateTime(Timestamp), ServiceName, SpanName)' },
  {
    name: 'default codecs (LZ4)',
    change: (name) => CODED.map((column) => `ALTER TABLE ${name} MODIFY COLUMN ${column} REMOVE CODEC`),
  },
  {
    name: 'ZSTD(3) for ZSTD(1)',
    change: (name) =>
      CODED.map(
        (column) =>
          `ALTER TABLE ${name} MODIFY COLUMN ${column} CODEC(${column === 'Timestamp' ? 'Delta(8), ' : ''}ZSTD(3))`,
      ),
  },
  { name: 'no index of runs', change: (name) => [`ALTER TABLE ${name} DROP INDEX run_id`] },
  { name: 'no index of traces', change: (name) => [`ALTER TABLE ${name} DROP INDEX trace_id`] },
  { name: 'partitions by day of the span', partition: 'PARTITION BY toDate(Timestamp)' },
];

const READS: Readonly<Record<string, string>> = {
  'steps of a run': "SELECT * FROM {table} WHERE ProjectId = 'default' AND RunId = {run:String} FORMAT Null",
  'a service, an hour':
    "SELECT SpanName, count(), quantile(0.95)(Duration) FROM {table} WHERE ProjectId = 'default' AND ServiceName = {service:String} AND Timestamp BETWEEN {from:DateTime64(9)} AND {from:DateTime64(9)} + INTERVAL 1 HOUR GROUP BY SpanName FORMAT Null",
  'a trace': "SELECT * FROM {table} WHERE ProjectId = 'default' AND TraceId = {trace:String} FORMAT Null",
};

export const schemaSuite: Suite = {
  name: 'schema',
  title: 'Schema',
  run: async (say) => {
    const folder = await mkdtemp(join(tmpdir(), 'rollcall-bench-'));
    const engine = await openEngine({ dataDir: folder, database: 'rollcall' });
    try {
      await migrate(engine, { rawRetentionDays: 90 });
      say('filling runs');
      await fillBigProject(engine, { runs: 20_000, isRolledUp: true });
      // What a table with these rows would feed is not part of the trial.
      await engine.command('CREATE TABLE source AS otel_traces ENGINE = MergeTree ORDER BY tuple()');
      for (let first = 0; first < ROWS; first += CHUNK) await addSpans(engine, 'source', first, CHUNK);
      const lines: string[][] = [];
      for (const [index, variant] of VARIANTS.entries()) {
        say(variant.name);
        lines.push(await tryOut(engine, `trial_${index}`, variant));
      }
      const head = ['table', 'insert, µs a span', 'merge, s', 'bytes a span', 'parts', ...Object.keys(READS)];
      return `${(ROWS / 1e6).toLocaleString('en')} million spans of twelve attributes in each table, inserted by the million and merged. Reads are medians of ${ROUNDS}, of different runs, hours and traces.\n\n${table(head, lines)}`;
    } finally {
      await engine.close();
      await rm(folder, { recursive: true, force: true });
    }
  },
};

async function tryOut(engine: Engine, name: string, variant: Variant): Promise<string[]> {
  const { partition = BY_WEEK, key = OUR_KEY, change = () => [] } = variant;
  await engine.command(`CREATE TABLE ${name} AS otel_traces ENGINE = MergeTree ${partition} ORDER BY ${key}`);
  for (const statement of change(name)) await engine.command(statement);
  const insertMs = await timed(() =>
    engine.command(
      `INSERT INTO ${name} SELECT * FROM source SETTINGS max_threads = 1, max_insert_threads = 1, min_insert_block_size_rows = ${CHUNK}, min_insert_block_size_bytes = 0, max_partitions_per_insert_block = 0`,
    ),
  );
  const mergeMs = await timed(() => engine.command(`OPTIMIZE TABLE ${name} FINAL`));
  const [size] = await engine.rows<{ bytes: number; parts: number }>(
    'SELECT toFloat64(sum(bytes_on_disk) / sum(rows)) AS bytes, toUInt32(count()) AS parts FROM system.parts WHERE active AND database = currentDatabase() AND table = {name:String}',
    { name },
  );
  const choices = await engine.rows<{ run: string; service: string; trace: string; from: string }>(
    `SELECT RunId AS run, ServiceName AS service, TraceId AS trace, toString(Timestamp) AS from FROM source ORDER BY cityHash64(SpanId) LIMIT ${ROUNDS}`,
  );
  const medians: string[] = [];
  for (const sql of Object.values(READS)) {
    const times: number[] = [];
    for (const choice of choices)
      times.push(await timed(() => engine.background(sql.replace('{table}', name), { ...choice })));
    medians.push(`${median(times).toFixed(0)} ms`);
  }
  await engine.command(`DROP TABLE ${name} SYNC`);
  return [
    variant.name,
    ((insertMs * 1_000) / ROWS).toFixed(2),
    (mergeMs / 1_000).toFixed(0),
    (size?.bytes ?? Number.NaN).toFixed(1),
    String(size?.parts ?? '?'),
    ...medians,
  ];
}

async function timed(work: () => Promise<unknown>): Promise<number> {
  const startedMs = performance.now();
  await work();
  return performance.now() - startedMs;
}
