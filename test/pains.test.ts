/**
 * What hurt before, and can no longer happen: one test a line, named by its number, over the real service.
 * The other numbers are proven where the code is: packages/sdk/src/services/pains.test.ts.
 */

import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, test } from 'vitest';
import {
  ask,
  askUntil,
  finished,
  spawnScript,
  startProcess,
  temporaryFolder,
  type RunningService,
} from './rollcall-process.ts';
import { trackingClient } from './tracking-client.ts';

let folder: Awaited<ReturnType<typeof temporaryFolder>>;
let service: RunningService;
let api: ReturnType<typeof trackingClient>;

beforeAll(async () => {
  folder = await temporaryFolder();
  service = await startProcess(folder.path);
  api = trackingClient(service.url);
});

afterAll(async () => {
  await service.stop();
  await folder.remove();
});

interface Run {
  readonly runId: string;
  readonly verdict: string;
  readonly reason: string | null;
  readonly startedAt: string;
  readonly endedAt: string | null;
  readonly clients: Record<string, number>;
  readonly metrics: { metric: string; value: number }[];
}

async function newRun(job: string, content: object = {}): Promise<string> {
  return (await api<Run>('POST', '/runs', { job, ...content })).body.runId;
}

const read = async (runId: string): Promise<Run> => (await api<Run>('GET', `/runs/${runId}`)).body;
const program = (name: string): string => fileURLToPath(new URL(`./programs/${name}.ts`, import.meta.url));

test('pain 5: a parent that says completed while its children work is running until they are done', async () => {
  const runId = await newRun('parent');
  await api('PUT', `/runs/${runId}/clients/child`, {});
  await api('POST', `/runs/${runId}/complete`, { status: 'completed' });
  const early = await read(runId);
  await api('POST', `/runs/${runId}/clients/child/complete`, {
    status: 'failed',
    error: { type: 'Error', message: 'late' },
  });
  const late = await read(runId);

  expect(early).toMatchObject({ verdict: 'running', endedAt: null });
  expect(late.verdict).toBe('completed_with_errors');
});

test('pain 6: an early return closes the run, and so does a process.exit in the middle, with the reason', async () => {
  const settings = { OTEL_EXPORTER_OTLP_ENDPOINT: service.url, ROLLCALL_HEARTBEAT_INTERVAL_MS: '200' };
  const early = await finished(spawnScript(program('leaves'), ['return'], settings));
  const exits = await finished(spawnScript(program('leaves'), ['exit'], settings));

  const verdictOf = (runId: string): string =>
    `SELECT verdict, reason FROM job_runs WHERE run_id = '${runId}'`;
  await askUntil<{ verdict: string }>(
    service.url,
    verdictOf(early.stdout.trim()),
    ([row]) => row?.verdict === 'completed',
  );
  const rows = await askUntil<{ verdict: string; reason: string }>(
    service.url,
    verdictOf(exits.stdout.trim()),
    // With heartbeats so short it may look lost until its end is read.
    ([row]) => row !== undefined && row.verdict !== 'running' && row.verdict !== 'lost',
  );
  expect(rows).toEqual([
    { verdict: 'cancelled', reason: 'process.exit(0) was called before the run had ended' },
  ]);
});

test('pain 7: a stuck run becomes lost by its own silence; nobody resets it, and no time of it is nonsense', async () => {
  const runId = await newRun('stuck', { heartbeatIntervalMs: 100 });
  await askUntil(
    service.url,
    `SELECT verdict FROM job_runs WHERE run_id = '${runId}'`,
    (rows) => (rows[0] as { verdict: string } | undefined)?.verdict === 'lost',
  );
  const { startedAt } = await read(runId);

  expect(Math.abs(Date.parse(startedAt) - Date.now())).toBeLessThan(60_000);
});

test("pain 8: two runs of one job may overlap and both are shown; overlap is refused only on request, and a dead run is in nobody's way", async () => {
  const dead = await newRun('overlapping', { heartbeatIntervalMs: 50 });
  await askUntil(
    service.url,
    `SELECT verdict FROM job_runs WHERE run_id = '${dead}'`,
    (rows) => (rows[0] as { verdict: string } | undefined)?.verdict === 'lost',
  );
  const first = await api<Run>('POST', '/runs', { job: 'overlapping', overlap: 'refuse' });
  const refused = await api('POST', '/runs', { job: 'overlapping', overlap: 'refuse' });
  const allowed = await api<Run>('POST', '/runs', { job: 'overlapping' });

  expect(first.status).toBe(201);
  expect(refused).toMatchObject({
    status: 409,
    body: { code: 'overlap_refused', record: { runId: first.body.runId } },
  });
  expect(allowed.status).toBe(201);
  const { body } = await api<{ runs: Run[] }>('GET', '/runs?job=overlapping&verdict=running');
  expect(body.runs).toHaveLength(2);
});

test('pain 12: steps have ends of their own, and the first client to finish does not close the job', async () => {
  const { stdout } = await finished(
    spawnScript(program('steps'), [], { OTEL_EXPORTER_OTLP_ENDPOINT: service.url }),
  );
  const { runId, verdictAfterFirst } = JSON.parse(stdout) as { runId: string; verdictAfterFirst: string };
  const steps = await askUntil<{ name: string; end: string }>(
    service.url,
    `SELECT SpanName AS name, toString(Timestamp + toIntervalNanosecond(Duration)) AS end FROM otel_traces
     WHERE RunId = '${runId}' AND SpanAttributes['rollcall.span.kind'] = 'step' ORDER BY end`,
    (rows) => rows.length === 3,
  );

  expect(verdictAfterFirst).toBe('running');
  expect(steps.map(({ name }) => name)).toEqual(['one', 'two', 'three']);
  expect(new Set(steps.map(({ end }) => end)).size).toBe(3);
});

test('pain 13: a client that is created three times has started once', async () => {
  const runId = await newRun('counted', { expectedClients: ['a'] });
  for (let n = 0; n < 3; n++) await api('PUT', `/runs/${runId}/clients/a`, {});
  await api('POST', `/runs/${runId}/clients/a/complete`, { status: 'completed' });

  expect((await read(runId)).clients).toMatchObject({ expected: 1, started: 1, completed: 1 });
});

test('pain 14: doing nothing is a verdict of its own, with its reason, for a client and for a job whose clients all had nothing', async () => {
  const runId = await newRun('idle');
  await api('PUT', `/runs/${runId}/clients/a`, { status: 'nothing_to_do', reason: 'no new leads' });
  const { body } = await api<Run>('GET', `/runs/${runId}/clients/a`);
  await api('POST', `/runs/${runId}/complete`, { status: 'completed' });

  expect(body).toMatchObject({ verdict: 'nothing_to_do', reason: 'no new leads' });
  expect((await read(runId)).verdict).toBe('nothing_to_do');
});

test('pain 18: a hundred signs of progress at once are a hundred events', async () => {
  const runId = await newRun('appended');
  await Promise.all(
    Array.from({ length: 100 }, (_, done) => api('PATCH', `/runs/${runId}`, { progress: { done } })),
  );
  // On a crowded machine some are told that they are kept, and can be read in a while.
  await askUntil<{ n: number }>(
    service.url,
    `SELECT toUInt32(uniqExact(LogAttributes['rollcall.progress.done'])) AS n FROM otel_logs WHERE RunId = '${runId}' AND EventName = 'rollcall.run.heartbeat'`,
    ([events]) => events?.n === 100,
  );
}, 240_000);

test('pain 20: what alarms read are typed columns, so that "0 failed" is the number 0', async () => {
  const columns = await ask<{ name: string; type: string }>(service.url, 'DESCRIBE job_runs');
  const types = Object.fromEntries(columns.map(({ name, type }) => [name, type]));

  expect(types['clients_failed']).toMatch(/^UInt/);
  expect(types['verdict']).toBe('String');
  expect(types['ended_at']).toContain('DateTime64');
});

test('pain 24: the evidence is stored with the verdict, so that a run that did nothing is told from one that worked', async () => {
  const idle = await newRun('evident', { status: 'completed' });
  const busy = await newRun('evident');
  await api('PUT', `/runs/${busy}/clients/a`, { status: 'completed' });
  await api('POST', `/runs/${busy}/complete`, { status: 'completed', metrics: { 'Records Handled': 7 } });

  expect(await read(idle)).toMatchObject({ verdict: 'completed', clients: { started: 0 }, metrics: [] });
  expect(await read(busy)).toMatchObject({
    verdict: 'completed',
    clients: { started: 1 },
    metrics: [{ metric: 'Records Handled', value: 7 }],
  });
});
