import { appendFile, mkdtemp, open as openFile, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { crc32 } from 'node:zlib';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { block, textsIn, textsOf } from './block.fixture.ts';
import { type Damage, Spool, type Segment, type SpoolBlock, type SpoolOptions } from './spool.ts';

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

test('accepted rows are on disk before the answer', async () => {
  const { spool } = await openSpool();

  const acceptance = await spool.append([block('t', 'a')]);

  const [name] = await readdir(folder);
  expect(acceptance).toEqual({ status: 'accepted', segments: [expect.stringMatching(/\.t$/)] });
  expect(await textsIn(join(folder, name ?? ''))).toEqual(['a']);
  await spool.close();
});

test('a thousand concurrent requests end in one segment a table, each row once', async () => {
  const { spool, sealed } = await openSpool();

  await Promise.all(Array.from({ length: 1_000 }, (_, n) => spool.append([block(`t${n % 2}`, String(n))])));
  await spool.close();

  expect(sealed.map(({ table }) => table).toSorted()).toEqual(['t0', 't1']);
  expect(new Set(await textsOf(sealed)).size).toBe(1_000);
});

test('requests that arrive while segments are being finished lose nothing', async () => {
  const { spool, sealed } = await openSpool({ segmentBytes: 64 });
  const appended: Promise<unknown>[] = [];
  for (let n = 0; n < 300; n++) {
    appended.push(spool.append([block('t', String(n))]));
    if (n % 7 === 0) appended.push(spool.seal());
    if (n % 31 === 0) await new Promise((resolve) => setImmediate(resolve));
  }

  await Promise.all(appended);
  await spool.close();

  expect(await textsOf(sealed)).toEqual(Array.from({ length: 300 }, (_, n) => String(n)));
});

test('what a dead process left is handed out again under the same token, in the old order, its torn block cut', async () => {
  const first = await openSpool();
  await first.spool.append([block('t', '1')]);
  await first.spool.seal();
  await first.spool.append([block('t', '2')]);
  const open = (await readdir(folder)).find((name) => name.endsWith('.open')) ?? '';
  const torn = block('t', '3').bytes;
  await appendFile(join(folder, open), torn.subarray(0, torn.length - 1));

  const second = await openSpool();

  expect(await textsOf(second.sealed)).toEqual(['1', '2']);
  expect(second.sealed.map(({ token }) => token)).toEqual([
    first.sealed[0]?.token,
    open.replace('.native.open', ''),
  ]);
  expect(second.sealed.map(({ table }) => table)).toEqual(['t', 't']);
});

test('a full spool says when to come back, and has room again when a segment is dropped', async () => {
  const { spool, sealed } = await openSpool({ maxBytes: 10 });
  await spool.append([block('t', '123456789')]);

  const refused = await spool.append([block('t', '2')]);
  await spool.seal();
  for (const segment of sealed) await spool.drop(segment);

  expect(refused).toMatchObject({ status: 'retry', reason: 'the spool is full' });
  expect(await spool.append([block('t', '3')])).toMatchObject({ status: 'accepted' });
  await spool.close();
});

test('a closed spool takes nothing more', async () => {
  const { spool } = await openSpool();
  await spool.close();

  expect(await spool.append([block('t', 'a')])).toMatchObject({ status: 'retry' });
});

test('a segment that is set aside is kept with its reason', async () => {
  const { spool, sealed } = await openSpool();
  await spool.append([block('t', 'bad')]);
  await spool.seal();

  const path = await spool.setAside(sealed[0] as Segment, 'cannot parse');

  expect(await textsIn(path)).toEqual(['bad']);
  expect(await readFile(`${path}.reason.txt`, 'utf8')).toBe('cannot parse\n');
  expect(spool.sizeBytes).toBe(0);
});

test('blocks that are ready only when they are written are asked for then, once for all that wait', async () => {
  const { spool, sealed } = await openSpool();
  const gathered: string[] = [];
  const take = () => (gathered.length === 0 ? [] : [block('t', ...gathered.splice(0))]);

  gathered.push('1');
  const first = spool.append(take);
  gathered.push('2');
  const second = spool.append(take);
  const answers = await Promise.all([first, second]);
  await spool.close();

  expect(
    new Set(answers.flatMap((answer) => (answer.status === 'accepted' ? answer.segments : []))).size,
  ).toBe(1);
  expect(await textsOf(sealed)).toEqual(['1', '2']);
});

test('a segment is finished at its number of rows', async () => {
  const { spool, sealed } = await openSpool({ segmentRows: 3 });
  await spool.append([block('t', '1', '2')]);
  expect(sealed).toHaveLength(0);

  await spool.append([block('t', '3')]);

  expect(await textsOf(sealed)).toEqual(['1', '2', '3']);
  await spool.close();
});

test('a segment says that it has no runs only where no block has any', async () => {
  const { spool, sealed } = await openSpool();
  const without = { ...block('a', '1'), hasRuns: false };
  await spool.append([
    without,
    { ...block('b', '1'), hasRuns: false },
    { ...block('c', '1'), hasRuns: true },
  ]);
  await spool.append([without, block('b', '2'), { ...block('c', '2'), hasRuns: false }]);
  await spool.close();

  expect(Object.fromEntries(sealed.map(({ table, hasRuns }) => [table, hasRuns]))).toEqual({
    a: false,
    b: true,
    c: true,
  });
});

test('while a table is busy its segment grows, up to an age', async () => {
  let isBusy = true;
  const { promise: isSealed, resolve } = Promise.withResolvers<number>();
  const { spool } = await openSpool({
    segmentAgeMs: 5,
    busySegmentAgeMs: 100,
    isBusy: () => isBusy,
    onSealed: () => resolve(performance.now()),
  });
  const startedMs = performance.now();
  await spool.append([block('t', '1')]);

  expect((await isSealed) - startedMs).toBeGreaterThanOrEqual(100);
  isBusy = false;
  await spool.close();
});

test('of a damaged segment the sound blocks are handed out, the rest is set aside with its reason', async () => {
  const first = await openSpool();
  for (const text of ['1', '2', '3']) await first.spool.append([block('t', text)]);
  await first.spool.close();
  const path = first.sealed[0]?.path ?? '';
  const file = await openFile(path, 'r+');
  // A letter of the second block's text, behind its first.
  await file.write('x', 2 * block('t', '1').bytes.length - 1);
  await file.close();
  const damages: Damage[] = [];

  const second = await openSpool({ onDamage: (damage) => damages.push(damage) });

  expect(await textsOf(second.sealed)).toEqual(['1']);
  expect(damages).toEqual([{ path: expect.any(String), reason: expect.stringContaining('checksum') }]);
  expect(await readFile(`${damages[0]?.path}.reason.txt`, 'utf8')).toContain('checksum');
  expect(await textsIn(damages[0]?.path ?? '')).toEqual(['x', '3']);
});

test('blocks that an earlier version sealed with CRC-32 are handed out', async () => {
  const first = await openSpool();
  await first.spool.append([block('t', '1')]);
  await first.spool.close();
  const path = first.sealed[0]?.path ?? '';
  await writeFile(path, Buffer.concat(['1', '2'].map((text) => sealedWithCrc32(block('t', text)))));
  const damages: Damage[] = [];

  const second = await openSpool({ onDamage: (damage) => damages.push(damage) });

  expect(await textsOf(second.sealed)).toEqual(['1', '2']);
  expect(damages).toEqual([]);
});

/** The same block as earlier versions wrote it. */
function sealedWithCrc32({ bytes }: SpoolBlock): Buffer {
  const whole = Buffer.from(bytes);
  const nameAt = 3;
  const restAt = nameAt + (whole[nameAt - 1] ?? 0) + '\u0005UInt8'.length;
  const rest = whole.subarray(restAt);
  const hex = [rest.length, crc32(rest)].map((value) => value.toString(16).padStart(8, '0'));
  const name = `rollcall.seal.${hex.join('')}`;
  return Buffer.concat([
    whole.subarray(0, nameAt - 1),
    Buffer.from([name.length]),
    Buffer.from(`${name}\u0005UInt8`),
    rest,
  ]);
}

test('zeros behind the last block, as a power failure leaves them, are cut', async () => {
  const first = await openSpool();
  await first.spool.append([block('t', '1')]);
  const open = (await readdir(folder)).find((name) => name.endsWith('.open')) ?? '';
  await appendFile(join(folder, open), Buffer.alloc(4096));

  expect(await textsOf((await openSpool()).sealed)).toEqual(['1']);
});

test('what a version that wrote lines of JSON left is handed out as such, its torn line cut', async () => {
  await writeFile(join(folder, '000-0-a.t.jsonl'), '{"n":1}\n');
  await writeFile(join(folder, '000-1-b.t.open'), '{"n":2}\n{"n":3,"to');

  const { sealed } = await openSpool();

  expect(sealed.map(({ format, table }) => [format, table])).toEqual([
    ['JSONEachRow', 't'],
    ['JSONEachRow', 't'],
  ]);
  const contents = await Promise.all(sealed.map(({ path }) => readFile(path, 'utf8')));
  expect(contents).toEqual(['{"n":1}\n', '{"n":2}\n']);
});
