/** The SQL port of a service: how it is found, who is let in, and what becomes of it. */

import { once } from 'node:events';
import { readFile, stat } from 'node:fs/promises';
import { createServer, type AddressInfo } from 'node:net';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { startClickHouse } from './clickhouse-process.ts';
import { rollcall, startProcess, temporaryFolder, type RunningService } from './rollcall-process.ts';
import { trackingClient } from './tracking-client.ts';

let folder: Awaited<ReturnType<typeof temporaryFolder>>;

beforeEach(async () => {
  folder = await temporaryFolder();
});

afterEach(async () => {
  await folder.remove();
});

/** Where the banner says that the port is. */
function sqlUrl(service: RunningService): string {
  const found = /SQL\s+(http:\/\/\S+)/.exec(service.banner())?.[1];
  if (found === undefined) throw new Error(`No SQL port in: ${service.banner()}`);
  return found;
}

const passwordOf = async (): Promise<string> =>
  (await readFile(join(folder.path, 'sql-password'), 'utf8')).trim();

async function rowsOf(url: string, user: string, password: string, query: string): Promise<unknown[]> {
  const response = await fetch(`${url}/?default_format=JSONEachRow`, {
    method: 'POST',
    body: query,
    headers: { 'X-ClickHouse-User': user, 'X-ClickHouse-Key': password },
  });
  const text = await response.text();
  if (!response.ok) throw new Error(text);
  return text
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as unknown);
}

test('a service prints where its SQL port is, and the password lies where only its owner reads it', async () => {
  const service = await startProcess(folder.path, { ROLLCALL_SQL_PORT: '0' });
  const password = await passwordOf();

  expect(service.banner()).toContain(join(folder.path, 'sql-password'));
  expect(service.banner()).not.toContain(password);
  expect(service.log()).not.toContain(password);
  expect((await stat(join(folder.path, 'sql-password'))).mode & 0o777).toBe(0o600);
  expect(new URL(sqlUrl(service)).hostname).toBe('127.0.0.1');
  expect(await rowsOf(sqlUrl(service), 'rollcall', password, 'SELECT count() AS n FROM job_runs')).toEqual([
    { n: 0 },
  ]);
  await service.stop();

  const again = await startProcess(folder.path, { ROLLCALL_SQL_PORT: '0' });
  expect(await passwordOf()).toBe(password);
  await again.stop();
});

test('a password of the settings is the password, and none is kept', async () => {
  const password = 'chosen-by-the-operator';
  const service = await startProcess(folder.path, {
    ROLLCALL_SQL_PORT: '0',
    ROLLCALL_SQL_PASSWORD: password,
  });

  expect(await rowsOf(sqlUrl(service), 'rollcall', password, 'SELECT 1 AS one')).toEqual([{ one: 1 }]);
  await expect(passwordOf()).rejects.toMatchObject({ code: 'ENOENT' });
  await service.stop();
  const { code, stderr } = await rollcall(['up', '--port', '0', '--data-dir', folder.path], {
    ROLLCALL_SQL_PASSWORD: 'too-short',
  });
  expect([code, stderr.includes('ROLLCALL_SQL_PASSWORD'), stderr.includes('too-short')]).toEqual([
    2,
    true,
    false,
  ]);
});

test("a project's key is a password for that project's runs, and what is tracked shows there", async () => {
  const keyOf = async (project: string): Promise<string> => {
    const { stdout } = await rollcall([
      '--data-dir',
      folder.path,
      'keys',
      'add',
      '--project',
      project,
      '--scopes',
      'ingest,read',
    ]);
    return /rc_\w+_[\w-]+/.exec(stdout)?.[0] ?? '';
  };
  const keys = { acme: await keyOf('acme'), globex: await keyOf('globex') };
  const service = await startProcess(folder.path, { ROLLCALL_SQL_PORT: '0' });
  for (const [project, key] of Object.entries(keys)) {
    const { status } = await trackingClient(service.url, key)('POST', '/runs', { job: `of_${project}` });
    expect(status).toBe(201);
  }

  const query = 'SELECT DISTINCT project_id, job_name FROM job_runs';
  for (const [project, key] of Object.entries(keys)) {
    await expect
      .poll(() => rowsOf(sqlUrl(service), project, key, query), { timeout: 20_000 })
      .toEqual([{ project_id: project, job_name: `of_${project}` }]);
  }
  expect(
    await rowsOf(sqlUrl(service), 'rollcall', await passwordOf(), `${query} ORDER BY job_name`),
  ).toHaveLength(2);
  await service.stop();
});

test('who is not let in is counted', async () => {
  const service = await startProcess(folder.path, { ROLLCALL_SQL_PORT: '0' });
  await expect(rowsOf(sqlUrl(service), 'rollcall', 'guessed', 'SELECT 1')).rejects.toThrow(/Code: 516/);
  const metrics = await (await fetch(`${service.url}/metrics`)).text();

  expect(metrics).toMatch(/refused_requests\w*\{reason="sql_credentials"\} 1/);
  await service.stop();
});

test('slow statements hold up nobody who sends', async () => {
  const service = await startProcess(folder.path, { ROLLCALL_SQL_PORT: '0' });
  const password = await passwordOf();
  let answered = 0;
  const slow = Array.from({ length: 6 }, async () => {
    await rowsOf(sqlUrl(service), 'rollcall', password, 'SELECT sum(sleepEachRow(0.5)) FROM numbers(6)');
    answered++;
  });
  await expect
    .poll(() => rowsOf(sqlUrl(service), 'rollcall', 'wrong', '').catch((error: Error) => error.message))
    .toContain('516');

  // On disk, and then in ClickHouse.
  const { status } = await trackingClient(service.url)('POST', '/runs', { job: 'meanwhile' });
  expect([status, answered]).toEqual([201, 0]);
  await Promise.all(slow);
  await service.stop();
});

test('a stop does not wait for a reader who takes his time', async () => {
  const service = await startProcess(folder.path, { ROLLCALL_SQL_PORT: '0' });
  const response = await fetch(`${sqlUrl(service)}/?query=SELECT+number+FROM+numbers(100000000000)`, {
    headers: { 'X-ClickHouse-User': 'rollcall', 'X-ClickHouse-Key': await passwordOf() },
  });
  expect(response.status).toBe(200);

  const startedMs = Date.now();
  const { code } = await service.stop();

  expect(code).toBe(0);
  expect(Date.now() - startedMs).toBeLessThan(15_000);
  await response.body?.cancel().catch(() => undefined);
});

test('a port that was asked for and is taken is a reason not to start; the service says which', async () => {
  const other = createServer().listen(0, '127.0.0.1');
  await once(other, 'listening');
  const { port } = other.address() as AddressInfo;

  const { code, stderr } = await rollcall(['up', '--port', '0', '--data-dir', folder.path], {
    ROLLCALL_SQL_PORT: String(port),
  });

  expect(code).toBe(2);
  expect(stderr).toContain('ROLLCALL_SQL_PORT');
  other.close();
});

test('a connection outlives the pauses of who holds it', async () => {
  const service = await startProcess(folder.path, { ROLLCALL_SQL_PORT: '0' });

  for (const url of [`${service.url}/healthz`, `${sqlUrl(service)}/ping`]) {
    const response = await fetch(url);
    expect(response.status).toBe(200);
    expect(response.headers.get('keep-alive')).toBe('timeout=75');
  }
  await service.stop();
});

test('off is off, and a ClickHouse server has a port of its own', async () => {
  const off = await startProcess(folder.path, { ROLLCALL_SQL_PORT: 'off' });
  expect(off.banner()).not.toMatch(/SQL /);
  await off.stop();

  const clickhouse = await startClickHouse(join(folder.path, 'clickhouse'));
  const service = await startProcess(join(folder.path, 'other'), {
    ROLLCALL_SQL_PORT: '0',
    ROLLCALL_CLICKHOUSE_URL: clickhouse.url,
  });
  expect(service.banner()).not.toMatch(/SQL /);
  await service.stop();
  await clickhouse.stop();
});
