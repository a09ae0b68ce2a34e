import { spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, truncateSync, writeFileSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { diag, DiagLogLevel } from '@opentelemetry/api';
import { expect, onTestFinished, test } from 'vitest';
import { DESTINATION_FILE } from './destination.ts';
import { TelemetrySpool, type Contents } from './telemetry-spool.ts';

function openSpool(
  maxBytes = 1_000_000,
  folder = mkdtempSync(join(tmpdir(), 'rollcall-spool-')),
): TelemetrySpool {
  onTestFinished(async () => rm(folder, { recursive: true, force: true }));
  return new TelemetrySpool({ folder, endpoint: new URL('http://user:secret@ingest:4318/base'), maxBytes });
}

function keep(spool: TelemetrySpool, contents: Contents, text: string): string {
  const path = contents === 'spans' ? 'v1/traces' : contents === 'points' ? 'v1/metrics' : 'v1/logs';
  return spool.keep({ contents, path, contentType: 'application/json', body: Buffer.from(text) });
}

async function drain(spool: TelemetrySpool): Promise<string[]> {
  const arrived: string[] = [];
  await spool.drain(async ({ path, body }) => {
    arrived.push(`${path} ${gunzipSync(body).toString()}`);
    return { status: 'done' };
  });
  return arrived;
}

function files(spool: TelemetrySpool): string[] {
  return readdirSync(spool.folder).filter((name) => name !== DESTINATION_FILE);
}

test('what was kept is sent in its order, and is gone then', async () => {
  const spool = openSpool();
  expect(await spool.waiting()).toBe(0);
  for (const [contents, text] of [
    ['events', 'started'],
    ['points', 'total'],
    ['spans', 'span'],
  ] as const) {
    expect(keep(spool, contents, text)).toBe('kept');
  }
  expect(await spool.waiting()).toBe(3);
  expect(await drain(spool)).toEqual(['v1/logs started', 'v1/metrics total', 'v1/traces span']);
  expect(files(spool)).toEqual([]);
});

test('what ingest does not take stays, with all that follows', async () => {
  const spool = openSpool();
  for (const text of ['1', '2', '3']) keep(spool, 'events', text);
  const tried: string[] = [];
  const drained = await spool.drain(async ({ body }) => {
    tried.push(gunzipSync(body).toString());
    return tried.length === 2 ? { status: 'stop', reason: 'away' } : { status: 'done' };
  });
  expect(drained).toEqual({ sent: 1, stopped: 'away' });
  expect(tried).toEqual(['1', '2']);
  expect(await drain(spool)).toEqual(['v1/logs 2', 'v1/logs 3']);
});

test('without room the oldest signs of life go first, then log lines, then spans; ends and totals never', async () => {
  const spool = openSpool(900);
  const noise = () => Array.from({ length: 30 }, () => Math.random().toString(36)).join('');
  for (const contents of ['events', 'beats', 'beats', 'logs', 'spans', 'points'] as const) {
    keep(spool, contents, `${contents} ${noise()}`);
  }
  const left = files(spool).map((name) => name.split('.')[1]);
  expect(left).toEqual(['events', 'points']);
  expect(keep(spool, 'spans', noise() + noise())).toBe('full');
  for (let more = 0; more < 5; more++) expect(keep(spool, 'events', noise())).toBe('kept');
  expect(files(spool)).toHaveLength(7);
});

test('while there is room among them, only the oldest sign of life goes', () => {
  const spool = openSpool(1_400);
  const noise = () => Array.from({ length: 30 }, () => Math.random().toString(36)).join('');
  for (const contents of ['beats', 'beats', 'spans', 'events'] as const) keep(spool, contents, noise());
  expect(files(spool).map((name) => name.split('.')[1])).toEqual(['beats', 'spans', 'events']);
});

test('a torn file is skipped with a message and put aside; the others are sent', async () => {
  const said: string[] = [];
  const nothing = () => undefined;
  const warn = (...words: unknown[]) => void said.push(words.join(' '));
  diag.setLogger(
    { error: nothing, warn, info: nothing, debug: nothing, verbose: nothing },
    DiagLogLevel.WARN,
  );
  onTestFinished(() => diag.disable());
  const spool = openSpool();
  for (const text of ['cut', 'changed', 'no header', 'whole']) keep(spool, 'events', text);
  const [cut = '', changed = '', headless = ''] = files(spool).map((name) => join(spool.folder, name));
  truncateSync(cut, readFileSync(cut).length - 3);
  const bytes = readFileSync(changed);
  bytes[bytes.length - 1]! ^= 1;
  writeFileSync(changed, bytes);
  writeFileSync(headless, 'nothing of ours');

  expect(await drain(spool)).toEqual(['v1/logs whole']);
  expect(said.join('\n')).toMatch(/holds \d+ of \d+ bytes[^]*checksum is wrong[^]*no header/);
  expect(files(spool).every((name) => name.endsWith('.torn'))).toBe(true);
  expect(await drain(spool)).toEqual([]);
});

test('several that send from one folder at once send each request once', async () => {
  const first = openSpool();
  const others = [first, openSpool(1_000_000, first.folder), openSpool(1_000_000, first.folder)];
  const kept = Array.from({ length: 60 }, (_, index) => `v1/logs ${index}`);
  for (const [index] of kept.entries()) keep(others[index % 3] ?? first, 'events', String(index));
  const arrived = (await Promise.all(others.map(drain))).flat();
  expect(arrived.toSorted()).toEqual(kept.toSorted());
});

test('what a process had taken to send when it died is free again', async () => {
  const spool = openSpool();
  keep(spool, 'events', 'orphaned');
  const [name = ''] = files(spool);
  const { hostname } = await import('node:os');
  const path = join(spool.folder, name);
  // No process has so high a number.
  writeFileSync(`${path}.${hostname().replaceAll(/[^\w.-]/g, '_')}~4194305~00000000`, readFileSync(path));
  await rm(path);
  expect(await drain(spool)).toEqual(['v1/logs orphaned']);
});

test('its folder names the endpoint, and no credentials', () => {
  const spool = openSpool();
  keep(spool, 'events', 'x');
  expect(readFileSync(join(spool.folder, DESTINATION_FILE), 'utf8')).toBe('http://ingest:4318/base\n');
});

test('a folder that cannot be made loses the request, and does not throw', () => {
  const file = join(mkdtempSync(join(tmpdir(), 'rollcall-spool-')), 'file');
  writeFileSync(file, '');
  const spool = new TelemetrySpool({
    folder: join(file, 'spool'),
    endpoint: new URL('http://ingest'),
    maxBytes: 1_000,
  });
  expect(keep(spool, 'events', 'x')).toBe('failed');
});

test('a disk that takes only a part of a file has not kept it', async () => {
  const spool = openSpool();
  const program = `
    import { TelemetrySpool } from ${JSON.stringify(new URL('./telemetry-spool.ts', import.meta.url).href)};
    import { randomBytes } from 'node:crypto';
    const spool = new TelemetrySpool({ folder: ${JSON.stringify(spool.folder)}, endpoint: new URL('http://127.0.0.1:1'), maxBytes: 1e6 });
    console.log(spool.keep({ contents: 'events', path: 'v1/logs', contentType: 'application/json', body: randomBytes(100_000) }));`;
  const node = ['--conditions=rollcall-source', '--input-type=module', '--eval', program];
  // No file may be longer than 32 KiB: what is written beyond that is cut off.
  const { stdout } = spawnSync('bash', ['-c', 'ulimit -f 32; exec "$@"', '-', process.execPath, ...node], {
    encoding: 'utf8',
  });

  expect(stdout).toBe('failed\n');
  expect(await spool.waiting()).toBe(0);
});
