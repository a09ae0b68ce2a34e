/** Checks the fortnight itself: the same every time, as big as it says, and faulty only where it should be. */

import { expect, test } from 'vitest';
import { FAULTS, lastTuesday, planFortnight, PLANTED, type PlannedRun } from './plan-fortnight.ts';

const NOW_MS = Date.parse('2026-03-04T10:00:00Z');
const plan = (hasFaults: boolean): PlannedRun[] => [
  ...planFortnight({ project: 'p', hasFaults, size: 'small', nowMs: NOW_MS }).runs,
];

test('the same options make the same fortnight', () => {
  expect(JSON.stringify(plan(true))).toBe(JSON.stringify(plan(true)));
});

test('it has 20 jobs and 300 clients', () => {
  const runs = [...planFortnight({ project: 'p', hasFaults: false, size: 'full', nowMs: NOW_MS }).runs];
  expect(new Set(runs.map(({ job }) => job)).size).toBe(20);
  expect(new Set(runs.map((run) => run.client_id).filter((id) => id !== '')).size).toBe(300);
});

test('each job that has no fault is the same in both', () => {
  const faulty = Object.groupBy(plan(true), ({ job }) => job);
  const quiet = Object.groupBy(plan(false), ({ job }) => job);
  const planted: readonly string[] = Object.values(FAULTS);
  for (const [job, runs] of Object.entries(quiet)) {
    if (planted.includes(job)) expect(faulty[job], job).not.toEqual(runs);
    else expect(faulty[job], job).toEqual(runs);
  }
});

test('no client of the quiet fortnight fails twice in a row', () => {
  const byClient = Object.groupBy(
    plan(false).filter((run) => run.client_id !== ''),
    (run) => `${run.job} ${run.client_id}`,
  );
  for (const [name, runs = []] of Object.entries(byClient)) {
    const failed = runs.map(({ status }) => status === 'failed');
    expect(
      failed.some((isFailed, index) => isFailed && failed[index + 1] === true),
      name,
    ).toBe(false);
  }
});

test.each(['2026-03-02', '2026-03-03', '2026-03-04', '2026-03-05', '2026-03-08'])(
  'seen from %s, Tuesday is a day and a half away, and the client has failed ever since',
  (day) => {
    const nowMs = Date.parse(`${day}T12:00:00Z`);
    const tuesdayMs = lastTuesday(nowMs);
    expect(new Date(tuesdayMs).getUTCDay()).toBe(2);
    expect(nowMs - tuesdayMs).toBeGreaterThanOrEqual(1.5 * 86_400_000);
    expect(nowMs - tuesdayMs).toBeLessThan(9 * 86_400_000);
    const runs = [...planFortnight({ project: 'p', hasFaults: true, size: 'small', nowMs }).runs].filter(
      (run) =>
        run.job === FAULTS.clientFailing &&
        run.client_id === PLANTED.failingClient &&
        run.started_ms > tuesdayMs,
    );
    expect(runs.length).toBeGreaterThanOrEqual(5);
    // The first run of the day may have begun just before midnight.
    expect(runs.slice(1).every(({ status }) => status === 'failed')).toBe(true);
  },
);
