import { existsSync } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { openTemporaryEngine } from '../../test/temporary-engine.ts';
import { ROLLUPS } from '../rollup/statements.ts';
import type { Engine } from './engine.ts';
import { openEngine } from './engine.ts';
import { migrate } from './migrate.ts';

let engine: Engine;
let folder: string;
let dispose: () => Promise<void>;

beforeAll(async () => {
  ({ engine, folder, dispose } = await openTemporaryEngine());
});

afterAll(async () => {
  await dispose();
});

async function insertLogs(token: string, bodies: readonly string[]): Promise<void> {
  const path = join(folder, `${token}.jsonl`);
  const rows = bodies.map((body) =>
    JSON.stringify({ ProjectId: 'p', ReceivedAt: Math.floor(Date.now() / 1000), Body: body }),
  );
  await writeFile(path, rows.map((row) => `${row}\n`).join(''));
  await engine.insertFile({ table: 'otel_logs', path, format: 'JSONEachRow', token });
}

async function countLogs(body: string): Promise<number> {
  const [found] = await engine.rows<{ n: number }>(
    'SELECT toUInt32(count()) AS n FROM otel_logs WHERE Body = {body:String}',
    { body },
  );
  return found?.n ?? 0;
}

describe('the embedded engine', () => {
  test('a file inserted twice under one token is there once', async () => {
    await insertLogs('token-once', ['once']);
    await insertLogs('token-once', ['once']);

    expect(await countLogs('once')).toBe(1);
  });

  test('a token of one insert does not stick to the next: equal files under other tokens are all kept', async () => {
    for (const token of ['sticky-1', 'sticky-2', 'sticky-3']) await insertLogs(token, ['sticky']);

    expect(await countLogs('sticky')).toBe(3);
  });

  test('text that would end an inline insert stays text', async () => {
    const nasty = "x\n\nDROP TABLE rollcall.otel_logs; -- ' \\' \0 \u2028";
    await insertLogs('nasty', [nasty]);

    expect(await countLogs(nasty)).toBe(1);
  });

  test('parameters are bound, quotes and blank lines included', async () => {
    const value = "O'Brien\n\n'; DROP TABLE otel_logs --";

    const rows = await engine.rows('SELECT {value:String} AS value, {list:Array(String)} AS list', {
      value,
      list: [value, 'b'],
    });

    expect(rows).toEqual([{ value, list: [value, 'b'] }]);
  });

  test('many reads at once are all answered', async () => {
    const answers = await Promise.all(
      Array.from({ length: 50 }, (_, n) => engine.rows<{ n: number }>('SELECT {n:UInt32} AS n', { n })),
    );

    expect(answers.map(([row]) => row?.n)).toEqual(Array.from({ length: 50 }, (_, n) => n));
  });

  test('what a stranger asks is answered in the format asked for', async () => {
    const answer = await engine.readOnly('SELECT 1 AS a, {b:String} AS b', {
      format: 'CSVWithNames',
      parameters: { b: "it's" },
    });

    expect(await text(answer)).toBe('"a","b"\n1,"it\'s"\n');
  });

  test.each([
    ['a write', "INSERT INTO otel_logs (Body) VALUES ('x')"],
    ['a drop', 'DROP TABLE otel_logs'],
    ['a table function on files', "SELECT * FROM file('/etc/passwd', 'LineAsString')"],
    ['a table function on URLs', "SELECT * FROM url('http://127.0.0.1:1/', 'LineAsString')"],
    ['a file by an ordinary function', "SELECT file('/etc/hostname')"],
    ['a file in a lambda', "SELECT arrayMap(x -> file(x), ['/etc/hostname'])"],
    ['a file in capitals and quotes', "SELECT `file`('/etc/hostname')"],
    ['a file below a WITH', "WITH file('/etc/hostname') AS a SELECT a"],
    ['a file in EXPLAIN', "EXPLAIN SELECT * FROM file('/etc/passwd', 'LineAsString')"],
    ['a request by DESCRIBE', "DESCRIBE url('http://127.0.0.1:1/', 'JSONEachRow')"],
    ['a new file by DESCRIBE', "DESCRIBE sqlite('/tmp/rollcall-never.db', 't')"],
    ['statements in strings', "SELECT * FROM eval('SELECT 1')"],
    ['killing', 'KILL QUERY WHERE 1'],
    ['unlocking', 'SET readonly = 0'],
    ['unlocking in the statement', 'SELECT 1 SETTINGS readonly = 0'],
    ['a second statement', 'SELECT 1; DROP TABLE otel_logs'],
  ])('a stranger is refused %s', async (_, sql) => {
    await expect(engine.readOnly(sql, { format: 'JSONEachRow' })).rejects.toThrow();
    expect(
      await engine.rows(
        "SELECT 1 AS there FROM system.tables WHERE database = 'rollcall' AND name = 'otel_logs'",
      ),
    ).toHaveLength(1);
  });

  test.each([
    (path: string) => `SELECT 1 INTO OUTFILE '${path}'`,
    (path: string) => `SELECT 1 into/**/outfile '${path}'`,
    (path: string) => `SELECT 1 -- harmless\nINTO\tOUTFILE '${path}'`,
    (path: string) => `SELECT '--' INTO OUTFILE '${path}'`,
    (path: string) => `SELECT '\\'' INTO OUTFILE '${path}' --'`,
    (path: string) => `SELECT $$'$$ INTO OUTFILE '${path}' --'`,
  ])('a stranger writes no file (%#)', async (statement) => {
    const path = join(folder, `stolen-${Math.random()}`);

    await expect(engine.readOnly(statement(path), { format: 'TSV' })).rejects.toThrow();

    expect(existsSync(path)).toBe(false);
  });

  test.each([
    'SELECT 1',
    'WITH 1 AS a SELECT a UNION ALL SELECT 2',
    'DESCRIBE job_runs',
    'SHOW TABLES',
    'EXPLAIN SELECT * FROM job_runs',
    'SELECT count() FROM numbers(10)',
    "SELECT format('{}', 'x')",
    'SELECT 1;',
    '-- why\nSELECT 1',
  ])('a stranger may ask %j', async (sql) => {
    await expect(engine.readOnly(sql, { format: 'TSV' })).resolves.toBeDefined();
  });

  test('a result that is too large for memory is refused, and the next is answered', async () => {
    await expect(
      engine.readOnly("SELECT repeat('x', 1000000) FROM numbers(1000)", { format: 'TSV' }),
    ).rejects.toThrow(/bytes|memory/i);
    expect(await text(await engine.readOnly('SELECT 1', { format: 'TSV' }))).toBe('1\n');
  });

  test('a statement that fails half-way leaves nothing behind for the next', async () => {
    for (let n = 0; n < 6; n++) {
      await expect(engine.readOnly('SELECT 42; SELECT nonsense', { format: 'TSV' })).rejects.toThrow();
      expect(await text(await engine.readOnly('SELECT 1', { format: 'TSV' }))).toBe('1\n');
    }
  });

  test('a stranger who changes the database changes it for nobody else', async () => {
    for (let n = 0; n < 4; n++)
      await engine.readOnly('USE system', { format: 'Null' }).catch(() => undefined);

    expect(await text(await engine.readOnly('SELECT currentDatabase()', { format: 'TSV' }))).toBe(
      'rollcall\n',
    );
  });

  test('a stranger can still look for the word itself, as a parameter', async () => {
    const answer = await engine.readOnly('SELECT {word:String} AS word', {
      format: 'TSV',
      parameters: { word: 'into outfile' },
    });

    expect(await text(answer)).toBe('into outfile\n');
  });

  test('applying the migrations again changes nothing', async () => {
    const again = await migrate(engine, { rawRetentionDays: 90 });

    expect(new Set(again.map(({ outcome }) => outcome))).toEqual(new Set(['unchanged']));
  });

  test('it keeps to the limits of its file: merges that wait do not take memory', async () => {
    const settings = await engine.rows<{ name: string; value: string; isChanged: number }>(
      `SELECT name, value, changed AS isChanged FROM system.server_settings WHERE name = 'background_pool_size'
       UNION ALL
       SELECT name, value, changed FROM system.merge_tree_settings WHERE name = 'max_parts_to_merge_at_once'
       ORDER BY name`,
    );
    expect(settings).toEqual([
      { name: 'background_pool_size', value: '2', isChanged: 1 },
      { name: 'max_parts_to_merge_at_once', value: '10', isChanged: 1 },
    ]);
  });

  test('every column and every table of the schema is described', async () => {
    const undescribed = await engine.rows(
      `SELECT table, name FROM system.columns
       WHERE database = 'rollcall' AND comment = '' AND table IN (SELECT name FROM system.tables WHERE database = 'rollcall' AND engine LIKE '%MergeTree' AND name NOT LIKE '.inner%')`,
    );
    const unnamed = await engine.rows(
      "SELECT name FROM system.tables WHERE database = 'rollcall' AND comment = '' AND engine NOT IN ('MaterializedView')",
    );

    expect(undescribed).toEqual([]);
    expect(unnamed).toEqual([]);
  });

  test('no rollup stays beside what it has replaced', async () => {
    const rollups = [...ROLLUPS.map(({ table }) => table), 'client_run_history'];
    const tables = await engine.rows<{ name: string; ages: string[] }>(
      `SELECT name, extractAll(create_table_query, 'min_age_to_force_merge_seconds = (\\d+)') AS ages FROM system.tables
       WHERE database = currentDatabase() AND name IN {tables:Array(String)}`,
      { tables: rollups },
    );
    expect(tables.map(({ name }) => name).toSorted()).toEqual(rollups.toSorted());
    expect(tables.filter(({ ages }) => ages[0] !== '3600')).toEqual([]);
  });

  test('a folder that can not be made is named, with what would work', async () => {
    const file = join(folder, 'a-file');
    await writeFile(file, '');

    const opening = openEngine({ dataDir: join(file, 'data'), database: 'rollcall' });

    await expect(opening).rejects.toMatchObject({
      code: 'data_dir_unwritable',
      message: expect.stringContaining('ROLLCALL_DATA_DIR'),
    });
  });

  test('where no data is expected to be made, a missing folder is said', async () => {
    const empty = join(folder, 'nothing-here');
    await mkdir(empty);

    const opening = openEngine({ dataDir: empty, database: 'rollcall', mode: 'existing' });

    await expect(opening).rejects.toMatchObject({ code: 'no_data' });
  });
});
