/** What counts as a change, and what is just noise. */

import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { findSteps, findTrend, usualBand, type Point } from './changes.ts';

const points = (values: readonly number[]): Point[] =>
  values.map((value, index) => ({ runId: `run-${index}`, value }));

/** Noise of a few percent, as many as there are runs. */
const noise = (length: number, part: number) =>
  fc.array(fc.double({ min: 1 - part, max: 1 + part, noNaN: true }), {
    minLength: length,
    maxLength: length,
  });

test('the usual band needs five runs, holds what does not differ, and shrugs off a single odd run', () => {
  expect(usualBand([1, 1, 1, 1])).toBeNull();
  const steady = usualBand([100, 100, 100, 100, 100, 100]);
  const withOutlier = usualBand([100, 100, 100, 100, 9_000, 100]);

  expect(steady).toEqual({ low: 94, median: 100, high: 106 });
  expect(withOutlier).toEqual(steady);
});

test('a halving is found at its run, wherever it is, whatever the noise', () => {
  fc.assert(
    fc.property(
      noise(40, 0.06),
      fc.integer({ min: 6, max: 34 }),
      fc.constantFrom(0.5, 2, 0.25, 5),
      fc.double({ min: 1, max: 1e6, noNaN: true }),
      (factors, at, times, size) => {
        const values = factors.map((factor, index) => size * factor * (index >= at ? times : 1));
        const steps = findSteps(points(values));
        expect(steps.map(({ runId }) => runId)).toEqual([`run-${at}`]);
        expect((steps[0]?.new ?? 0) / (steps[0]?.old ?? 1) / times).toBeCloseTo(1, 0);
      },
    ),
  );
});

test('noise alone is no step and no trend', () => {
  fc.assert(
    fc.property(noise(40, 0.06), (factors) => {
      const series = points(factors.map((factor) => 1_000 * factor));
      expect(findSteps(series)).toEqual([]);
      expect(findTrend(series, [])).toBeNull();
    }),
  );
});

test('single odd runs are no step', () => {
  fc.assert(
    fc.property(noise(30, 0.05), fc.integer({ min: 0, max: 29 }), (factors, odd) => {
      const values = factors.map((factor, index) => (index === odd ? 50 : 1) * factor);
      expect(findSteps(points(values))).toEqual([]);
    }),
  );
});

test('growth of some percent a run is told as what it is, and is no step', () => {
  fc.assert(
    fc.property(noise(30, 0.01), fc.double({ min: 0.03, max: 0.06, noNaN: true }), (factors, perRun) => {
      const series = points(factors.map((factor, index) => 60_000 * factor * (1 + perRun) ** index));
      const steps = findSteps(series);
      const trend = findTrend(series, steps);
      expect(steps).toEqual([]);
      expect(trend?.perRun).toBeCloseTo(perRun, 2);
    }),
  );
});

test('two levels are a step and no trend', () => {
  const series = points([600, 600, 600, 600, 600, 600, 600, 600, 300, 300, 300, 250, 250, 250, 250, 250]);
  const steps = findSteps(series);

  expect(steps[0]).toEqual({ kind: 'step', runId: 'run-8', old: 600, new: 300 });
  expect(findTrend(series, steps)).toBeNull();
});

test('a total that falls to nothing, and one that rises from nothing, have changed', () => {
  const [gone] = findSteps(points([5, 5, 5, 5, 5, 5, 0, 0, 0]));
  const [come] = findSteps(points([0, 0, 0, 0, 0, 0, 5, 5, 5]));

  expect(gone).toMatchObject({ runId: 'run-6', old: 5, new: 0 });
  expect(come).toMatchObject({ runId: 'run-6', old: 0, new: 5 });
});
