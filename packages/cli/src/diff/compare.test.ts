/** Whose share of a change each client has, whether clients took turns or overlapped. */

import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { compareRuns } from './compare.ts';
import { explain } from './explain.ts';
import type { Side } from './read-side.ts';

function side(durationMs: number, times: Readonly<Record<string, number>>): Side {
  return {
    runId: '261125-020000',
    job: 'job',
    verdict: 'completed',
    durationMs,
    started: null,
    clients: Object.entries(times).map(([clientId, ms]) => ({
      clientId,
      verdict: 'completed',
      attempt: 1,
      durationMs: ms,
      errorType: '',
      errorMessage: '',
    })),
    steps: [],
    totals: [],
    clientMetrics: [],
    failures: [],
  };
}

test('where clients overlapped, shares are of the sum of their times', () => {
  const diff = compareRuns(
    side(10_000, { a: 9_000, b: 9_000, c: 9_000 }),
    side(20_000, { a: 19_000, b: 9_000, c: 9_500 }),
  );

  expect(diff.duration).toMatchObject({ sharesOf: 'clients', outside: null, delta: 10_000 });
  expect(diff.duration.clients.map(({ clientId, share }) => [clientId, share])).toEqual([
    ['a', 0.952],
    ['c', 0.048],
    ['b', 0],
  ]);
  expect(explain(diff)).toEqual([
    'The run took 10.0 s longer (10.0 s → 20.0 s): 95 % of the change in client time is a.',
  ]);
});

test('what is spent outside of clients is told where they took turns', () => {
  const diff = compareRuns(side(10_000, { a: 4_000, b: 4_000 }), side(30_000, { a: 4_000, b: 5_000 }));

  expect(diff.duration.outside).toMatchObject({ delta: 19_000, share: 0.95 });
  expect(explain(diff)).toEqual([
    'The run took 20.0 s longer (10.0 s → 30.0 s): 95 % of it outside of any client.',
  ]);
});

test('shares of a change add up to all of it, whoever came and went', () => {
  const times = fc.dictionary(
    fc.string({ minLength: 1, maxLength: 3 }),
    fc.integer({ min: 0, max: 100_000 }),
  );
  fc.assert(
    fc.property(
      times,
      times,
      fc.integer({ min: 0, max: 50_000 }),
      fc.integer({ min: 0, max: 50_000 }),
      (old, fresh, restOld, restNew) => {
        const total = (of: Record<string, number>): number =>
          Object.values(of).reduce((sum, ms) => sum + ms, 0);
        const { duration } = compareRuns(
          side(total(old) + restOld, old),
          side(total(fresh) + restNew, fresh),
        );
        const deltas =
          duration.clients.reduce((sum, { delta }) => sum + delta, 0) + (duration.outside?.delta ?? 0);
        expect(deltas).toBeCloseTo(duration.delta, 3);
        const names = new Set([...Object.keys(old), ...Object.keys(fresh)]);
        expect(duration.clients).toHaveLength(names.size);
      },
    ),
  );
});
