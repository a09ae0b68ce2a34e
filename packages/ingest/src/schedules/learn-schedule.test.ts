import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { learnSchedule } from './learn-schedule.ts';

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;
const NOW = Date.UTC(2026, 10, 25, 12);

/** Starts so many hours ago, the oldest first. */
function ago(...hours: number[]): number[] {
  return hours.map((hour) => NOW - hour * HOUR).toSorted((a, b) => a - b);
}

function daily(days: number, isRun: (day: number) => boolean = () => true): number[] {
  return Array.from({ length: days }, (_, index) => days - index)
    .filter(isRun)
    .map((day) => NOW - day * DAY + ((day * 7_919) % 600) * 1_000);
}

test('a job that ran every night for a fortnight is a daily one', () => {
  expect(learnSchedule(daily(14), NOW)).toMatchObject({ everyMs: DAY, lateAfterMs: 2 * HOUR });
});

test('a change of the clock by an hour does not make a nightly job irregular', () => {
  const starts = daily(20).map((start, index) => (index < 10 ? start : start - HOUR));

  expect(learnSchedule(starts, NOW)?.everyMs).toBe(DAY);
});

test.each([
  ['a job of weekdays', daily(28, (day) => ![0, 6].includes(new Date(NOW - day * DAY).getUTCDay()))],
  ['a job of which only a week is known', daily(7)],
  ['a job that ran six times', ago(0, 1, 2, 3, 4, 5)],
  [
    'an hourly job of office hours',
    daily(10).flatMap((day) => [0, 1, 2, 3, 4, 5, 6, 7].map((hour) => day + hour * HOUR)),
  ],
  ['a job that somebody starts by hand', ago(1, 4, 5, 29, 53, 55, 70, 99, 140, 200)],
  ['a job that has not run for months', daily(14).map((start) => start - 60 * DAY)],
  ['nothing', []],
])('%s is not taken for regular', (_, starts) => {
  expect(learnSchedule(starts, NOW)).toBeUndefined();
});

test('a job that ran every five minutes for more than a day is learnt', () => {
  const starts = Array.from(
    { length: 310 },
    (_, index) => NOW - (310 - index) * 5 * MINUTE + (index % 7) * 1_000,
  );

  expect(learnSchedule(starts, NOW)).toEqual({ everyMs: 5 * MINUTE, lateAfterMs: 2 * MINUTE });
});

test('whatever the starts, what is learnt is a schedule of sane numbers', () => {
  fc.assert(
    fc.property(fc.array(fc.integer({ min: 0, max: 40 * DAY }), { maxLength: 60 }), (offsets) => {
      const starts = offsets.map((offset) => NOW - offset).toSorted((a, b) => a - b);
      const learnt = learnSchedule(starts, NOW);
      if (learnt === undefined) return;
      expect(learnt.everyMs).toBeGreaterThanOrEqual(10_000);
      expect(learnt.lateAfterMs).toBeGreaterThanOrEqual(2 * MINUTE);
    }),
  );
});

test('regular starts with little jitter are always learnt', () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 20 * MINUTE, max: 2 * DAY }),
      fc.array(fc.integer({ min: -4, max: 4 }), { minLength: 110, maxLength: 110 }),
      (everyMs, jitters) => {
        const starts = jitters.map(
          (jitter, index) => NOW - (jitters.length - index) * everyMs + (jitter / 100) * everyMs,
        );
        const learnt = learnSchedule(starts, NOW);

        expect(Math.abs((learnt?.everyMs ?? 0) / everyMs - 1)).toBeLessThan(0.1);
      },
    ),
  );
});
