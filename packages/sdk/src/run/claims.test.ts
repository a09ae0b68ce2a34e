import { generateRunId } from '@rollcall/semconv';
import { expect, test } from 'vitest';
import { closedEndpoint } from '../../test/tracked.ts';
import { TrackingApi } from '../../test/tracking-api.ts';
import { startRollcall, type RollcallOptions } from '../index.ts';

async function withRollcall<T>(
  options: RollcallOptions,
  work: (rollcall: ReturnType<typeof startRollcall>) => Promise<T>,
) {
  const rollcall = startRollcall({ protocol: 'http/json', ...options });
  try {
    return await work(rollcall);
  } finally {
    await rollcall.shutdown(200);
  }
}

const isClaim = ({ path }: { path: string }) => path === '/api/v1/runs';

test('a job takes the ID that ingest claims for it, and says who it is', async () => {
  await using api = await TrackingApi.start();
  const now = Date.now();
  const others = [-1, 0, 1, 2].map((seconds) => generateRunId(new Date(now + seconds * 1_000)));
  for (const runId of others) {
    await fetch(`${api.endpoint}/api/v1/runs`, {
      method: 'POST',
      body: JSON.stringify({ job: 'other', runId }),
    });
  }

  const ids = await withRollcall({ endpoint: api.endpoint, heartbeatIntervalMs: 1_000 }, async (rollcall) => [
    await rollcall.job('nightly', (run) => run.runId),
    await rollcall.job('nightly', (run) => run.runId),
  ]);

  expect(new Set([...others, ...ids]).size).toBe(6);
  expect(api.runs.get(ids[0] ?? '')).toMatchObject({
    job: 'nightly',
    origin: expect.stringMatching(/^[\da-f]{32}$/),
    fields: { heartbeatIntervalMs: 1_000, startedAt: expect.stringMatching(/Z$/) },
  });
  expect([...api.runs.values()].filter(({ job }) => job === 'nightly')).toHaveLength(2);
});

test('an ingest that answers too late has the run under the ID that it has', async () => {
  await using api = await TrackingApi.start();
  api.fault = ({ path }) => (path === '/api/v1/runs' ? { status: 0, store: true, hang: true } : undefined);

  const runId = await withRollcall({ endpoint: api.endpoint, claimTimeoutMs: 50 }, async (rollcall) =>
    rollcall.job('nightly', (run) => run.runId),
  );

  expect([...api.runs.keys()]).toEqual([runId]);
});

test('an ID that is claimed too late is given back', async () => {
  await using api = await TrackingApi.start();
  const given = Promise.withResolvers<void>();
  const now = Date.now();
  for (const seconds of [-1, 0, 1, 2, 3, 4]) {
    const runId = generateRunId(new Date(now + seconds * 1_000));
    await fetch(`${api.endpoint}/api/v1/runs`, {
      method: 'POST',
      body: JSON.stringify({ job: 'other', runId }),
    });
  }
  api.delayMs = ({ path }) => (path === '/api/v1/runs' ? 200 : 0);
  api.fault = ({ path }) => {
    if (path.endsWith('/complete')) given.resolve();
    return undefined;
  };

  const runId = await withRollcall({ endpoint: api.endpoint, claimTimeoutMs: 100 }, async (rollcall) => {
    const id = await rollcall.job('nightly', (run) => run.runId);
    await given.promise;
    return id;
  });

  const late = [...api.runs.values()].find(({ job }) => job === 'nightly');
  expect(runId).not.toBe(late?.runId);
  await expect.poll(() => late?.status).toBe('cancelled');
});

test('an ID that another run has is kept, and the conflict is noted', async () => {
  await using api = await TrackingApi.start();
  const body = '{"job":"other","runId":"250930-123045"}';
  await fetch(`${api.endpoint}/api/v1/runs`, { method: 'POST', body });

  const runId = await withRollcall({ endpoint: api.endpoint }, async (rollcall) =>
    rollcall.job('nightly', (run) => run.runId, { runId: '250930-123045' }),
  );

  expect(runId).toBe('250930-123045');
  expect(api.notes).toMatchObject([{ 'rollcall.note.code': 'run_id_conflict' }]);
});

test('with ingest away the job starts at once, with an ID made here', async () => {
  const startedMs = performance.now();
  let beganMs = 0;
  const ids = await withRollcall(
    { endpoint: await closedEndpoint(), claimTimeoutMs: 10_000 },
    async (rollcall) => {
      const begin = (run: { runId: string }) => {
        beganMs = performance.now();
        return run.runId;
      };
      return Promise.all([rollcall.job('one', begin), rollcall.job('two', begin)]);
    },
  );

  expect(beganMs - startedMs).toBeLessThan(5_000);
  expect(new Set(ids).size).toBe(2);
});

test('an ingest that does not answer holds a job up for claimTimeoutMs, once, and its answer is not waited for again', async () => {
  await using api = await TrackingApi.start();
  api.fault = () => ({ status: 0, hang: true });
  const options = { endpoint: api.endpoint, claimTimeoutMs: 1_000, requestTimeoutMs: 800 };

  const waits = await withRollcall(options, async (rollcall) => {
    const startedMs = performance.now();
    let firstMs = 0;
    let secondMs = 0;
    await rollcall.job('one', async () => {
      firstMs = performance.now() - startedMs;
      const innerMs = performance.now();
      await rollcall.job('two', () => (secondMs = performance.now() - innerMs));
    });
    return { firstMs, secondMs };
  });

  expect(waits.firstMs).toBeGreaterThan(900);
  expect(waits.firstMs).toBeLessThan(3_000);
  expect(waits.secondMs).toBeLessThan(700);
});

test('with claimTimeoutMs 0 nobody is asked', async () => {
  await using api = await TrackingApi.start();

  await withRollcall({ endpoint: api.endpoint, claimTimeoutMs: 0 }, async (rollcall) =>
    rollcall.job('nightly', () => undefined),
  );

  expect(api.calls.filter(isClaim)).toEqual([]);
});
