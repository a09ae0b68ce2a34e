import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { DECLARED_STATUSES } from '@rollcall/semconv';
import { decide } from './rules.ts';

const running = { attempt: 1, endedAs: null };
const completed = { attempt: 1, endedAs: 'completed' };

describe('the state table', () => {
  test('a running attempt goes on, and ends once', () => {
    expect(decide(running, { hasNews: true })).toEqual({
      status: 'apply',
      attempt: 1,
      starts: false,
      ends: null,
    });
    expect(decide(running, { status: 'failed' })).toEqual({
      status: 'apply',
      attempt: 1,
      starts: false,
      ends: 'failed',
    });
  });

  test('ending again in the same way changes nothing', () => {
    expect(decide(completed, { status: 'completed' })).toEqual({ status: 'unchanged', attempt: 1 });
  });

  test.each(['failed', 'running'] as const)('a completed attempt does not become %s', (status) => {
    expect(decide(completed, { status })).toMatchObject({ status: 'refused', code: 'already_ended' });
  });

  test('news after the end are refused, a mere sign of life is ignored', () => {
    expect(decide(completed, { hasNews: true })).toMatchObject({ status: 'refused', code: 'already_ended' });
    expect(decide(completed, {})).toEqual({ status: 'unchanged', attempt: 1 });
  });

  test('the next attempt may begin at any time, and may end at once', () => {
    expect(decide(completed, { attempt: 2 })).toEqual({
      status: 'apply',
      attempt: 2,
      starts: true,
      ends: null,
    });
    expect(decide(running, { attempt: 2, status: 'failed' })).toEqual({
      status: 'apply',
      attempt: 2,
      starts: true,
      ends: 'failed',
    });
  });

  test('attempts neither go back nor leave gaps', () => {
    expect(decide({ attempt: 2, endedAs: null }, { attempt: 1 })).toMatchObject({ code: 'attempt_over' });
    expect(decide(running, { attempt: 3 })).toMatchObject({ code: 'attempt_gap' });
  });

  test('no sequence of requests changes how an attempt ended', () => {
    const request = fc.record({
      attempt: fc.option(fc.integer({ min: 0, max: 6 }), { nil: undefined }),
      status: fc.option(fc.constantFrom('running' as const, ...DECLARED_STATUSES), { nil: undefined }),
      hasNews: fc.boolean(),
    });
    fc.assert(
      fc.property(fc.array(request, { maxLength: 40 }), (requests) => {
        const ends = new Map<number, string>();
        let last: { attempt: number; endedAs: string | null } = { attempt: 1, endedAs: null };
        for (const one of requests) {
          const decision = decide(last, one);
          if (decision.status !== 'apply') continue;
          expect(decision.attempt - last.attempt).toBeLessThanOrEqual(1);
          if (decision.ends !== null) {
            expect(ends.has(decision.attempt)).toBe(false);
            ends.set(decision.attempt, decision.ends);
          }
          last = { attempt: decision.attempt, endedAs: decision.ends };
        }
      }),
    );
  });
});
