/** Verdicts in the corners: what an attacker tried to make them lie. */

import { afterAll, beforeAll, expect, test } from 'vitest';
import { ask, askUntil, startProcess, temporaryFolder, type RunningService } from './rollcall-process.ts';
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
  readonly origin: string;
  readonly verdict: string;
  readonly telemetry: string;
  readonly metrics: { metric: string; value: number }[];
}

async function newRun(content: object = {}): Promise<Run> {
  return (await api<Run>('POST', '/runs', { job: 'cornered', ...content })).body;
}

/** Sends OTLP/JSON as any producer could. */
async function send(signal: 'logs' | 'metrics', body: object): Promise<void> {
  const response = await fetch(`${service.url}/v1/${signal}`, {
    method: 'POST',
    headers: { 'Content-Type': 'application/json' },
    body: JSON.stringify(body),
  });
  expect(await response.json()).toEqual({});
}

const text = (key: string, stringValue: string): object => ({ key, value: { stringValue } });

test('a job that says nothing to do although a client did something has completed', async () => {
  const { runId } = await newRun();
  await api('PUT', `/runs/${runId}/clients/a`, { status: 'completed' });
  const { body } = await api<Run>('POST', `/runs/${runId}/complete`, { status: 'nothing_to_do' });

  expect(body.verdict).toBe('completed');
});

test('a later attempt that reported no metric has none: the numbers of the one before are not its own', async () => {
  const { runId } = await newRun();
  await api('PUT', `/runs/${runId}/clients/a`, {});
  await api('POST', `/runs/${runId}/clients/a/complete`, { status: 'failed', metrics: { Leads: 10 } });
  await api('PATCH', `/runs/${runId}/clients/a`, { attempt: 2, status: 'nothing_to_do' });
  const { body } = await api<Run>('GET', `/runs/${runId}`);

  expect(body.metrics).toEqual([]);
});

test('a stray metric of a later attempt makes the telemetry incomplete, not the client absent', async () => {
  const { runId, origin } = await newRun();
  await api('PUT', `/runs/${runId}/clients/a`, { status: 'completed' });
  await api('POST', `/runs/${runId}/complete`, { status: 'completed' });
  const attributes = [
    text('rollcall.run.id', runId),
    text('rollcall.run.origin', origin),
    text('rollcall.client.id', 'a'),
    { key: 'rollcall.attempt', value: { intValue: '2' } },
    { key: 'rollcall.metric.final', value: { boolValue: true } },
  ];
  const point = { asDouble: 1, timeUnixNano: `${Date.now()}000000`, attributes };
  await send('metrics', {
    resourceMetrics: [{ scopeMetrics: [{ metrics: [{ name: 'Leads', gauge: { dataPoints: [point] } }] }] }],
  });

  const [client] = await askUntil<{ verdict: string; telemetry: string }>(
    service.url,
    `SELECT verdict, telemetry FROM client_runs WHERE run_id = '${runId}'`,
    ([row]) => row?.telemetry === 'incomplete',
  );

  expect(client).toEqual({ verdict: 'completed', telemetry: 'incomplete' });
});

test('a producer whose clock is a minute behind is not lost while it is heard', async () => {
  const runId = '251109-101010';
  const behind = (): string => `${Date.now() - 60_000}000000`;
  const event = (eventName: string): object => ({
    eventName,
    timeUnixNano: behind(),
    attributes: [
      text('rollcall.run.id', runId),
      text('rollcall.run.origin', 'c'.repeat(32)),
      text('rollcall.job.name', 'behind'),
      { key: 'rollcall.heartbeat.interval_ms', value: { intValue: '2000' } },
    ],
  });
  await send('logs', {
    resourceLogs: [
      { scopeLogs: [{ logRecords: [event('rollcall.run.started'), event('rollcall.run.heartbeat')] }] },
    ],
  });

  const verdictNow = `SELECT verdict FROM job_runs WHERE run_id = '${runId}'`;
  const [heard] = await askUntil<{ verdict: string }>(service.url, verdictNow, (rows) => rows.length === 1);
  const [silent] = await askUntil<{ verdict: string }>(
    service.url,
    verdictNow,
    ([row]) => row?.verdict === 'lost',
  );

  expect(heard?.verdict).toBe('running');
  expect(silent?.verdict).toBe('lost');
});

test('patience is three heartbeats, one and five seconds where they are short, and a day where none are promised', async () => {
  const runs = [];
  for (const heartbeatIntervalMs of [500, 1_000, 2_500, 5_000, 60_000, undefined])
    runs.push((await newRun({ job: 'patient', heartbeatIntervalMs })).runId);
  await api('PUT', `/runs/${runs[0]}/clients/a`, {});
  const patienceIn = (table: string): string =>
    `SELECT run_id, toUInt32(floor(2 * (lost_ms - toUnixTimestamp64Milli(last_sign_at)) / 1000)) / 2 AS seconds
     FROM ${table} FINAL WHERE job_name = 'patient' ORDER BY run_id`;
  type Row = { run_id: string; seconds: number };
  const jobs = await askUntil<Row>(
    service.url,
    patienceIn('run_summaries'),
    ({ length }) => length === runs.length,
  );
  const clients = await askUntil<Row>(
    service.url,
    patienceIn('client_run_summaries'),
    ([row]) => row !== undefined,
  );

  expect(jobs.map(({ seconds }) => seconds)).toEqual([5.5, 6, 7.5, 15, 180, 86_400]);
  expect(clients).toEqual([{ run_id: runs[0], seconds: 5.5 }]);
});

test('a producer is known by its instance: attributes that turn up later do not double its totals', async () => {
  const { runId, origin } = await newRun();
  const startTimeUnixNano = `${Date.now()}000000`;
  for (const [value, extra] of [
    [5, []],
    [8, [text('k8s.pod.name', 'pod-1')]],
  ] as const) {
    const attributes = [text('rollcall.run.id', runId), text('rollcall.run.origin', origin)];
    const point = {
      asInt: String(value),
      startTimeUnixNano,
      timeUnixNano: `${Date.now() + value}000000`,
      attributes,
    };
    const resource = { attributes: [text('service.instance.id', 'one-process'), ...extra] };
    const metric = {
      name: 'Leads',
      sum: { aggregationTemporality: 2, isMonotonic: true, dataPoints: [point] },
    };
    await send('metrics', { resourceMetrics: [{ resource, scopeMetrics: [{ metrics: [metric] }] }] });
  }

  const rows = await askUntil<{ value: number }>(
    service.url,
    `SELECT value FROM job_metrics WHERE run_id = '${runId}'`,
    ([row]) => (row?.value ?? 0) >= 8,
  );

  expect(rows).toEqual([{ value: 8 }]);
});

test('an expected client without a name is nobody', async () => {
  const runId = '251109-111111';
  const record = {
    eventName: 'rollcall.run.roster',
    timeUnixNano: `${Date.now()}000000`,
    attributes: [
      text('rollcall.run.id', runId),
      text('rollcall.run.origin', 'd'.repeat(32)),
      {
        key: 'rollcall.clients.expected',
        value: { arrayValue: { values: [{ stringValue: '' }, { stringValue: 'a' }] } },
      },
    ],
  };
  await send('logs', { resourceLogs: [{ scopeLogs: [{ logRecords: [record] }] }] });

  const rows = await askUntil<{ client_id: string }>(
    service.url,
    `SELECT client_id FROM client_runs WHERE run_id = '${runId}'`,
    (found) => found.length > 0,
  );

  expect(rows).toEqual([{ client_id: 'a' }]);
  expect(await ask(service.url, "SELECT 1 FROM job_runs WHERE verdict = ''")).toEqual([]);
});
