/** node-cron, croner and bree, as they are. */
import { expect, test } from 'vitest';
import { runScheduled, totalOf } from './scheduled.ts';

const VIENNA = { 'rollcall.schedule.time_zone': 'Europe/Vienna' };

test('a function that node-cron runs is a job run with its schedule', async () => {
  const { printed, runs } = await runScheduled<{
    seen: string[];
    error: string;
    hidden: string;
    result: number;
  }>('node-cron');
  const [first] = runs.filter(({ job }) => job === 'nightly_sync');

  expect(first).toMatchObject({
    runId: printed.seen[0],
    status: 'completed',
    attributes: { 'rollcall.trigger': 'schedule', 'rollcall.schedule.cron': '* * * * * *', ...VIENNA },
  });
  expect(first?.attributes['rollcall.queue.delay_ms']).toBeGreaterThanOrEqual(0);
  expect(first?.attributes['rollcall.queue.delay_ms']).toBeLessThan(30_000);
  // Named by the function, started by hand, failed: the caller gets the error of the function.
  expect(printed.error).toBe('RangeError: no invoice');
  expect(runs.find(({ job }) => job === 'billing')).toMatchObject({
    status: 'failed',
    attributes: { 'rollcall.trigger': 'manual', 'rollcall.schedule.cron': '0 3 * * *' },
  });
  // What the hook skips is no run.
  expect(printed.hidden).toBe('none');
  expect(runs.filter(({ job }) => job === 'private')).toEqual([]);
  // A background task, whose relative path is still meant from the caller's file.
  expect(printed.result).toBe(42);
  expect(runs.find(({ job }) => job === 'export')).toMatchObject({ status: 'completed' });
});

test('a function that croner runs is a job run, also where croner catches its errors', async () => {
  const { printed, runs } = await runScheduled<{ seen: string[]; caught: string[] }>('croner');

  expect(runs).toMatchObject([
    {
      job: 'nightly_sync',
      runId: printed.seen[0],
      status: 'completed',
      attributes: { 'rollcall.trigger': 'schedule', 'rollcall.schedule.cron': '* * * * * *', ...VIENNA },
    },
    { job: 'billing', status: 'failed', attributes: { 'rollcall.trigger': 'manual' } },
  ]);
  expect(runs[0]?.attributes['rollcall.queue.delay_ms']).toBeLessThan(30_000);
  expect(printed.caught).toEqual(['RangeError: no invoice']);
});

test("a worker of bree's is a job run that its thread joins", async () => {
  const { receiver, runs } = await runScheduled<null>('bree');
  const [synced] = runs.filter(({ job }) => job === 'nightly_sync');

  expect(synced).toMatchObject({
    status: 'completed',
    attributes: { 'rollcall.trigger': 'schedule', 'rollcall.schedule.every_ms': 50 },
  });
  expect(totalOf(receiver, 'Leads Processed', synced?.runId)).toBe(7);
  expect(runs.find(({ job }) => job === 'billing')).toMatchObject({
    status: 'failed',
    attributes: { 'rollcall.trigger': 'manual', 'rollcall.schedule.cron': '0 3 * * *', ...VIENNA },
  });
  expect(runs.find(({ job }) => job === 'harvest')).toMatchObject({ status: 'cancelled' });
  const billing = receiver.named('rollcall.failure').at(-1);
  expect(billing?.attributes).toMatchObject({
    'exception.type': 'RangeError',
    'exception.message': 'no invoice',
  });
});
