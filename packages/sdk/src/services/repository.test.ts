import { expect, test } from 'vitest';
import { startTracked } from '../../test/tracked.ts';
import { HERITAGE_METRICS, TrackingError } from '../index.ts';

const RUN = '250930-123045';

test('a job run is created, updated and completed, and each call returns the stored record', async () => {
  await using tracked = await startTracked();
  const { unifiedJobTrackingRepository: repository } = tracked;

  const created = await repository.createJobTrackingRecord({ jobType: 'batch_scoring', status: 'Running' });
  const { runId } = created;
  const updated = await repository.updateJobTrackingRecord({
    runId,
    updates: { progress: { done: 1, total: 3 } },
  });
  const completed = await repository.completeJobTrackingRecord({
    runId,
    status: 'Nothing To Do',
    reason: 'no new leads',
    endedAt: new Date('2025-09-30T12:40:00Z'),
  });

  expect(created).toMatchObject({ stored: true, pending: false, job: 'batch_scoring', verdict: 'running' });
  expect(updated).toMatchObject({ runId, progress: { done: 1, total: 3 } });
  expect(completed).toMatchObject({
    runId,
    verdict: 'nothing_to_do',
    reason: 'no new leads',
    endedAt: '2025-09-30T12:40:00.000Z',
  });
  expect(tracked.api.runs.size).toBe(1);
});

test('two job runs created in one second get two IDs', async () => {
  await using tracked = await startTracked();
  const create = async () =>
    tracked.unifiedJobTrackingRepository.createJobTrackingRecord({ jobType: 'batch_scoring' });

  const [one, two] = await Promise.all([create(), create()]);

  expect(one.runId).not.toBe(two.runId);
});

test('a client run goes from create to completion with its numbers', async () => {
  await using tracked = await startTracked({ metrics: HERITAGE_METRICS });
  const { unifiedJobTrackingRepository: repository } = tracked;
  await repository.createJobTrackingRecord({ runId: RUN, jobType: 'batch_scoring' });

  const client = { runId: RUN, clientId: 'acme' };
  await repository.createClientRunRecord({
    ...client,
    initialData: { status: 'running', metrics: { leadsProcessed: '0' } },
  });
  await repository.updateClientRunRecord({ ...client, updates: { metrics: { 'Posts Processed': 5 } } });
  const completed = await repository.updateClientRunRecord({ ...client, updates: { status: 'Completed' } });

  expect(completed).toMatchObject({
    clientRunId: `${RUN}-acme`,
    verdict: 'completed',
    metrics: [
      { metric: 'Leads Processed', aggregation: 'sum', unit: '{lead}', value: 0 },
      { metric: 'Posts Processed', aggregation: 'sum', unit: '{post}', value: 5 },
    ],
  });
});

test('reading what is not there gives null, and lists come in pages', async () => {
  await using tracked = await startTracked();
  const { unifiedJobTrackingRepository: repository } = tracked;

  await expect(repository.getJobTrackingRecord({ runId: RUN })).resolves.toBeNull();
  await expect(repository.getClientRunRecord({ runId: RUN, clientId: 'acme' })).resolves.toBeNull();
  await repository.createJobTrackingRecord({ runId: RUN, jobType: 'batch_scoring' });
  await repository.createClientRunRecord({ runId: RUN, clientId: 'acme' });

  await expect(repository.getJobTrackingRecord({ runId: RUN })).resolves.toMatchObject({ runId: RUN });
  const page = await repository.listJobTrackingRecords({
    jobType: 'batch_scoring',
    from: '2025-09-30T00:00:00Z',
    limit: 10,
  });
  expect(page).toMatchObject({ rows: [{ runId: RUN }], nextCursor: null, trackingError: null });
  expect(tracked.api.calls.at(-1)?.path).toBe(
    '/api/v1/runs?job=batch_scoring&from=2025-09-30T00%3A00%3A00.000Z&limit=10',
  );
  const clients = await repository.listClientRunRecords({ runId: RUN });
  expect(clients.rows).toMatchObject([{ clientId: 'acme' }]);
});

test('the first end stands; a second one comes back as a flaw beside the stored record', async () => {
  await using tracked = await startTracked();
  const { unifiedJobTrackingRepository: repository } = tracked;
  await repository.createJobTrackingRecord({ runId: RUN, jobType: 'batch_scoring' });
  await repository.completeJobTrackingRecord({ runId: RUN, status: 'completed' });

  const again = await repository.completeJobTrackingRecord({ runId: RUN, status: 'failed' });

  expect(again).toMatchObject({ stored: true, verdict: 'completed' });
  expect(again.trackingError).toMatchObject({
    code: 'already_ended',
    category: 'inconsistent_data',
    runId: RUN,
  });
  const next = await repository.updateJobTrackingRecord({
    runId: RUN,
    updates: { status: 'running', attempt: 2 },
  });
  expect(next).toMatchObject({ verdict: 'running', attempt: 2, trackingError: null });
});

test('an ID that another job has is a conflict that the caller hears of', async () => {
  await using tracked = await startTracked();
  const { unifiedJobTrackingRepository: repository } = tracked;
  await repository.createJobTrackingRecord({ runId: RUN, jobType: 'batch_scoring' });

  const conflict = repository.createJobTrackingRecord({ runId: RUN, jobType: 'harvest' });

  await expect(conflict).rejects.toMatchObject({
    name: 'TrackingError',
    code: 'run_id_conflict',
    runId: RUN,
  });
});

test.each([
  ['a status that is none', { updates: { status: 'Done' } }, /'running', 'completed'/],
  ['a verdict that is not declared', { updates: { status: 'Completed with Errors' } }, /Rollcall concludes/],
  ['a field that nobody reads', { updates: { endTime: 1 } }, /does not know 'endTime'/],
  ['a time without a zone', { updates: { status: 'failed', endedAt: '2025-09-30T12:00:00' } }, /time zone/],
  ['a job type that is none', { jobType: 7, updates: {} }, /needs jobType/],
])('%s is refused before anything is sent', async (_what, given, message) => {
  await using tracked = await startTracked();
  const call = tracked.unifiedJobTrackingRepository.updateJobTrackingRecord({
    runId: RUN,
    ...given,
  } as never);

  await expect(call).rejects.toThrow(message);
  await expect(call).rejects.toBeInstanceOf(TrackingError);
  expect(tracked.api.calls).toEqual([]);
});

test('with throwOnError off a refused call does not throw; its record says why', async () => {
  await using tracked = await startTracked({ throwOnError: false });

  const record = await tracked.unifiedJobTrackingRepository.createJobTrackingRecord({ jobType: '' });

  expect(record).toMatchObject({ stored: false, pending: false });
  expect(record.trackingError).toMatchObject({ code: 'invalid_request' });
  expect(tracked.log).toHaveLength(1);
});

test('switched off, the services send and keep nothing', async () => {
  await using tracked = await startTracked({ disabled: true });

  const record = await tracked.unifiedJobTrackingRepository.createJobTrackingRecord({
    jobType: 'batch_scoring',
  });

  expect(record).toMatchObject({
    stored: false,
    pending: false,
    trackingError: null,
    jobType: 'batch_scoring',
  });
  expect(record.runId).toMatch(/^\d{6}-\d{6}$/);
  await expect(tracked.flushTrackingSpool()).resolves.toBe(true);
  expect(tracked.api.calls).toEqual([]);
});
