import { chmod, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { DiskSync } from './sync-disk.ts';

const { PATH } = process.env;
let folder: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'rollcall-sync-'));
});

afterEach(async () => {
  process.env['PATH'] = PATH;
  await rm(folder, { recursive: true, force: true });
});

test('the file system is synced', async () => {
  const disk = new DiskSync(folder);
  await disk.sync();
  await Promise.all([disk.sync(), disk.sync()]);
  disk.stop();
});

test('one shell, which asks for help when it starts, runs one sync of the folder after the other', async () => {
  const log = join(folder, 'log');
  const disk = await withPrograms({ sync: `echo "asked for:$*" >> ${log}; echo knows -f` });
  await disk.sync();
  await Promise.all([disk.sync(), disk.sync()]);
  expect(await readFile(log, 'utf8')).toBe(`asked for:--help\n${`asked for:-f ${folder}\n`.repeat(3)}`);
  disk.stop();
});

test('a disk that can not be synced is told with its reason, and the next time is another try', async () => {
  const missing = join(folder, 'options', 'not yet *');
  const disk = new DiskSync(missing);
  await expect(disk.sync()).rejects.toThrow(/could not be synced.*options\/not yet \*.*No such file/);
  await expect(disk.sync()).rejects.toThrow('No such file');
  disk.stop();
});

test('a shell that is gone is started again', async () => {
  const disk = new DiskSync(folder);
  await disk.sync();
  disk.stop();
  await pause(200);
  await disk.sync();
  disk.stop();
});

test('a machine without the program is given the time that it takes by itself', async () => {
  const disk = await withPrograms({});
  expect(await Promise.race([disk.sync(), pause(500, 'waits')])).toBe('waits');
  disk.stop();
});

test('a machine without a shell is given that time too', async () => {
  process.env['PATH'] = folder;
  const disk = new DiskSync(folder);
  expect(await Promise.race([disk.sync(), pause(500, 'waits')])).toBe('waits');
  disk.stop();
});

test('a program that knows no file systems syncs all of them', async () => {
  const log = join(folder, 'log');
  const disk = await withPrograms({ sync: `echo "asked for:$*" >> ${log}` });
  await disk.sync();
  expect(await readFile(log, 'utf8')).toBe('asked for:--help\nasked for:\n');
  disk.stop();
});

async function withPrograms(programs: Readonly<Record<string, string>>): Promise<DiskSync> {
  await symlink('/bin/sh', join(folder, 'sh'));
  for (const [name, program] of Object.entries(programs)) {
    await writeFile(join(folder, name), `#!/bin/sh\n${program}\n`);
    await chmod(join(folder, name), 0o755);
  }
  process.env['PATH'] = folder;
  return new DiskSync(folder);
}
