/** A segment that is in ClickHouse stays until that is on its disk. */

import { mkdir, mkdtemp, readdir, rename, rm, rmdir } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { requestKeyOf } from '../otlp/request-key.ts';
import { blockOf, textsOf } from './block.fixture.ts';
import { Repeats } from './repeats.ts';
import { type Segment, Spool, type SpoolOptions } from './spool.ts';

let folder: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'rollcall-inserted-'));
});

afterEach(async () => {
  await rm(folder, { recursive: true, force: true });
});

const BOOT = 'b007';
const key = (text: string): string => requestKeyOf('default', 'traces', Buffer.from(text));

interface Opened {
  readonly spool: Spool;
  readonly repeats: Repeats;
  readonly sealed: Segment[];
  readonly troubles: unknown[];
  /** Syncs that were asked for and have not been answered. */
  readonly syncs: PromiseWithResolvers<void>[];
}

async function openSpool(options: Partial<SpoolOptions> = {}): Promise<Opened> {
  const sealed: Segment[] = [];
  const troubles: unknown[] = [];
  const syncs: PromiseWithResolvers<void>[] = [];
  const repeats = await Repeats.open(folder);
  const spool = await Spool.open({
    folder,
    repeats,
    onSealed: (segment) => sealed.push(segment),
    onTrouble: (error) => troubles.push(error),
    segmentAgeMs: 60_000,
    bootId: BOOT,
    syncAfterMs: 20,
    sync: () => {
      const asked = Promise.withResolvers<void>();
      syncs.push(asked);
      return asked.promise;
    },
    ...options,
  });
  return { spool, repeats, sealed, troubles, syncs };
}

/** Keeps a text, and says that it is in ClickHouse. */
async function insert({ spool, sealed }: Opened, text: string): Promise<void> {
  await spool.append([blockOf([key(text)], 't', text)]);
  await spool.seal();
  await spool.drop(sealed.at(-1) as Segment);
}

async function filesOfSegments(): Promise<string[]> {
  return (await readdir(folder)).filter((name) => name.includes('.native'));
}

test('its file goes with the sync that began after the insert', async () => {
  const opened = await openSpool();
  await insert(opened, 'a');
  await expect.poll(() => opened.syncs.length).toBe(1);
  await insert(opened, 'b');
  expect(await filesOfSegments()).toHaveLength(2);
  expect(opened.spool.sizeBytes).toBe(0);
  expect(opened.spool.unsyncedBytes).toBeGreaterThan(0);
  expect(opened.spool.ageMs()).toBe(0);

  opened.syncs[0]?.resolve();
  await expect.poll(filesOfSegments).toEqual([expect.stringContaining(opened.sealed[1]?.token ?? '?')]);
  await expect.poll(() => opened.syncs.length).toBe(2);
  opened.syncs[1]?.resolve();
  await expect.poll(filesOfSegments).toEqual([]);
  expect((await Repeats.open(folder)).tablesOf(key('b'))).toEqual(['t']);
  expect(opened.spool.unsyncedBytes).toBe(0);
  await opened.spool.close();
});

test('after a kill it is neither inserted again nor forgotten, and goes with the next sync', async () => {
  await insert(await openSpool({ syncAfterMs: 60_000 }), 'a');

  const again = await openSpool();

  expect(again.sealed).toEqual([]);
  expect(again.repeats.tablesOf(key('a'))).toEqual(['t']);
  await expect.poll(() => again.syncs.length).toBe(1);
  again.syncs[0]?.resolve();
  await expect.poll(filesOfSegments).toEqual([]);
  await again.spool.close();
});

test.each([
  ['the machine was booted since', 'b008'],
  ['the machine did not say when it was booted', 'unknown'],
])('it is handed out again where %s', async (_why, boot) => {
  await insert(await openSpool({ syncAfterMs: 60_000 }), 'a');
  const [name = ''] = await filesOfSegments();
  await rename(join(folder, name), join(folder, name.replace(BOOT, boot)));

  const again = await openSpool();

  expect(again.sealed).toMatchObject([{ isRecovered: true, token: name.replace(/\.native.*/, '') }]);
  expect(await textsOf(again.sealed)).toEqual(['a']);
  await again.spool.close();
});

test('what a disk did not take is told, stays whatever it says later, and is handed out by the next process', async () => {
  const opened = await openSpool();
  await insert(opened, 'a');
  await expect.poll(() => opened.syncs.length).toBe(1);
  opened.syncs[0]?.reject(new Error('input/output error'));
  await expect.poll(() => opened.troubles).toMatchObject([{ message: 'input/output error' }]);
  await insert(opened, 'b');
  await expect.poll(() => opened.syncs.length).toBe(2);
  opened.syncs[1]?.resolve();

  await expect.poll(filesOfSegments).toEqual([expect.stringMatching(/\.inserted\.unknown$/)]);
  expect(opened.spool.unsyncedBytes).toBeGreaterThan(0);
  await opened.spool.close();
  const { spool, sealed } = await openSpool();
  expect(await textsOf(sealed)).toEqual(['a']);
  await spool.close();
});

test('one that can not be removed does not hold up the others, and is tried again', async () => {
  const opened = await openSpool();
  await insert(opened, 'before');
  await expect.poll(() => opened.syncs.length).toBe(1);
  // While a sync is under way no other begins: the next one is for both of these.
  await insert(opened, 'a');
  await insert(opened, 'b');
  opened.syncs[0]?.resolve();
  await expect.poll(() => opened.syncs.length).toBe(2);
  const [first = ''] = await filesOfSegments();
  await rename(join(folder, first), join(folder, 'moved'));
  // A folder can not be removed like a file.
  await mkdir(join(folder, first));
  opened.syncs[1]?.resolve();

  await expect.poll(filesOfSegments).toEqual([first]);
  await rmdir(join(folder, first));
  await expect.poll(() => opened.syncs.length).toBe(3);
  opened.syncs[2]?.resolve();
  await expect.poll(() => opened.spool.unsyncedBytes).toBe(0);
  await opened.spool.close();
});

test('it takes room until then: a spool that it fills syncs at once', async () => {
  const opened = await openSpool({ maxBytes: 10, syncAfterMs: 60_000 });
  await insert(opened, '123456789');
  expect(opened.syncs).toHaveLength(1);
  expect(await opened.spool.append([blockOf([], 't', 'b')])).toMatchObject({ reason: 'the spool is full' });

  opened.syncs[0]?.resolve();
  await expect.poll(filesOfSegments).toEqual([]);

  expect(await opened.spool.append([blockOf([], 't', 'b')])).toMatchObject({ status: 'accepted' });
  await opened.spool.close();
});

test('the next sync comes sooner where much waits for it, but not right after the last one', async () => {
  const opened = await openSpool({ syncAfterMs: 60_000, syncAfterBytes: 1, syncRestMs: 300 });
  await insert(opened, 'a');
  expect(opened.syncs).toHaveLength(1);
  const begunMs = performance.now();
  opened.syncs[0]?.resolve();
  await expect.poll(filesOfSegments).toEqual([]);

  await insert(opened, 'b');
  await insert(opened, 'c');
  await expect.poll(() => opened.syncs.length, { interval: 5 }).toBe(2);
  expect(performance.now() - begunMs).toBeGreaterThan(290);
  opened.syncs[1]?.resolve();
  await expect.poll(filesOfSegments).toEqual([]);
  await opened.spool.close();
});

test('who closes waits for a sync under way, and leaves the rest to the next process', async () => {
  const opened = await openSpool();
  await insert(opened, 'a');
  await expect.poll(() => opened.syncs.length).toBe(1);
  await insert(opened, 'b');
  let isClosed = false;
  const closing = opened.spool.close().then(() => (isClosed = true));
  await new Promise((resolve) => setTimeout(resolve, 50));
  expect(isClosed).toBe(false);

  opened.syncs[0]?.resolve();
  await closing;

  expect(await filesOfSegments()).toHaveLength(1);
  expect(opened.syncs).toHaveLength(1);
});
