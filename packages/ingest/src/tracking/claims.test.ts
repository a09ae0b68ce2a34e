/** An ID belongs to one run, whatever ClickHouse is doing meanwhile. */

import { generateRunId } from '@rollcall/semconv';
import { expect, test } from 'vitest';
import { openTemporaryEngine } from '../../test/temporary-engine.ts';
import { Tracker } from './tracker.ts';

const [ONE, OTHER] = ['1'.repeat(32), '2'.repeat(32)];

test('what is on disk keeps its ID while ClickHouse does not take it', async () => {
  const { engine, dispose } = await openTemporaryEngine();
  const kept: string[][] = [];
  const tracker = new Tracker({
    engine,
    clock: Date.now,
    // On disk at once, and in ClickHouse never.
    persist: async (blocks) => {
      kept.push(blocks.map(({ table }) => table));
      return { inserted: new Promise(() => undefined) };
    },
    settle: async () => undefined,
    recovered: Promise.resolve(),
  });
  const runId = generateRunId(new Date(Date.now() + 30_000));

  const first = tracker.createRun('default', { job: 'a', runId, origin: ONE, status: 'completed' });
  await expect(first).rejects.toMatchObject({ code: 'busy' });
  const second = await tracker.createRun('default', { job: 'b', runId, origin: OTHER, ifTaken: 'next' });

  expect(kept).toEqual([['otel_logs'], ['otel_logs']]);
  expect(second.record.runId).not.toBe(runId);
  await dispose();
}, 60_000);
