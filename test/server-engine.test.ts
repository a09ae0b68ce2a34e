/** The service against a ClickHouse server instead of its embedded engine. */

import { mkdtemp, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { openEngine, type Engine } from '../packages/ingest/src/store/engine.ts';
import { migrate } from '../packages/ingest/src/store/migrate.ts';
import { startClickHouse, type ClickHouseProcess } from './clickhouse-process.ts';
import { temporaryFolder } from './rollcall-process.ts';

let folder: Awaited<ReturnType<typeof temporaryFolder>>;
let clickhouse: ClickHouseProcess;
let engine: Engine;

beforeAll(async () => {
  folder = await temporaryFolder();
  clickhouse = await startClickHouse(join(folder.path, 'clickhouse'));
  engine = await openEngine({ clickhouseUrl: clickhouse.url, database: 'rollcall', dataDir: folder.path });
  await migrate(engine, { rawRetentionDays: 90 });
});

afterAll(async () => {
  await engine.close();
  await clickhouse.stop();
  await folder.remove();
});

async function insertLogs(token: string, bodies: readonly string[]): Promise<void> {
  const path = join(await mkdtemp(join(folder.path, 'rows-')), 'rows.jsonl');
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

test('a file inserted twice under one token is there once, and the next token is not touched by it', async () => {
  for (const token of ['one', 'one', 'two', 'three']) await insertLogs(token, ['same']);

  expect(await countLogs('same')).toBe(3);
});

test('applying the migrations again changes nothing', async () => {
  const again = await migrate(engine, { rawRetentionDays: 90 });

  expect(new Set(again.map(({ outcome }) => outcome))).toEqual(new Set(['unchanged']));
});
