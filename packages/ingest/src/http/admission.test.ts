/** Facts about who is let in while much is going on. */
import { expect, test } from 'vitest';
import { ProjectShares } from '../spool/project-shares.ts';
import { Admission, type AdmissionLimits } from './admission.ts';

const LIMITS: AdmissionLimits = {
  maxInFlightBytes: 1_000,
  projectShare: 0.5,
  projectBytesPerSecond: undefined,
  spoolMaxBytes: 10_000,
};

function admission(
  limits: Partial<AdmissionLimits> = {},
  waitingBytes: (projectId: string) => number = () => 0,
) {
  let nowMs = 0;
  const made = new Admission({ ...LIMITS, ...limits }, { waitingBytes, clock: () => nowMs });
  return { enter: made.enter.bind(made), wait: (ms: number) => (nowMs += ms) };
}

test('a project that has its share in flight waits, the others are let in', () => {
  const { enter } = admission();
  expect(enter('noisy', 400).status).toBe('in');

  expect(enter('noisy', 200)).toMatchObject({ status: 'retry', httpStatus: 429 });
  expect(enter('quiet', 400).status).toBe('in');
});

test('when too much is in flight altogether everybody waits, until somebody leaves', () => {
  const { enter } = admission();
  const first = enter('a', 500);
  enter('b', 500);
  expect(enter('c', 1)).toMatchObject({ status: 'retry', httpStatus: 503, afterMs: 1_000 });

  if (first.status === 'in') first.leave();
  if (first.status === 'in') first.leave();

  expect(enter('c', 500).status).toBe('in');
  expect(enter('d', 1)).toMatchObject({ httpStatus: 503 });
});

test('one request is let in however large it is', () => {
  const { enter } = admission();
  expect(enter('a', 5_000).status).toBe('in');
});

test('a project that has its share of the spool waits, the others are let in', () => {
  const { enter } = admission({}, (projectId) => (projectId === 'noisy' ? 5_001 : 5_000));

  expect(enter('noisy', 1)).toMatchObject({
    status: 'retry',
    httpStatus: 429,
    reason: expect.stringContaining('spool'),
  });
  expect(enter('quiet', 1).status).toBe('in');
});

test('a rate holds on average: ten seconds of it may come at once, then as much as has passed', () => {
  const { enter, wait } = admission({ projectBytesPerSecond: 10 });
  expect(enter('a', 150).status).toBe('in');

  const refused = enter('a', 10);
  expect(refused).toMatchObject({ status: 'retry', httpStatus: 429, afterMs: 5_001 });
  expect(enter('b', 10).status).toBe('in');

  wait(5_001);
  expect(enter('a', 10).status).toBe('in');
  expect(enter('a', 10)).toMatchObject({ status: 'retry' });
});

test('the bytes of a project are in the spool until the segments are that hold them', () => {
  const shares = new ProjectShares();
  shares.add('a', 100, ['1', '2']);
  shares.add('b', 30, ['2']);
  shares.add('a', 7, ['2']);
  expect([shares.of('a'), shares.of('b'), shares.of('c')]).toEqual([107, 30, 0]);

  shares.remove('2');
  shares.remove('2');
  expect([shares.of('a'), shares.of('b')]).toEqual([50, 0]);

  shares.remove('1');
  expect(shares.of('a')).toBe(0);
});
