/** The service against a ClickHouse server instead of its embedded engine. */

import { mkdtemp, readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { openEngine, type Engine, type FileInsert } from '../packages/ingest/src/store/engine.ts';
import { migrate } from '../packages/ingest/src/store/migrate.ts';
import { startClickHouse, type ClickHouseProcess } from './clickhouse-process.ts';
import {
  ask,
  askUntil,
  finished,
  rollcall,
  spawnScript,
  startProcess,
  temporaryFolder,
  type RunningService,
} from './rollcall-process.ts';
import { trackingClient } from './tracking-client.ts';

describe('the engine', () => {
  let folder: Awaited<ReturnType<typeof temporaryFolder>>;
  let clickhouse: ClickHouseProcess;
  let engine: Engine;
  let last: FileInsert | undefined;

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
    last = { table: 'otel_logs', path, format: 'JSONEachRow', token };
    await engine.insertFile(last);
  }

  function lastInsert(): FileInsert {
    if (last === undefined) throw new Error('Nothing was inserted yet.');
    return last;
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

  test('text that would end an inline insert stays text', async () => {
    const nasty = "x\n\nDROP TABLE rollcall.otel_logs; -- ' \\' \0 \u2028";
    await insertLogs('nasty', [nasty]);

    expect(await countLogs(nasty)).toBe(1);
  });

  test('what was cut off is completed by content, whatever the server remembers of its token', async () => {
    await insertLogs('cut', ['first', 'second', 'third']);
    await engine.command("DELETE FROM otel_logs WHERE Body = 'second'");
    expect(await countLogs('second')).toBe(0);

    // The rows were lost, the token is known; then the token is not known, and the rows are there.
    for (const token of ['cut', 'cut-anew']) {
      await engine.insertFile({ ...lastInsert(), token, isRepeat: true });
      expect(await Promise.all(['first', 'second', 'third'].map(countLogs))).toEqual([1, 1, 1]);
    }
    expect(await engine.rows("SELECT name FROM system.tables WHERE name LIKE 'insert_again_%'")).toEqual([]);
  });

  test('rows that are none are refused with the code of the server', async () => {
    const path = join(folder.path, 'broken.native');
    await writeFile(path, 'no block at all, whatever else it may be');
    const inserted = engine.insertFile({ table: 'otel_logs', path, format: 'Native', token: 'broken' });

    await expect(inserted).rejects.toMatchObject({ code: expect.stringMatching(/^\d+$/) });
  });

  test('applying the migrations again changes nothing', async () => {
    const again = await migrate(engine, { rawRetentionDays: 90 });

    expect(new Set(again.map(({ outcome }) => outcome))).toEqual(new Set(['unchanged']));
  });

  test('parameters are bound, quotes and blank lines included', async () => {
    const value = "O'Brien\n\n'; DROP TABLE otel_logs --";
    const rows = await engine.rows('SELECT {value:String} AS value, {list:Array(String)} AS list', {
      value,
      list: [value, 'b'],
    });

    expect(rows).toEqual([{ value, list: [value, 'b'] }]);
  });

  test('what a stranger asks is answered in the format asked for', async () => {
    const answer = await engine.readOnly('SELECT 1 AS a, {b:String} AS b', {
      format: 'CSVWithNames',
      parameters: { b: "it's" },
    });

    expect(await text(answer)).toBe('"a","b"\n1,"it\'s"\n');
  });

  test.each([
    "INSERT INTO otel_logs (Body) VALUES ('x')",
    'DROP TABLE otel_logs',
    "SELECT * FROM file('/etc/passwd', 'LineAsString')",
    "SELECT file('/etc/hostname')",
    "SELECT * FROM url('http://127.0.0.1:1/', 'LineAsString')",
    "SELECT 1 INTO OUTFILE '/tmp/stolen'",
    'SET readonly = 0',
    'SELECT 1 SETTINGS readonly = 0',
    'SELECT * FROM (SELECT 1 SETTINGS max_execution_time = 0)',
    'SELECT 1; DROP TABLE otel_logs',
    'KILL QUERY WHERE 1',
  ])('a stranger is refused %s', async (sql) => {
    await expect(engine.readOnly(sql, { format: 'JSONEachRow' })).rejects.toThrow();
    expect(await engine.rows("SELECT 1 AS there FROM system.tables WHERE name = 'otel_logs'")).toHaveLength(
      1,
    );
  });
});

describe('the service', () => {
  let folder: Awaited<ReturnType<typeof temporaryFolder>>;
  let clickhouse: ClickHouseProcess;
  let service: RunningService;

  beforeAll(async () => {
    folder = await temporaryFolder();
    clickhouse = await startClickHouse(join(folder.path, 'clickhouse'));
    service = await startProcess(join(folder.path, 'rollcall'), {
      ROLLCALL_CLICKHOUSE_URL: clickhouse.url,
      ROLLCALL_LOG_LEVEL: 'warn',
    });
  });

  afterAll(async () => {
    await service.stop();
    await clickhouse.stop();
    await folder.remove();
  });

  const verify = async (): Promise<{ code: number | null; stdout: string }> =>
    rollcall(['--data-dir', service.dataDir, 'verify'], { ROLLCALL_CLICKHOUSE_URL: clickhouse.url });

  test('keeps its data on the server, and no engine of its own', async () => {
    expect(await readdir(service.dataDir)).not.toContain('engine');
  });

  test('takes the example job, and concludes what became of it', async () => {
    const example = fileURLToPath(new URL('../examples/first-job.ts', import.meta.url));
    const { stdout } = await finished(spawnScript(example, [], { OTEL_EXPORTER_OTLP_ENDPOINT: service.url }));

    expect(stdout).toContain('Rollcall knows run');
    const [run] = await askUntil<Record<string, unknown>>(
      service.url,
      "SELECT verdict, clients_expected, clients_completed, clients_nothing_to_do, clients_failed FROM job_runs WHERE job_name = 'first_job'",
      ([found]) => found?.['verdict'] === 'completed_with_errors',
    );
    expect(run).toEqual({
      verdict: 'completed_with_errors',
      clients_expected: 4,
      clients_completed: 2,
      clients_nothing_to_do: 1,
      clients_failed: 1,
    });
    expect(await ask(service.url, "SELECT value FROM job_metrics WHERE metric = 'Leads Processed'")).toEqual([
      { value: 30 },
    ]);
  });

  test('takes a run over the tracking API', async () => {
    const api = trackingClient(service.url);
    const { status, body } = await api<{ runId: string }>('POST', '/runs', { job: 'tracked' });
    expect(status).toBe(201);
    await api('PUT', `/runs/${body.runId}/clients/acme`, {});
    await api('POST', `/runs/${body.runId}/clients/acme/complete`, { status: 'completed' });
    await api('POST', `/runs/${body.runId}/complete`, { status: 'completed' });

    const [run] = await askUntil<{ verdict: string }>(
      service.url,
      "SELECT verdict FROM job_runs WHERE job_name = 'tracked'",
      ([found]) => found?.verdict === 'completed',
    );
    expect(run).toEqual({ verdict: 'completed' });
  });

  test('its totals agree with the raw rows', async () => {
    const { code, stdout } = await verify();

    expect(stdout).toContain('Drift 0');
    expect(code).toBe(0);
  });

  test('a server killed with -9 under load, and started again, loses and doubles nothing', async () => {
    const program = fileURLToPath(new URL('./programs/steady-load.ts', import.meta.url));
    const load = spawnScript(program, [service.url, 'load']);
    const ended = finished(load);
    const count = "SELECT toUInt32(count()) AS n FROM otel_traces WHERE ServiceName = 'load'";
    await askUntil<{ n: number }>(service.url, count, ([found]) => (found?.n ?? 0) > 500);

    for (let kills = 0; kills < 3; kills++) {
      await clickhouse.kill();
      expect((await fetch(`${service.url}/readyz`)).status).toBe(503);
      const { port } = clickhouse;
      clickhouse = await startClickHouse(join(folder.path, 'clickhouse'), port);
      const [before] = await ask<{ n: number }>(service.url, count);
      await askUntil<{ n: number }>(service.url, count, ([found]) => (found?.n ?? 0) > (before?.n ?? 0));
    }
    load.kill('SIGTERM');
    const { stdout } = await ended;

    const acknowledged = Number(stdout.trim().split('\n').at(-1));
    expect(acknowledged).toBeGreaterThan(1_000);
    await askUntil<{ n: number }>(
      service.url,
      `SELECT toUInt32(uniqExactIf(SpanName, toUInt32(substring(SpanName, 6)) < ${acknowledged})) AS n FROM otel_traces WHERE ServiceName = 'load'`,
      ([found]) => found?.n === acknowledged,
    );
    expect(
      await ask(
        service.url,
        "SELECT SpanName, count() AS n FROM otel_traces WHERE ServiceName = 'load' GROUP BY SpanName HAVING n > 1",
      ),
    ).toEqual([]);
    expect(service.log()).toContain('insert failed, trying again');
    expect((await verify()).stdout).toContain('Drift 0');
  });

  test('a job that runs while the server is away is there when it is back', async () => {
    await clickhouse.kill();
    const { port } = clickhouse;
    const example = fileURLToPath(new URL('../examples/first-job.ts', import.meta.url));
    const job = finished(spawnScript(example, [], { OTEL_EXPORTER_OTLP_ENDPOINT: service.url }));
    await job;
    clickhouse = await startClickHouse(join(folder.path, 'clickhouse'), port);

    const runs = await askUntil<{ verdict: string; clients_failed: number }>(
      service.url,
      "SELECT verdict, clients_failed FROM job_runs WHERE job_name = 'first_job' ORDER BY run_id",
      (rows) => rows.length === 2 && rows.every(({ verdict }) => verdict === 'completed_with_errors'),
    );
    expect(runs.map(({ clients_failed: failed }) => failed)).toEqual([1, 1]);
    expect((await verify()).stdout).toContain('Drift 0');
  });
});

test('a service whose server is not there says so, without the password', async () => {
  const folder = await temporaryFolder();
  const { code, stderr } = await rollcall(['--data-dir', folder.path, 'up', '--port', '0'], {
    ROLLCALL_CLICKHOUSE_URL: 'http://default:secret-of-mine@127.0.0.1:1',
  });

  expect(code).not.toBe(0);
  expect(stderr).toContain('ROLLCALL_CLICKHOUSE_URL');
  expect(stderr).not.toContain('secret-of-mine');
  await folder.remove();
});
