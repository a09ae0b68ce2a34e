import { appendFile, mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { Spool, type Segment, type SpoolOptions } from './spool.ts';

let folder: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'rollcall-spool-'));
});

afterEach(async () => {
  await rm(folder, { recursive: true, force: true });
});

async function openSpool(options: Partial<SpoolOptions> = {}): Promise<{ spool: Spool; sealed: Segment[] }> {
  const sealed: Segment[] = [];
  const spool = await Spool.open({
    folder,
    segmentAgeMs: 60_000,
    onSealed: (segment) => sealed.push(segment),
    onTrouble: (error) => {
      throw error;
    },
    ...options,
  });
  return { spool, sealed };
}

function rows(table: string, ...lines: string[]): { table: string; rows: number; bytes: Buffer }[] {
  return [{ table, rows: lines.length, bytes: Buffer.from(lines.map((line) => `${line}\n`).join('')) }];
}

async function contentOf(segments: readonly Segment[]): Promise<string[]> {
  const texts = await Promise.all(segments.map(({ path }) => readFile(path, 'utf8')));
  return texts.flatMap((text) => text.split('\n').filter((line) => line !== ''));
}

test('accepted rows are on disk before the answer', async () => {
  const { spool } = await openSpool();

  const acceptance = await spool.append(rows('t', '{"a":1}'));

  const [name] = await readdir(folder);
  expect(acceptance).toEqual({ status: 'accepted', segments: [expect.stringMatching(/\.t$/)] });
  expect(await readFile(join(folder, name ?? ''), 'utf8')).toBe('{"a":1}\n');
  await spool.close();
});

test('a thousand concurrent requests end in one segment a table, each row once', async () => {
  const { spool, sealed } = await openSpool();

  await Promise.all(Array.from({ length: 1_000 }, (_, n) => spool.append(rows(`t${n % 2}`, `{"n":${n}}`))));
  await spool.close();

  expect(sealed.map(({ table }) => table).toSorted()).toEqual(['t0', 't1']);
  expect(new Set(await contentOf(sealed)).size).toBe(1_000);
});

test('requests that arrive while segments are being finished lose nothing', async () => {
  const { spool, sealed } = await openSpool({ segmentBytes: 64 });
  const appended: Promise<unknown>[] = [];
  for (let n = 0; n < 300; n++) {
    appended.push(spool.append(rows('t', `{"n":${n}}`)));
    if (n % 7 === 0) appended.push(spool.seal());
    if (n % 31 === 0) await new Promise((resolve) => setImmediate(resolve));
  }

  await Promise.all(appended);
  await spool.close();

  expect(await contentOf(sealed)).toEqual(Array.from({ length: 300 }, (_, n) => `{"n":${n}}`));
});

test('what a dead process left is handed out again under the same token, in the old order, its torn row cut', async () => {
  const first = await openSpool();
  await first.spool.append(rows('t', '{"n":1}'));
  await first.spool.seal();
  await first.spool.append(rows('t', '{"n":2}'));
  const open = (await readdir(folder)).find((name) => name.endsWith('.open')) ?? '';
  await appendFile(join(folder, open), '{"n":3,"torn');

  const second = await openSpool();

  expect(await contentOf(second.sealed)).toEqual(['{"n":1}', '{"n":2}']);
  expect(second.sealed.map(({ token }) => token)).toEqual([
    first.sealed[0]?.token,
    open.replace('.open', ''),
  ]);
  expect(second.sealed.map(({ table }) => table)).toEqual(['t', 't']);
});

test('a full spool says when to come back, and has room again when a segment is dropped', async () => {
  const { spool, sealed } = await openSpool({ maxBytes: 10 });
  await spool.append(rows('t', '{"n":123456789}'));

  const refused = await spool.append(rows('t', '{"n":2}'));
  await spool.seal();
  for (const segment of sealed) await spool.drop(segment);

  expect(refused).toMatchObject({ status: 'retry', reason: 'the spool is full' });
  expect(await spool.append(rows('t', '{"n":3}'))).toMatchObject({ status: 'accepted' });
  await spool.close();
});

test('a closed spool takes nothing more', async () => {
  const { spool } = await openSpool();
  await spool.close();

  expect(await spool.append(rows('t', '{}'))).toMatchObject({ status: 'retry' });
});

test('a segment that is set aside is kept with its reason', async () => {
  const { spool, sealed } = await openSpool();
  await spool.append(rows('t', 'not json'));
  await spool.seal();

  const path = await spool.setAside(sealed[0] as Segment, 'cannot parse');

  expect(await readFile(path, 'utf8')).toBe('not json\n');
  expect(await readFile(`${path}.reason.txt`, 'utf8')).toBe('cannot parse\n');
  expect(spool.sizeBytes).toBe(0);
});
