import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { Outbox, type OutboxOptions, type SendResult } from './outbox.ts';

function openOutbox(options: Partial<OutboxOptions<number>> & Pick<OutboxOptions<number>, 'send'>) {
  return new Outbox<number>({
    name: 'numbers',
    delayMs: 1,
    maxBatch: 10,
    limit: 1_000,
    backoffMs: 1,
    ...options,
  });
}

const delivered: SendResult = { status: 'delivered' };

test('whatever fails on the way, every record arrives in order and none twice', async () => {
  const outcome = fc.constantFrom<SendResult['status'] | 'throw'>('delivered', 'retry', 'too_large', 'throw');
  await fc.assert(
    fc.asyncProperty(fc.array(outcome, { maxLength: 12 }), fc.nat(60), async (outcomes, count) => {
      const arrived: number[] = [];
      const outbox = openOutbox({
        send: async (batch) => {
          const next = outcomes.shift() ?? 'delivered';
          if (next === 'throw') throw new Error('connection reset');
          if (next === 'retry') return { status: 'retry', reason: 'busy' };
          // A single record that is too large can only be dropped; not the subject here.
          if (next === 'too_large' && batch.length > 1) return { status: 'too_large', reason: '413' };
          arrived.push(...batch);
          return delivered;
        },
      });
      const records = Array.from({ length: count }, (_, index) => index);
      for (const record of records) outbox.add(record);
      expect(await outbox.flush(5_000)).toBe(true);
      expect(arrived).toEqual(records);
      expect(outbox.size).toBe(0);
    }),
    { numRuns: 60 },
  );
});

test('one request at a time, none larger than the batch limit', async () => {
  let inFlight = 0;
  const sizes: number[] = [];
  const outbox = openOutbox({
    send: async (batch) => {
      expect(++inFlight).toBe(1);
      sizes.push(batch.length);
      await new Promise((resolve) => setTimeout(resolve, 2));
      inFlight--;
      return delivered;
    },
  });
  for (let record = 0; record < 35; record++) outbox.add(record);
  await outbox.flush(5_000);
  expect(sizes).toEqual([10, 10, 10, 5]);
});

test('past its limit it drops the oldest and counts them', async () => {
  const dropped: number[] = [];
  const arrived: number[] = [];
  let isUp = false;
  const outbox = openOutbox({
    limit: 100,
    onDrop: (records) => dropped.push(...records),
    send: async (batch) => {
      if (!isUp) return { status: 'retry', reason: 'away' };
      arrived.push(...batch);
      return delivered;
    },
  });
  for (let record = 0; record < 150; record++) outbox.add(record);
  isUp = true;
  await outbox.flush(5_000);
  expect(outbox.dropped).toBe(dropped.length);
  expect([...dropped, ...arrived]).toEqual(Array.from({ length: 150 }, (_, index) => index));
  expect(arrived.at(-1)).toBe(149);
});

test('what ingest rejects for good is dropped and counted, and the rest goes on', async () => {
  const arrived: number[] = [];
  let first = true;
  const outbox = openOutbox({
    send: async (batch) => {
      if (first) {
        first = false;
        return { status: 'rejected', reason: 'HTTP 400' };
      }
      arrived.push(...batch);
      return delivered;
    },
  });
  for (let record = 0; record < 20; record++) outbox.add(record);
  await outbox.flush(5_000);
  expect(outbox.dropped).toBe(10);
  expect(arrived).toEqual([10, 11, 12, 13, 14, 15, 16, 17, 18, 19]);
});

test.each(['too_large', 'unencodable'] as const)(
  'one record that is %s is dropped alone, and the batches grow back at once',
  async (status) => {
    const sizes: number[] = [];
    const arrived: number[] = [];
    const outbox = openOutbox({
      maxBatch: 100,
      // Whoever waited for it between two requests would not be done in time.
      delayMs: 60_000,
      send: async (batch) => {
        if (batch.includes(42)) return { status, reason: 'because of 42' };
        sizes.push(batch.length);
        arrived.push(...batch);
        return delivered;
      },
    });
    for (let record = 0; record < 500; record++) outbox.add(record);
    expect(await outbox.flush(5_000)).toBe(true);
    expect(outbox.dropped).toBe(1);
    expect(arrived).toEqual(
      Array.from({ length: 500 }, (_, index) => index).filter((record) => record !== 42),
    );
    expect(sizes.slice(-3)).toEqual([100, 100, expect.any(Number)]);
  },
);

test('batches that were too large together are halved, sent without a pause, and tried larger again', async () => {
  const tried: number[] = [];
  const { promise: quiet, resolve } = Promise.withResolvers<void>();
  let arrived = 0;
  const outbox = openOutbox({
    maxBatch: 64,
    delayMs: 60_000,
    send: async (batch) => {
      tried.push(batch.length);
      if (batch.length > 20) return { status: 'too_large', reason: 'HTTP 413' };
      arrived += batch.length;
      if (arrived >= 160) resolve();
      return delivered;
    },
  });
  for (let record = 0; record < 200; record++) outbox.add(record);
  await quiet;
  expect(outbox.dropped).toBe(0);
  expect(tried.slice(0, 6)).toEqual([64, 32, 16, 32, 16, 32]);
  outbox.close();
});

test('what is in a hurry waits for no others, not even behind a request that is under way', async () => {
  const batches: number[][] = [];
  const { promise: held, resolve: release } = Promise.withResolvers<void>();
  const { promise: done, resolve } = Promise.withResolvers<void>();
  const outbox = openOutbox({
    delayMs: 60_000,
    send: async (batch) => {
      batches.push([...batch]);
      if (batches.length === 1) await held;
      else resolve();
      return delivered;
    },
  });
  outbox.add(1);
  outbox.hurry();
  outbox.add(2);
  while (batches.length === 0) await new Promise((resolveTurn) => setImmediate(resolveTurn));
  outbox.add(3);
  outbox.hurry();
  release();
  await done;
  expect(batches).toEqual([[1, 2], [3]]);
  outbox.close();
});

test('a flush gives up at its deadline', async () => {
  const outbox = openOutbox({ send: async () => ({ status: 'retry', reason: 'away' }) });
  outbox.add(1);
  const startedMs = performance.now();
  expect(await outbox.flush(50)).toBe(false);
  expect(performance.now() - startedMs).toBeLessThan(2_000);
  expect(outbox.failing).toBe(true);
  outbox.close();
});

test('a flush does not wait for records that come after it', async () => {
  const outbox = openOutbox({
    maxBatch: 1,
    send: async (batch) => {
      if (batch[0]! < 3) outbox.add(batch[0]! + 1);
      else return { status: 'retry', reason: 'enough' };
      return delivered;
    },
  });
  outbox.add(0);
  expect(await outbox.flush(5_000)).toBe(true);
  outbox.close();
});
