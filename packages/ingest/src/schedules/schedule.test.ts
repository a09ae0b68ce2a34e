import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { checkSchedule, dueTimes, type Schedule } from './schedule.ts';

const cron = (expression: string, timeZone = 'UTC'): Schedule => ({
  kind: 'cron',
  cron: expression,
  timeZone,
});

function times(schedule: Schedule, after: string, most: number, anchor?: string): string[] {
  const options = { after: Date.parse(after), until: Number.POSITIVE_INFINITY, most };
  return dueTimes(schedule, {
    ...options,
    anchor: anchor === undefined ? undefined : Date.parse(anchor),
  }).map((time) => new Date(time).toISOString());
}

test('a cron expression is read in its time zone', () => {
  expect(times(cron('0 2 * * *', 'Europe/Berlin'), '2026-11-25T12:00:00Z', 2)).toEqual([
    '2026-11-26T01:00:00.000Z',
    '2026-11-27T01:00:00.000Z',
  ]);
});

test('what falls into the hour that is left out is due when it ends', () => {
  expect(times(cron('30 2 * * *', 'Europe/Berlin'), '2026-03-28T12:00:00Z', 2)).toEqual([
    '2026-03-29T01:00:00.000Z',
    '2026-03-30T00:30:00.000Z',
  ]);
});

test('in the hour that comes twice a nightly job is due once, an hourly one twice', () => {
  expect(times(cron('30 2 * * *', 'Europe/Berlin'), '2026-10-24T12:00:00Z', 2)).toEqual([
    '2026-10-25T00:30:00.000Z',
    '2026-10-26T01:30:00.000Z',
  ]);
  expect(times(cron('0 * * * *', 'Europe/Berlin'), '2026-10-24T22:30:00Z', 4)).toEqual([
    '2026-10-24T23:00:00.000Z',
    '2026-10-25T00:00:00.000Z',
    '2026-10-25T01:00:00.000Z',
    '2026-10-25T02:00:00.000Z',
  ]);
});

test('what never comes again is never due', () => {
  expect(times(cron('0 0 30 2 *'), '2026-01-01T00:00:00Z', 3)).toEqual([]);
});

test('an interval counts from the last start', () => {
  const schedule: Schedule = { kind: 'interval', everyMs: 3_600_000 };

  expect(times(schedule, '2026-11-25T12:00:00Z', 2, '2026-11-25T09:10:00Z')).toEqual([
    '2026-11-25T12:10:00.000Z',
    '2026-11-25T13:10:00.000Z',
  ]);
  expect(times(schedule, '2026-11-25T12:00:00Z', 2)).toEqual([]);
});

test.each([
  [cron('61 * * * *'), '61'],
  [cron('* * * *'), '* * * *'],
  [cron(''), ''],
  [cron('2026-11-25T12:00:00'), '2026-11-25T12:00:00'],
  [cron('0 2 * * *', 'Mars/Olympus'), 'Mars/Olympus'],
  [{ kind: 'interval', everyMs: 0 }, '0 ms'],
  [{ kind: 'interval', everyMs: Number.NaN }, 'NaN'],
] as [Schedule, string][])('%j is refused, and the reason shows it', (schedule, shown) => {
  const check = checkSchedule(schedule);

  expect(check.status).toBe('invalid');
  expect(check).toHaveProperty('reason', expect.stringContaining(shown));
});

const zones = fc.constantFrom(
  'UTC',
  'Europe/Berlin',
  'America/New_York',
  'Australia/Lord_Howe',
  'Asia/Kathmandu',
  'America/Santiago',
);
const field = (low: number, high: number): fc.Arbitrary<string> =>
  fc.oneof(
    fc.constant('*'),
    fc.integer({ min: low, max: high }).map(String),
    fc.integer({ min: 1, max: high - low }).map((step) => `*/${step}`),
    fc
      .uniqueArray(fc.integer({ min: low, max: high }), { minLength: 1, maxLength: 3 })
      .map((values) => values.join(',')),
  );
const expressions = fc
  .tuple(field(0, 59), field(0, 23), field(1, 28), field(1, 12), field(0, 6))
  .map((fields) => fields.join(' '));
const instants = fc.integer({ min: Date.UTC(2024, 0, 1), max: Date.UTC(2030, 0, 1) });

test('whatever the expression and the zone, times rise, lie behind the asked one, and fall on its minutes', () => {
  fc.assert(
    fc.property(expressions, zones, instants, (expression, zone, after) => {
      const found = dueTimes(cron(expression, zone), {
        after,
        until: Number.POSITIVE_INFINITY,
        most: 6,
        anchor: undefined,
      });

      expect(found.every((time, index) => time > (index === 0 ? after : (found[index - 1] ?? 0)))).toBe(true);
      expect(found.every((time) => time % 60_000 === 0)).toBe(true);
    }),
    { numRuns: 150 },
  );
});

test('asked in two halves, the times are the same as in one go', () => {
  fc.assert(
    fc.property(
      expressions,
      zones,
      instants,
      fc.integer({ min: 1, max: 5 }),
      (expression, zone, after, half) => {
        const options = { until: Number.POSITIVE_INFINITY, anchor: undefined };
        const whole = dueTimes(cron(expression, zone), { ...options, after, most: 6 });
        fc.pre(whole.length === 6);
        const first = whole.slice(0, half);
        const rest = dueTimes(cron(expression, zone), {
          ...options,
          after: first.at(-1) ?? after,
          most: 6 - half,
        });

        expect([...first, ...rest]).toEqual(whole);
      },
    ),
    { numRuns: 100 },
  );
});

test('the times of an interval lie whole intervals behind its anchor', () => {
  fc.assert(
    fc.property(fc.integer({ min: 1_000, max: 1e9 }), instants, instants, (everyMs, anchor, after) => {
      const found = dueTimes(
        { kind: 'interval', everyMs },
        { after, until: Number.POSITIVE_INFINITY, most: 5, anchor },
      );

      expect(found).toHaveLength(5);
      expect(found.every((time) => time > after && time > anchor && (time - anchor) % everyMs === 0)).toBe(
        true,
      );
      expect((found[0] ?? 0) - Math.max(after, anchor)).toBeLessThanOrEqual(everyMs);
    }),
  );
});
