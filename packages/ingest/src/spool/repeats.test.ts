/** A request that is sent again is known, whatever has become of the process meanwhile. */

import { appendFile, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { requestKeyOf } from '../otlp/request-key.ts';
import { blockOf, textsOf } from './block.fixture.ts';
import { Repeats } from './repeats.ts';
import { Spool, type Segment } from './spool.ts';

let folder: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'rollcall-repeats-'));
});

afterEach(async () => {
  await rm(folder, { recursive: true, force: true });
});

const key = (text: string): string => requestKeyOf('default', 'traces', Buffer.from(text));

async function openBoth(): Promise<{ repeats: Repeats; spool: Spool; sealed: Segment[] }> {
  const repeats = await Repeats.open(folder);
  const sealed: Segment[] = [];
  const spool = await Spool.open({
    folder,
    repeats,
    segmentAgeMs: 60_000,
    onSealed: (segment) => sealed.push(segment),
    onTrouble: (error) => {
      throw error;
    },
  });
  return { repeats, spool, sealed };
}

test('it is known while its rows are in a segment that a killed process left behind', async () => {
  const first = await openBoth();
  await first.spool.append([blockOf([key('a'), key('b')], 'traces', 'a', 'b')]);
  await first.spool.append([blockOf([key('c')], 'traces', 'c'), blockOf([key('c')], 'logs', 'c')]);

  // Nothing is closed: this is what is there after kill -9.
  const { repeats, sealed } = await openBoth();

  expect(repeats.tablesOf(key('a'))).toEqual(['traces']);
  expect(repeats.tablesOf(key('c')).toSorted()).toEqual(['logs', 'traces']);
  expect(repeats.tablesOf(key('d'))).toEqual([]);
  expect((await textsOf(sealed)).toSorted()).toEqual(['a', 'b', 'c', 'c']);
});

test('it is known after its segment has gone to ClickHouse', async () => {
  const first = await openBoth();
  await first.spool.append([blockOf([key('a')], 'traces', 'a')]);
  await first.spool.seal();
  for (const segment of first.sealed) await first.spool.drop(segment);

  const { repeats, sealed } = await openBoth();

  expect(sealed).toEqual([]);
  expect(repeats.tablesOf(key('a'))).toEqual(['traces']);
});

test('a torn block takes its requests along, and a torn line in the file is no request', async () => {
  const first = await openBoth();
  await first.spool.append([blockOf([key('kept')], 'traces', 'kept')]);
  const [name = ''] = (await readdir(folder)).filter((file) => file.endsWith('.native.open'));
  const torn = blockOf([key('torn')], 'traces', 'torn').bytes;
  await appendFile(join(folder, name), torn.subarray(0, torn.length - 1));
  await writeFile(
    join(folder, 'requests.log'),
    `\ntraces ${key('dropped')} ${key('cut').slice(0, 9)}\nlogs ${key('after')}`,
  );

  const { repeats } = await openBoth();

  expect(repeats.tablesOf(key('kept'))).toEqual(['traces']);
  expect(repeats.tablesOf(key('dropped'))).toEqual(['traces']);
  expect(repeats.tablesOf(key('after'))).toEqual(['logs']);
  expect(repeats.tablesOf(key('torn'))).toEqual([]);
  expect(repeats.tablesOf(key('cut').slice(0, 9))).toEqual([]);
});

test('a damaged name is noticed by the checksum', async () => {
  const first = await openBoth();
  await first.spool.append([blockOf([key('a')], 'traces', 'a')]);
  const [name = ''] = (await readdir(folder)).filter((file) => file.endsWith('.native.open'));
  const content = await readFile(join(folder, name));
  content.write('x', content.indexOf(key('a')));
  await writeFile(join(folder, name), content);

  const { repeats, sealed } = await openBoth();

  expect(sealed).toEqual([]);
  expect(repeats.tablesOf(key('a'))).toEqual([]);
});

test('the oldest are forgotten, in memory and on disk', async () => {
  const repeats = await Repeats.open(folder, 10);
  for (let n = 0; n < 100; n++) {
    repeats.note('traces', [key(`r${n}`)]);
    await repeats.writeDown('traces', [key(`r${n}`)]);
  }
  const again = await Repeats.open(folder, 10);

  for (const known of [repeats, again]) {
    expect(known.tablesOf(key('r99'))).toEqual(['traces']);
    expect(known.tablesOf(key('r90'))).toEqual(['traces']);
    expect(known.tablesOf(key('r89'))).toEqual([]);
  }
  const sizes = await Promise.all(
    (await readdir(folder)).map(async (name) => (await readFile(join(folder, name))).length),
  );
  expect(sizes.reduce((sum, size) => sum + size, 0)).toBeLessThan(21 * 44);
});

test('who sends much forgets, and not the others', async () => {
  const repeats = await Repeats.open(folder, 100);
  const keyOf = (project: string, n: number): string =>
    requestKeyOf(project, 'traces', Buffer.from(String(n)));
  for (let n = 0; n < 20; n++) {
    repeats.note('traces', [keyOf('quiet', n)]);
    await repeats.writeDown('traces', [keyOf('quiet', n)]);
  }
  for (let n = 0; n < 1_000; n++) {
    repeats.note('traces', [keyOf('noisy', n)]);
    await repeats.writeDown('traces', [keyOf('noisy', n)]);
  }
  repeats.note('logs', [keyOf('quiet', 0)]);
  const again = await Repeats.open(folder, 100);

  expect(repeats.tablesOf(keyOf('quiet', 0))).toEqual(['traces', 'logs']);
  for (const known of [repeats, again]) {
    const remembered = (project: string, count: number): number =>
      Array.from({ length: count }, (_, n) => known.tablesOf(keyOf(project, n))).filter(
        (tables) => tables.length > 0,
      ).length;
    expect(remembered('quiet', 20)).toBe(20);
    expect(remembered('noisy', 1_000)).toBeGreaterThanOrEqual(80);
    expect(remembered('noisy', 1_000)).toBeLessThanOrEqual(81);
    expect(known.tablesOf(keyOf('noisy', 999))).toEqual(['traces']);
  }
});

test('names that an earlier version wrote down are known', async () => {
  const old = key('a').slice(4);
  await writeFile(join(folder, 'requests.log'), `\ntraces ${old}`);

  expect((await Repeats.open(folder)).tablesOf(old)).toEqual(['traces']);
});

test('the same request waits for the first of its kind, others do not', async () => {
  const repeats = await Repeats.open(folder);
  const order: string[] = [];
  const gate = Promise.withResolvers<void>();
  const work = (name: string, until?: Promise<void>) => async () => {
    order.push(`${name} begins`);
    await until;
    order.push(`${name} ends`);
  };
  const all = [
    repeats.alone('k', work('first', gate.promise)),
    repeats.alone('k', work('second')),
    repeats.alone('k', work('third')),
    repeats.alone('other', work('other')),
  ];
  await all[3];
  expect(order).toEqual(['first begins', 'other begins', 'other ends']);
  gate.resolve();
  await Promise.all(all);

  expect(order.slice(3)).toEqual([
    'first ends',
    'second begins',
    'second ends',
    'third begins',
    'third ends',
  ]);
});

test('one that failed is tried again by the next', async () => {
  const repeats = await Repeats.open(folder);
  const failing = repeats.alone('k', async () => {
    throw new Error('disk full');
  });
  const next = repeats.alone('k', async () => 'kept');

  await expect(failing).rejects.toThrow('disk full');
  expect(await next).toBe('kept');
});
