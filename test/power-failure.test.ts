/** What was acknowledged outlives the machine, also where it was in ClickHouse already. */

import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, readdir, rename } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';
import { ask, askUntil, rollcall, startProcess, temporaryFolder } from './rollcall-process.ts';

const run = promisify(execFile);

/** A disk that loses what was not synced: to shut an ext4 down without its log is what a power failure does to it. */
class Disk {
  readonly path: string;
  readonly #image: string;

  private constructor(path: string, image: string) {
    this.path = path;
    this.#image = image;
  }

  /** Throws where this machine lets nobody make a disk. */
  static async make(folder: string): Promise<Disk> {
    const disk = new Disk(join(folder, 'disk'), join(folder, 'disk.img'));
    await mkdir(disk.path);
    await run('truncate', ['-s', '1G', disk.#image]);
    await run('mkfs.ext4', ['-q', '-F', disk.#image]);
    await disk.mount();
    return disk;
  }

  async mount(): Promise<void> {
    await run('mount', ['-o', 'loop', this.#image, this.path]);
  }

  async unmount(): Promise<void> {
    await run('umount', [this.path]);
  }

  /** Whoever still uses it keeps nothing by that. */
  async remove(): Promise<void> {
    await run('umount', ['--lazy', this.path]);
  }

  /** From here on nothing reaches it any more. */
  async failPower(): Promise<void> {
    // EXT4_IOC_SHUTDOWN, EXT4_GOING_FLAGS_NOLOGFLUSH
    const program =
      'open(my $disk, "<", $ARGV[0]) or die $!; my $flags = pack("L", 2); ioctl($disk, 0x8004587d, $flags) or die $!';
    await run('perl', ['-e', program, this.path]);
  }
}

/** To Rollcall it looks as if the machine had been booted. */
async function pretendBoot(dataDir: string): Promise<number> {
  const spool = join(dataDir, 'spool');
  const inserted = (await readdir(spool)).filter((name) => name.includes('.inserted.'));
  for (const name of inserted)
    await rename(join(spool, name), join(spool, name.replace(/\.inserted\..*/, '.inserted.00')));
  return inserted.length;
}

const RUN_ID = '260102-030405';
const CLIENTS = 40;

/** A client run that ended well, with an amount. */
function recordsOf(client: number): object {
  const attributes = (more: Record<string, string | number>) =>
    Object.entries({
      'rollcall.run.id': RUN_ID,
      'rollcall.job.name': 'billing',
      'rollcall.client.id': `client-${client}`,
      ...more,
    }).map(([key, value]) => ({
      key,
      value: typeof value === 'number' ? { intValue: String(value) } : { stringValue: value },
    }));
  const timeUnixNano = String(BigInt(Date.now()) * 1_000_000n);
  return {
    resourceLogs: [
      {
        scopeLogs: [
          {
            logRecords: [
              { timeUnixNano, eventName: 'rollcall.client_run.started', attributes: attributes({}) },
              {
                timeUnixNano,
                eventName: 'rollcall.client_run.ended',
                attributes: attributes({ 'rollcall.status': 'completed' }),
              },
            ],
          },
        ],
      },
    ],
  };
}

async function send(url: string, client: number): Promise<void> {
  const response = await fetch(`${url}/v1/logs`, {
    method: 'POST',
    headers: { 'Content-Type': 'application/json' },
    body: JSON.stringify(recordsOf(client)),
  });
  expect(await response.json()).toEqual({});
}

const KEPT =
  "SELECT toUInt32(count()) AS kept, toUInt32(uniqExact(ClientId)) AS clients FROM otel_logs WHERE RunId = '260102-030405'";

test('a power failure takes nothing that was acknowledged', async ({ skip, onTestFinished }) => {
  const folder = await temporaryFolder();
  const disk = await Disk.make(folder.path).catch((error: Error) => error);
  if (disk instanceof Error) {
    await folder.remove();
    return skip(`This machine lets nobody make a disk: ${disk.message}`);
  }
  onTestFinished(async () => {
    await disk.remove();
    await folder.remove();
  });
  const dataDir = join(disk.path, 'data');
  await mkdir(dataDir);
  const service = await startProcess(dataDir);
  await run('sync', ['-f', dataDir]);
  let sent = 0;
  // Each of these is in ClickHouse before the next is sent: the syncs of the spool put on disk that the files went.
  while (sent < CLIENTS) {
    await send(service.url, sent++);
    await askUntil<{ clients: number }>(service.url, KEPT, ([found]) => found?.clients === sent);
  }
  await send(service.url, sent++);

  await disk.failPower();
  const isDead = once(service.process, 'exit');
  service.process.kill('SIGKILL');
  await isDead;
  await disk.unmount();
  await disk.mount();
  expect(await pretendBoot(dataDir)).toBeGreaterThan(0);

  const again = await startProcess(dataDir);
  await askUntil<{ clients: number }>(again.url, KEPT, ([found]) => found?.clients === sent);
  expect(await ask(again.url, KEPT)).toEqual([{ kept: 2 * sent, clients: sent }]);
  await askUntil<{ n: number }>(
    again.url,
    `SELECT toUInt32(countIf(verdict = 'completed')) AS n FROM client_runs WHERE run_id = '${RUN_ID}'`,
    ([found]) => found?.n === sent,
  );
  expect(await rollcall(['verify', '--data-dir', dataDir])).toMatchObject({ code: 0 });
  expect((await again.stop()).code).toBe(0);
});
