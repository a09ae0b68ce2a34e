/** The tracking services and joined processes against the real ingest. */
import { context, propagation, ROOT_CONTEXT } from '@opentelemetry/api';
import { afterAll, beforeAll, expect, test } from 'vitest';
import {
  ask,
  askUntil,
  startProcess,
  temporaryFolder,
  type RunningService,
} from '../../../test/rollcall-process.ts';
import {
  createTrackingServices,
  HERITAGE_METRICS,
  runContextToEnv,
  startRollcall,
  type TrackingServices,
} from '../src/index.ts';
import { runProgram } from './watched.ts';

let folder: Awaited<ReturnType<typeof temporaryFolder>>;
let service: RunningService;
let services: TrackingServices;

beforeAll(async () => {
  folder = await temporaryFolder();
  service = await startProcess(folder.path);
  services = createTrackingServices({
    endpoint: service.url,
    spoolDir: `${folder.path}/sdk-spool`,
    metrics: HERITAGE_METRICS,
    retry: { budgetMs: 20_000 },
    requestTimeoutMs: 20_000,
  });
});

afterAll(async () => {
  await service.stop();
  await folder.remove();
});

test('the worked example comes out as 35 leads, 20 posts, three clients, one with errors', async () => {
  const { unifiedJobTrackingRepository: repository, jobMetricsService } = services;
  const { runId } = await repository.createJobTrackingRecord({
    jobType: 'batch_scoring',
    status: 'Running',
    expectedClients: ['acme', 'globex', 'initech'],
  });
  const numbers = { acme: [10, 5], globex: [20, 15], initech: [5, 0] } as const;
  for (const [clientId, [leads, posts]] of Object.entries(numbers)) {
    await repository.createClientRunRecord({ runId, clientId });
    const metrics = { leadsProcessed: String(leads), 'Posts Processed': posts };
    await jobMetricsService.updateClientMetrics({ runId, clientId, metrics });
    const status = clientId === 'initech' ? 'failed' : 'completed';
    await jobMetricsService.completeClientMetrics({
      runId: `${runId}-${clientId}`,
      clientId,
      metrics,
      status,
    });
  }

  const completed = await repository.completeJobTrackingRecord({ runId });

  expect(completed).toMatchObject({
    stored: true,
    runId,
    verdict: 'completed_with_errors',
    trackingError: null,
  });
  expect(completed.clients).toMatchObject({ expected: 3, started: 3, completed: 2, failed: 1 });
  expect(completed.metrics).toEqual(
    expect.arrayContaining([
      { metric: 'Leads Processed', aggregation: 'sum', unit: '{lead}', value: 35, clients: 3 },
      { metric: 'Posts Processed', aggregation: 'sum', unit: '{post}', value: 20, clients: 3 },
    ]),
  );
});

test('each path of the services is understood by ingest', async () => {
  const { unifiedJobTrackingRepository: repository, jobMetricsService } = services;
  const client = { runId: '250930-123045', clientId: "O'Neil & Söhne/100%" };

  const recovered = await jobMetricsService.incrementClientMetrics({
    ...client,
    jobType: 'harvest',
    metrics: { 'Total Tokens': 7 },
    idempotencyKey: 'one-addition',
  });
  const again = { ...client, metrics: { 'Total Tokens': 7 }, idempotencyKey: 'one-addition' };
  await jobMetricsService.incrementClientMetrics(again);
  await jobMetricsService.updateJobAggregateMetrics({
    runId: client.runId,
    metrics: { 'Start Time': new Date(1.7e12) },
  });
  await repository.relateForeignId({ ...client, foreignId: '8MSTBAfqMzuXPvgB3' });
  await repository.updateClientRunRecord({
    ...client,
    updates: {
      progress: { done: 1, total: 2 },
      metrics: { 'Leads Processed': 'many', 'Posts Processed': 0 },
    },
  });
  const ended = await repository.completeClientRunRecord({
    ...client,
    status: 'timed_out',
    reason: 'after 30 min',
  });
  const second = await repository.completeClientRunRecord({ ...client, status: 'completed' });
  const run = await repository.getJobTrackingRecord({ runId: '8MSTBAfqMzuXPvgB3' });
  const page = await repository.listClientRunRecords({ runId: client.runId, limit: 10 });
  const runs = await repository.listJobTrackingRecords({ jobType: 'harvest' });
  const standalone = await repository.createClientRunRecord({
    runId: '250930-130000',
    clientId: 'acme',
    jobType: 'onboarding',
    initialData: { standalone: true },
  });
  const conflict = repository.createJobTrackingRecord({ runId: client.runId, jobType: 'other' });

  expect(recovered).toMatchObject({ stored: true, recovered: true, trackingError: null });
  expect(ended).toMatchObject({ verdict: 'timed_out', clientId: client.clientId });
  expect(ended.metrics).toEqual(
    expect.arrayContaining([
      { metric: 'Total Tokens', aggregation: 'sum', unit: expect.any(String), value: 7 },
      { metric: 'Posts Processed', aggregation: 'sum', unit: '{post}', value: 0 },
    ]),
  );
  expect(second).toMatchObject({
    stored: true,
    verdict: 'timed_out',
    trackingError: { code: 'already_ended' },
  });
  expect(run).toMatchObject({ runId: client.runId, job: 'harvest', recovered: true });
  expect(page.rows).toMatchObject([{ clientId: client.clientId, progress: { done: 1, total: 2 } }]);
  expect(runs.rows.map(({ runId }) => runId)).toContain(client.runId);
  expect(standalone).toMatchObject({ relation: 'standalone', job: 'onboarding' });
  await expect(conflict).rejects.toMatchObject({ code: 'run_id_conflict' });
  await askUntil<{ notes: string }>(
    service.url,
    `SELECT toString(notes) AS notes FROM job_runs WHERE run_id = '${client.runId}'`,
    ([row]) => row?.notes.includes('"many" is not a number') === true,
  );
});

test('pain 2: parent, child process and grandchild are one run for ingest, each with its own events', async () => {
  const rollcall = startRollcall({ endpoint: service.url, claimTimeoutMs: 20_000 });
  const runId = await rollcall.job('nightly', async (run) => {
    run.count('Leads Processed', 10);
    const env = {
      OTEL_EXPORTER_OTLP_ENDPOINT: service.url,
      OTEL_EXPORTER_OTLP_PROTOCOL: '',
      ...runContextToEnv(run),
    };
    await Promise.all([
      runProgram('child.ts', { args: ['join'], env }),
      runProgram('child.ts', { args: ['job'], env }),
      runProgram('child.ts', { args: ['deep'], env }),
    ]);
    return run.runId;
  });
  await rollcall.shutdown();

  const [row] = await askUntil<{ runs: number; verdict: string; telemetry: string; leads: number }>(
    service.url,
    `SELECT count() AS runs, any(verdict) AS verdict, any(telemetry) AS telemetry,
      (SELECT sum(value) FROM job_metrics WHERE run_id = '${runId}') AS leads
     FROM job_runs WHERE job_name = 'nightly'`,
    // The ends of processes that leave together come in one after another.
    ([found]) => found?.verdict === 'completed' && found.leads === 70 && found.telemetry === 'complete',
  );

  expect(row).toEqual({ runs: 1, verdict: 'completed', telemetry: 'complete', leads: 70 });
});

test('50 jobs of one second claim 50 IDs, and ingest has no other run of them', async () => {
  const rollcall = startRollcall({ endpoint: service.url, claimTimeoutMs: 20_000 });
  const start = async () => rollcall.job('herd', (run) => run.runId);
  const ids = await Promise.all(Array.from({ length: 50 }, start));
  await rollcall.shutdown();

  expect(new Set(ids).size).toBe(50);
  const rows = await askUntil<{ run_id: string }>(
    service.url,
    `SELECT run_id FROM job_runs WHERE job_name = 'herd' AND verdict = 'completed'`,
    (found) => found.length >= 50,
  );
  expect(rows.map((row) => row.run_id).toSorted()).toEqual(ids.toSorted());
  await expect(
    ask(service.url, `SELECT run_id FROM job_runs WHERE job_name = 'herd' AND verdict != 'completed'`),
  ).resolves.toEqual([]);
});

test('jobs that are started under one trace are runs of their own, each shown with that trace', async () => {
  const rollcall = startRollcall({ endpoint: service.url, claimTimeoutMs: 20_000 });
  // Sorts before nearly every origin that is made up.
  const traceId = '0000000000000000000000000000000f';
  const given = propagation.extract(ROOT_CONTEXT, { traceparent: `00-${traceId}-b7ad6b7169203331-01` });
  const names = ['shared_trace_billing', 'shared_trace_shipping'];
  await context.with(given, async () =>
    Promise.all(
      names.map(async (name) => rollcall.job(name, async (run) => run.client('acme', () => undefined))),
    ),
  );
  await rollcall.shutdown();

  const rows = await askUntil<{ job_name: string; origin: string; trace_id: string }>(
    service.url,
    `SELECT job_name, origin, trace_id FROM job_runs
     WHERE startsWith(job_name, 'shared_trace') AND verdict = 'completed' AND telemetry = 'complete' ORDER BY job_name`,
    (found) => found.length >= 2,
  );
  expect(rows).toEqual(names.map((name) => expect.objectContaining({ job_name: name, trace_id: traceId })));
  expect(new Set(rows.map(({ origin }) => origin)).size).toBe(2);
});
