/** A service that can not start says why, harms nothing, and ends with 2. */

import { createServer } from 'node:net';
import { writeFile } from 'node:fs/promises';
import { once } from 'node:events';
import { join } from 'node:path';
import type { AddressInfo } from 'node:net';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { ask, rollcall, startProcess, temporaryFolder } from './rollcall-process.ts';

let folder: Awaited<ReturnType<typeof temporaryFolder>>;

beforeEach(async () => {
  folder = await temporaryFolder();
});

afterEach(async () => {
  await folder.remove();
});

test('a second service on one data folder is refused, and the first goes on', async () => {
  const first = await startProcess(folder.path);

  const second = await rollcall(['up', '--port', '0', '--data-dir', folder.path]);

  expect(second.code).toBe(2);
  expect(second.stderr).toContain('in use by process');
  expect(second.stderr).toContain('ROLLCALL_DATA_DIR');
  expect(await ask(first.url, 'SELECT 1 AS one')).toEqual([{ one: 1 }]);
  expect((await first.stop()).code).toBe(0);
});

test('commands find the running service that holds the data folder', async () => {
  const service = await startProcess(folder.path);

  const answered = await rollcall([
    '--data-dir',
    folder.path,
    'sql',
    'SELECT count() AS n FROM job_runs',
    '--format',
    'JSONEachRow',
  ]);
  const migrated = await rollcall(['--data-dir', folder.path, 'migrate']);

  expect(answered).toMatchObject({ code: 0, stdout: '{"n":0}\n' });
  expect(migrated.stdout).toContain(service.url);
  await service.stop();
});

test('a lock that a dead process left is taken over', async () => {
  await writeFile(
    join(folder.path, 'service.json'),
    JSON.stringify({ pid: 4_194_000, url: 'http://127.0.0.1:1', localKey: 'x' }),
  );

  const service = await startProcess(folder.path);

  expect((await service.stop()).code).toBe(0);
});

test('a data folder that can not be written is named', async () => {
  const file = join(folder.path, 'file');
  await writeFile(file, '');

  const { code, stderr } = await rollcall(['up', '--port', '0', '--data-dir', join(file, 'data')]);

  expect(code).toBe(2);
  expect(stderr).toContain(`The data folder '${join(file, 'data')}' can not be written (ENOTDIR)`);
});

test('a taken port is named, with the way out', async () => {
  const blocker = createServer().listen(0, '127.0.0.1');
  await once(blocker, 'listening');
  const { port } = blocker.address() as AddressInfo;

  const { code, stderr } = await rollcall(['up', '--port', String(port), '--data-dir', folder.path]);

  expect(code).toBe(2);
  expect(stderr).toContain(`Port ${port} on 127.0.0.1 is taken`);
  expect(stderr).toContain('ROLLCALL_PORT');
  blocker.close();
});

test('without a key the service refuses every address but loopback', async () => {
  const { code, stderr } = await rollcall([
    'up',
    '--host',
    '0.0.0.0',
    '--port',
    '0',
    '--data-dir',
    folder.path,
  ]);

  expect(code).toBe(2);
  expect(stderr).toContain('rollcall keys add');
});

test.each([
  ['ROLLCALL_PORT', 'http', 'ROLLCALL_PORT'],
  ['ROLLCALL_CLICKHOUSE_URL', 'localhost:8123', 'ROLLCALL_CLICKHOUSE_URL'],
  ['ROLLCALL_DATABASE', 'x; DROP DATABASE rollcall', 'letters, digits and _ only'],
  ['ROLLCALL_RAW_RETENTION_DAYS', '0', 'ROLLCALL_RAW_RETENTION_DAYS'],
])('an unusable %s is refused', async (name, value, words) => {
  const { code, stderr } = await rollcall(['up', '--data-dir', folder.path], { [name]: value });

  expect(code).toBe(2);
  expect(stderr).toContain(words);
});

test('a ClickHouse server that does not answer is named without its password', async () => {
  const { code, stderr } = await rollcall(['up', '--port', '0', '--data-dir', folder.path], {
    ROLLCALL_CLICKHOUSE_URL: 'http://writer:secret-word@127.0.0.1:1',
  });

  expect(code).toBe(2);
  expect(stderr).toContain('http://writer@127.0.0.1:1');
  expect(stderr).not.toContain('secret-word');
});

test('a damaged key file stops the service instead of opening it to everybody', async () => {
  await writeFile(join(folder.path, 'keys.json'), '{"keys": [');

  const { code, stderr } = await rollcall(['up', '--port', '0', '--data-dir', folder.path]);

  expect(code).toBe(2);
  expect(stderr).toContain('is damaged');
});
