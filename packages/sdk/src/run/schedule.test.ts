import { expect, test } from 'vitest';
import { startWatched } from '../../test/watched.ts';
import type { JobOptions } from './handles.ts';
import { describeSchedule } from './schedule.ts';

test.each([
  [
    { schedule: { cron: ' 0 2 * * * ', timeZone: 'Europe/Berlin' } },
    { kind: 'cron', cron: '0 2 * * *', time_zone: 'Europe/Berlin' },
  ],
  [{ schedule: { cron: '@daily' } }, { kind: 'cron', cron: '@daily' }],
  [
    { schedule: { everyMs: 60_000 }, lateAfterMs: 5_000 },
    { kind: 'interval', every_ms: 60_000, late_after_ms: 5_000 },
  ],
  [{ schedule: null }, { kind: 'none' }],
  [{ maxRuntimeMs: 1_000.4 }, { max_runtime_ms: 1_000 }],
  [{}, {}],
] as [JobOptions, Record<string, unknown>][])('%j is told as %j', (options, told) => {
  const attributes = Object.fromEntries(
    Object.entries(told).map(([name, value]) => [`rollcall.schedule.${name}`, value]),
  );

  expect(describeSchedule(options)).toEqual({ attributes, problems: [] });
});

test.each([
  { schedule: 'hourly' },
  { schedule: { cron: 7 } },
  { schedule: { cron: '0 2 * * *', timeZone: 3 } },
  { schedule: { everyMs: -1 } },
  { schedule: {} },
  { lateAfterMs: '10m' },
  { maxRuntimeMs: Number.NaN },
] as unknown as JobOptions[])('%j is not told, and noted', (options) => {
  const { attributes, problems } = describeSchedule(options);

  expect(attributes).toEqual({});
  expect(problems).toHaveLength(1);
});

test('a job says with its start when it is due; what makes no sense is a note, and the job runs', async () => {
  await using watched = await startWatched();
  const { rollcall, receiver } = watched;
  const options = { schedule: { everyMs: 60_000 }, maxRuntimeMs: 'long' } as unknown as JobOptions;
  expect(await rollcall.job('due', () => 7, options)).toBe(7);
  await rollcall.flush();

  const [start] = receiver.named('rollcall.run.started');
  expect(start?.attributes).toMatchObject({
    'rollcall.schedule.kind': 'interval',
    'rollcall.schedule.every_ms': 60_000,
  });
  const [note] = receiver.named('rollcall.note');
  expect(note?.attributes).toMatchObject({
    'rollcall.note.code': 'invalid_schedule',
    'rollcall.note.subject': 'maxRuntimeMs',
  });
});
