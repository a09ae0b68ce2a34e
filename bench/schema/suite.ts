/** Tries other sort keys, codecs, indexes and partitions for raw spans and metric points, on the same rows as ours. */

import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { migrate, openEngine, type Engine } from '@rollcall/ingest';
import { fillBigProject } from '../../test/big-project.fixture.ts';
import { median } from '../machine.ts';
import { table, type Suite } from '../report.ts';
import { addPoints, addSpans, SHARE_OF_SPANS } from '../volume/raw-rows.ts';
import { POINTS, SPANS, type Trial, type Variant } from './trials.ts';

/** Spans and points together; others by BENCH_SCHEMA_ROWS. */
const ROWS = Number(process.env['BENCH_SCHEMA_ROWS'] ?? 10_000_000);
const CHUNK = 1_000_000;
const ROWS_OF_RUN = 1_000;
const ROUNDS = 9;
/** The first table of a trial. */
const OURS = 'trial_0';
/** Of a table that is the first one, read otherwise. */
const UNTRIED = ['', '', '', ''];

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
      const spans = Math.round(ROWS * SHARE_OF_SPANS);
      return [
        'Rows are inserted by the million and merged; the first table is as the migrations make it, each of the others differs from it in one thing. ' +
          `Reads are medians of ${ROUNDS}, of different runs, hours and traces.`,
        await report(engine, SPANS, spans, addSpans, say),
        await report(engine, POINTS, ROWS - spans, addPoints, say),
      ].join('\n\n');
    } finally {
      await engine.close();
      await rm(folder, { recursive: true, force: true });
    }
  },
};

async function report(
  engine: Engine,
  trial: Trial,
  rows: number,
  addRows: typeof addSpans,
  say: (line: string) => void,
): Promise<string> {
  say(`filling ${trial.title}`);
  // What a table with these rows would feed is not part of the trial.
  await engine.command(`CREATE TABLE source AS ${trial.like} ENGINE = MergeTree ORDER BY tuple()`);
  for (let first = 0; first < rows; first += CHUNK)
    await addRows(engine, 'source', { first, rows: Math.min(CHUNK, rows - first), rowsOfRun: ROWS_OF_RUN });
  const lines: string[][] = [];
  for (const [index, variant] of trial.variants.entries()) {
    const { ignoredIndex } = variant;
    const name = ignoredIndex === undefined ? `trial_${index}` : OURS;
    const built = ignoredIndex === undefined ? await build(engine, name, { trial, variant, rows }) : UNTRIED;
    lines.push([variant.name, ...built, ...(await read(engine, name, { trial, ignoredIndex }))]);
    if (name !== OURS) await engine.command(`DROP TABLE ${name} SYNC`);
    say(lines.at(-1)?.join(' | ') ?? '');
  }
  for (const name of [OURS, 'source']) await engine.command(`DROP TABLE ${name} SYNC`);
  const head = ['table', 'insert, µs a row', 'merge, s', 'bytes a row', 'parts', ...Object.keys(trial.reads)];
  return `${(rows / 1e6).toLocaleString('en')} million ${trial.title}:\n\n${table(head, lines)}`;
}

/** Fills a table with the rows of `source` and merges it. Returns what that took, and what it takes on disk. */
async function build(
  engine: Engine,
  name: string,
  { trial, variant, rows }: { trial: Trial; variant: Variant; rows: number },
): Promise<string[]> {
  const { partition = trial.partition, key = trial.key, change = () => [] } = variant;
  await engine.command(
    `CREATE TABLE ${name} AS ${trial.like} ENGINE = MergeTree ${partition} ORDER BY ${key}`,
  );
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
  return [
    ((insertMs * 1_000) / rows).toFixed(2),
    (mergeMs / 1_000).toFixed(0),
    (size?.bytes ?? Number.NaN).toFixed(1),
    String(size?.parts ?? '?'),
  ];
}

/** The median time of each read. */
async function read(
  engine: Engine,
  name: string,
  { trial, ignoredIndex }: { trial: Trial; ignoredIndex: string | undefined },
): Promise<string[]> {
  const choices = await engine.rows<Record<string, string>>(
    `SELECT ${trial.choice} FROM source ORDER BY cityHash64(ClientId, ${trial.time}) LIMIT ${ROUNDS}`,
  );
  const settings =
    ignoredIndex === undefined ? '' : ` SETTINGS ignore_data_skipping_indices = '${ignoredIndex}'`;
  const medians: string[] = [];
  for (const sql of Object.values(trial.reads)) {
    const statement = `${sql.replace('{table}', name)}${settings} FORMAT Null`;
    const times: number[] = [];
    for (const choice of choices) times.push(await timed(() => engine.background(statement, choice)));
    medians.push(`${median(times).toFixed(0)} ms`);
  }
  return medians;
}

async function timed(work: () => Promise<unknown>): Promise<number> {
  const startedMs = performance.now();
  await work();
  return performance.now() - startedMs;
}
