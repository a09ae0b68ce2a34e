import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { closedEndpoint, startTracked } from '../../test/tracked.ts';
import { TrackingApi } from '../../test/tracking-api.ts';
import { CircuitBreaker } from './circuit-breaker.ts';

const RUN = '250930-123045';
const CLIENT = { runId: RUN, clientId: 'acme' };
const isWrite = ({ method }: { method: string }) => method !== 'GET';

test.each([503, 500, 502, 429, 408])(
  'a call that meets HTTP %d is made again and arrives',
  async (status) => {
    await using tracked = await startTracked();
    let faults = 2;
    tracked.api.fault = () => (faults-- > 0 ? { status } : undefined);

    const created = await tracked.unifiedJobTrackingRepository.createJobTrackingRecord({
      jobType: 'scoring',
    });

    expect(created.stored).toBe(true);
    const keys = tracked.api.calls.map(({ key }) => key);
    expect(keys).toHaveLength(3);
    expect(new Set(keys).size).toBe(1);
  },
);

test('Retry-After is honoured', async () => {
  await using tracked = await startTracked({ retry: { tries: 2, budgetMs: 5_000, firstPauseMs: 1 } });
  let isBusy = true;
  tracked.api.fault = () => {
    const fault = isBusy ? { status: 503, headers: { 'retry-after': '1' } } : undefined;
    isBusy = false;
    return fault;
  };

  const startedMs = performance.now();
  await tracked.unifiedJobTrackingRepository.createJobTrackingRecord({ jobType: 'scoring' });

  expect(performance.now() - startedMs).toBeGreaterThan(950);
});

test('a Retry-After beyond the budget is not waited for: the call is kept', async () => {
  await using tracked = await startTracked();
  tracked.api.fault = () => ({ status: 503, headers: { 'retry-after': '3600' } });

  const record = await tracked.unifiedJobTrackingRepository.createJobTrackingRecord({ jobType: 'scoring' });

  expect(record).toMatchObject({ stored: false, pending: true });
  expect(tracked.api.calls).toHaveLength(1);
});

test('a server that never answers costs the budget and no more', async () => {
  await using tracked = await startTracked({ retry: { budgetMs: 300, tries: 10 } });
  tracked.api.fault = () => ({ status: 0, hang: true });

  const startedMs = performance.now();
  const record = await tracked.unifiedJobTrackingRepository.createJobTrackingRecord({ jobType: 'scoring' });

  expect(record.pending).toBe(true);
  expect(performance.now() - startedMs).toBeLessThan(1_500);
});

test('a caller can break a call off', async () => {
  await using tracked = await startTracked({ retry: { budgetMs: 60_000, tries: 1_000, firstPauseMs: 50 } });
  tracked.api.fault = () => ({ status: 503 });
  const reason = new Error('the request was closed');
  const controller = new AbortController();
  const { signal } = controller;

  const call = tracked.unifiedJobTrackingRepository.createJobTrackingRecord({ jobType: 'scoring', signal });
  setTimeout(() => controller.abort(reason), 20);

  await expect(call).rejects.toMatchObject({ code: 'cancelled', cause: reason });
});

test('with ingest away calls are kept on disk and arrive later, in order and once', async () => {
  await using tracked = await startTracked();
  const { unifiedJobTrackingRepository: repository, jobMetricsService, api } = tracked;
  api.fault = () => ({ status: 503 });
  const created = await repository.createJobTrackingRecord({ jobType: 'scoring' });
  const client = { runId: created.runId, clientId: 'acme' };
  await repository.createClientRunRecord(client);
  await jobMetricsService.incrementClientMetrics({ ...client, metrics: { Leads: 2 } });
  const last = await jobMetricsService.completeClientMetrics({ ...client, metrics: { Posts: 0 } });
  expect([created.pending, last.pending]).toEqual([true, true]);
  expect(last).toMatchObject({ clientRunId: `${created.runId}-acme`, metrics: null });

  api.fault = () => undefined;
  const next = await repository.updateJobTrackingRecord({
    runId: created.runId,
    updates: { heartbeat: true },
  });

  expect(next).toMatchObject({ stored: true, runId: created.runId, recovered: false });
  expect(api.metric(created.runId, 'acme', 'Leads')).toBe(2);
  expect(api.metric(created.runId, 'acme', 'Posts')).toBe(0);
  expect(api.runs.get(created.runId)?.clients.get('acme')?.status).toBe('completed');
  await expect(tracked.flushTrackingSpool()).resolves.toBe(true);
  expect(await filesIn(tracked.spoolDir)).toEqual([]);
});

test('a later call never overtakes those that wait', async () => {
  await using tracked = await startTracked();
  const { unifiedJobTrackingRepository: repository, api } = tracked;
  await repository.createJobTrackingRecord({ runId: RUN, jobType: 'scoring' });
  api.fault = () => ({ status: 503 });
  await repository.updateJobTrackingRecord({ runId: RUN, updates: { progress: { done: 1 } } });
  api.fault = () => undefined;

  await repository.completeJobTrackingRecord({ runId: RUN });

  const accepted = api.calls.filter(({ status }) => status === 200).map(({ method }) => method);
  expect(accepted).toEqual(['PATCH', 'POST']);
  expect(api.runs.get(RUN)).toMatchObject({ status: 'completed', fields: { progress: { done: 1 } } });
});

test('what a process that is gone left behind is sent by the next one after its first success', async () => {
  const endpoint = await closedEndpoint();
  await using tracked = await startTracked({ endpoint });
  const gone = await tracked.unifiedJobTrackingRepository.createJobTrackingRecord({ jobType: 'scoring' });
  expect(gone.pending).toBe(true);
  await using api = await TrackingApi.start(Number(new URL(endpoint).port));

  const next = tracked.another();
  await next.unifiedJobTrackingRepository.createJobTrackingRecord({ jobType: 'harvest', runId: RUN });
  await expect(next.flushTrackingSpool()).resolves.toBe(true);

  expect([...api.runs.values()].map(({ runId, job }) => [runId, job])).toEqual([
    [RUN, 'harvest'],
    [gone.runId, 'scoring'],
  ]);
});

test('two processes that replay one spool send each call once', async () => {
  await using tracked = await startTracked();
  const { api } = tracked;
  api.fault = () => ({ status: 503 });
  for (let index = 0; index < 20; index++) {
    const clientId = `client-${index}`;
    await tracked.unifiedJobTrackingRepository.createClientRunRecord({
      runId: RUN,
      clientId,
      jobType: 'scoring',
    });
  }
  api.fault = () => undefined;
  api.calls.length = 0;

  const [one, two] = [tracked.another(), tracked.another()];
  await Promise.all([one.flushTrackingSpool(), two.flushTrackingSpool(), tracked.flushTrackingSpool()]);

  const accepted = api.calls.filter(({ method, status }) => method === 'PUT' && status === 201);
  expect(accepted.map(({ path }) => path)).toHaveLength(20);
  expect(api.runs.get(RUN)?.clients.size).toBe(20);
});

test('a full spool turns new calls away, and says so without throwing', async () => {
  await using tracked = await startTracked({ spoolMaxBytes: 300 });
  tracked.api.fault = () => ({ status: 503 });
  const create = async () =>
    tracked.unifiedJobTrackingRepository.createJobTrackingRecord({ jobType: 'scoring' });

  const records = [await create(), await create(), await create()];

  expect(records.map(({ pending }) => pending)).toEqual([true, false, false]);
  expect(records[2]?.trackingError).toMatchObject({ code: 'spool_failed', category: 'storage' });
});

test('runs whose IDs were made while ingest was away are not merged into those that got them meanwhile', async () => {
  await using tracked = await startTracked();
  const { unifiedJobTrackingRepository: repository, api } = tracked;
  api.fault = () => ({ status: 503 });
  const offline = await repository.createJobTrackingRecord({ jobType: 'scoring' });
  await repository.createClientRunRecord({ runId: offline.runId, clientId: 'acme' });
  api.fault = () => undefined;
  await fetch(`${api.endpoint}/api/v1/runs`, {
    method: 'POST',
    body: JSON.stringify({ job: 'harvest', runId: offline.runId }),
  });

  const updated = await repository.updateJobTrackingRecord({
    runId: offline.runId,
    updates: { heartbeat: true },
  });

  expect(updated.runId).not.toBe(offline.runId);
  expect(api.runs.get(offline.runId)).toMatchObject({ job: 'harvest', clients: new Map() });
  expect([...(api.runs.get(updated.runId)?.clients.keys() ?? [])]).toEqual(['acme']);
  expect(tracked.log.at(-1)).toMatchObject({ fields: { code: 'run_id_conflict' } });
});

test('an answer of something else than ingest is no acceptance', async () => {
  await using tracked = await startTracked();
  tracked.api.fault = () => ({ status: 200, text: '<html>Please log in</html>' });

  const record = await tracked.unifiedJobTrackingRepository.createJobTrackingRecord({ jobType: 'scoring' });

  expect(record.pending).toBe(true);
});

test('with a wrong key a call is kept at once, not tried again', async () => {
  await using tracked = await startTracked();
  tracked.api.fault = () => ({ status: 401, text: '{"code":"key_unknown","detail":"No such key"}' });

  const record = await tracked.unifiedJobTrackingRepository.createJobTrackingRecord({ jobType: 'scoring' });

  expect(record.pending).toBe(true);
  expect(tracked.api.calls).toHaveLength(1);
  expect(tracked.log[0]?.message).toContain('No such key');
});

test('an unknown refusal aborts, with the original as cause', async () => {
  await using tracked = await startTracked();
  tracked.api.fault = () => ({ status: 418, text: '{"code":"teapot","detail":"short and stout"}' });

  const call = tracked.unifiedJobTrackingRepository.createJobTrackingRecord({ jobType: 'scoring' });

  await expect(call).rejects.toMatchObject({
    code: 'unexpected',
    category: 'unknown',
    message: 'short and stout',
    cause: { code: 'teapot' },
  });
});

test('a dead ingest is left alone after some failures, and asked again later by one call', () => {
  let nowMs = 0;
  const breaker = new CircuitBreaker({ failures: 2, openMs: 1_000, clock: () => nowMs });
  breaker.failed();
  expect(breaker.state).toBe('closed');
  breaker.failed();
  expect([breaker.state, breaker.mayTry()]).toEqual(['open', false]);

  nowMs = 1_000;
  expect([breaker.mayTry(), breaker.mayTry()]).toEqual([true, false]);
  breaker.failed();
  expect(breaker.mayTry()).toBe(false);
  nowMs = 2_000;
  expect(breaker.mayTry()).toBe(true);
  breaker.succeeded();
  expect([breaker.state, breaker.mayTry()]).toEqual(['closed', true]);
});

test('while the circuit is open calls go to disk without a request', async () => {
  await using tracked = await startTracked({ breaker: { failures: 2, openMs: 60_000 } });
  tracked.api.fault = () => ({ status: 503 });

  const first = await tracked.unifiedJobTrackingRepository.createJobTrackingRecord({ jobType: 'scoring' });
  const second = await tracked.unifiedJobTrackingRepository.createJobTrackingRecord({ jobType: 'scoring' });

  expect([first.pending, second.pending]).toEqual([true, true]);
  expect(first.runId).not.toBe(second.runId);
  expect(tracked.api.calls.filter(isWrite)).toHaveLength(2);
});

test('a lost answer is no second write', async () => {
  await using tracked = await startTracked();
  const { jobMetricsService, unifiedJobTrackingRepository: repository, api } = tracked;
  await repository.createJobTrackingRecord({ runId: RUN, jobType: 'scoring' });
  await repository.createClientRunRecord(CLIENT);
  let isLost = true;
  api.fault = () => {
    const fault = isLost ? { status: 502, store: true } : undefined;
    isLost = false;
    return fault;
  };

  await jobMetricsService.incrementClientMetrics({ ...CLIENT, metrics: { Leads: 10 } });

  expect(api.metric(RUN, 'acme', 'Leads')).toBe(10);
});

test('an addition that first had to make its records is still one addition', async () => {
  await using tracked = await startTracked();
  const { jobMetricsService, api } = tracked;
  const addition = { ...CLIENT, jobType: 'scoring', metrics: { Leads: 7 }, idempotencyKey: 'batch-12' };

  await jobMetricsService.incrementClientMetrics(addition);
  await jobMetricsService.incrementClientMetrics(addition);

  expect(api.metric(RUN, 'acme', 'Leads')).toBe(7);
});

test('each trouble is logged once, with its run and client', async () => {
  await using tracked = await startTracked();
  tracked.api.fault = () => ({ status: 503 });

  await tracked.unifiedJobTrackingRepository.createClientRunRecord(CLIENT);

  expect(tracked.log).toHaveLength(1);
  expect(tracked.log[0]).toMatchObject({
    level: 'warn',
    fields: { code: 'storage_unavailable', category: 'storage', ...CLIENT },
  });
});

async function filesIn(spoolDir: string): Promise<string[]> {
  const names: string[] = [];
  for (const folder of await readdir(spoolDir)) names.push(...(await readdir(join(spoolDir, folder))));
  return names;
}
