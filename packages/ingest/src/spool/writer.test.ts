import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pino } from 'pino';
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { Engine, FileInsert } from '../store/engine.ts';
import { block, textsIn } from './block.fixture.ts';
import { Spool } from './spool.ts';
import { Writer } from './writer.ts';

let folder: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'rollcall-writer-'));
});

afterEach(async () => {
  await rm(folder, { recursive: true, force: true });
});

/** An engine that keeps what it is given in memory, and fails as told. */
function engineThat(fails: (insert: FileInsert, tries: number) => Error | null): {
  engine: Engine;
  inserted: string[];
  atOnce: Map<string, number>;
} {
  const inserted: string[] = [];
  const running = new Map<string, number>();
  const atOnce = new Map<string, number>();
  const tries = new Map<string, number>();
  const engine: Engine = {
    kind: 'embedded',
    place: 'memory',
    database: 'test',
    rows: async () => [],
    command: async () => undefined,
    background: async () => undefined,
    readOnly: async () => Promise.reject(new Error('not asked here')),
    insertFile: async (insert) => {
      const now = (running.get(insert.table) ?? 0) + 1;
      running.set(insert.table, now);
      atOnce.set(insert.table, Math.max(now, atOnce.get(insert.table) ?? 0));
      const texts = await textsIn(insert.path);
      running.set(insert.table, now - 1);
      const nth = (tries.get(insert.token) ?? 0) + 1;
      tries.set(insert.token, nth);
      const error = fails(insert, nth);
      if (error !== null) throw error;
      inserted.push(...texts);
    },
    ping: async () => true,
    close: async () => undefined,
  };
  return { engine, inserted, atOnce };
}

async function startWriter(engine: Engine): Promise<{ spool: Spool; writer: Writer }> {
  const writer = new Writer({ engine, log: pino({ level: 'silent' }) });
  const spool = await Spool.open({
    folder,
    onSealed: (segment) => writer.enqueue(segment),
    onTrouble: (error) => {
      throw error;
    },
  });
  writer.start(spool);
  return { spool, writer };
}

async function append(spool: Spool, table: string, line: string): Promise<void> {
  await spool.append([block(table, line)]);
  await spool.seal();
}

test('what fails for a while is tried until it is in, once, in order', async () => {
  const { engine, inserted, atOnce } = engineThat((_, tries) =>
    tries < 3 ? new Error('connection refused') : null,
  );
  const { spool, writer } = await startWriter(engine);
  for (const n of [1, 2, 3]) await append(spool, 't', `row ${n}`);

  const { left } = await writer.drain(20_000);

  expect(left).toBe(0);
  expect(inserted).toEqual(['row 1', 'row 2', 'row 3']);
  expect(atOnce.get('t')).toBe(1);
  expect(spool.sizeBytes).toBe(0);
});

test('rows that can not be inserted are set aside and block nothing', async () => {
  const parseError = Object.assign(new Error('Cannot parse'), { code: '27' });
  let first = true;
  const { engine, inserted } = engineThat(() => {
    const isFirst = first;
    first = false;
    return isFirst ? parseError : null;
  });
  const { spool, writer } = await startWriter(engine);
  await append(spool, 't', 'poison');
  await append(spool, 't', 'fine');
  await append(spool, 't', 'fine too');

  const { left } = await writer.drain(5_000);

  expect(left).toBe(0);
  expect(inserted).toEqual(['fine', 'fine too']);
  expect(await readdir(join(folder, 'set-aside'))).toHaveLength(2);
});

test('a file that seems cut is tried a few times, then set aside', async () => {
  let tries = 0;
  const { engine, inserted } = engineThat(({ token }) => {
    if (!token.endsWith('.cut')) return null;
    tries++;
    return Object.assign(new Error('Cannot read all data'), { code: '33' });
  });
  const { spool, writer } = await startWriter(engine);
  await append(spool, 'cut', 'half');
  await append(spool, 'whole', 'fine');

  const { left } = await writer.drain(20_000);

  expect({ left, tries, inserted }).toEqual({ left: 0, tries: 5, inserted: ['fine'] });
  expect(await readdir(join(folder, 'set-aside'))).toHaveLength(2);
});

test('a table that fails does not hold up the others', async () => {
  const { engine, inserted } = engineThat(({ table }) => (table === 'down' ? new Error('timeout') : null));
  const { spool, writer } = await startWriter(engine);
  await append(spool, 'down', 'waiting');
  await append(spool, 'up', 'in');

  const { left } = await writer.drain(300);
  await writer.stop();

  expect(inserted).toEqual(['in']);
  expect(left).toBe(1);
  expect(spool.sizeBytes).toBeGreaterThan(0);
});
