/** What hurt the users of the system that Rollcall replaces, by number: each line is impossible now. */
import { expect, test } from 'vitest';
import { runProgram } from '../../test/watched.ts';
import { startTracked } from '../../test/tracked.ts';
import { HERITAGE_METRICS, runContextToEnv, unifiedRunIdService } from '../index.ts';

const RUN = '250930-123045';
const CLIENT = { runId: RUN, clientId: 'Guy-Wilson' };
const SUFFIXED = `${RUN}-Guy-Wilson`;

async function withRun(options: Parameters<typeof startTracked>[0] = {}) {
  const tracked = await startTracked(options);
  await tracked.unifiedJobTrackingRepository.createJobTrackingRecord({ runId: RUN, jobType: 'scoring' });
  await tracked.unifiedJobTrackingRepository.createClientRunRecord(CLIENT);
  return tracked;
}

test('pain 1: converting a standard ID returns it unchanged, and completing touches the one record', async () => {
  await using tracked = await withRun();
  const { unifiedJobTrackingRepository: repository, api } = tracked;

  const converted = unifiedRunIdService.convertToStandardFormat(SUFFIXED);
  await repository.completeClientRunRecord({ ...CLIENT, runId: converted });
  await repository.completeJobTrackingRecord({ runId: unifiedRunIdService.convertToStandardFormat(RUN) });

  expect([converted, unifiedRunIdService.convertToStandardFormat(RUN)]).toEqual([SUFFIXED, RUN]);
  expect([...api.runs.keys()]).toEqual([RUN]);
  expect(api.runs.get(RUN)).toMatchObject({ status: 'completed' });
});

test('pain 2: a child process told of a tracked run works under its ID, not under one of its own', async () => {
  await using tracked = await withRun();
  const record = await tracked.unifiedJobTrackingRepository.getJobTrackingRecord({ runId: RUN });
  if (record?.stored !== true) throw new Error('The run is there');

  const env = { OTEL_EXPORTER_OTLP_ENDPOINT: tracked.api.endpoint, ...runContextToEnv(record) };
  const exit = await runProgram('child.ts', { args: ['join'], env });

  expect(exit).toMatchObject({ code: 0, stdout: RUN });
  expect([...tracked.api.runs.keys()]).toEqual([RUN]);
});

test('pain 3: the base ID and the suffixed one name the same run in every call', async () => {
  await using tracked = await withRun();
  const { unifiedJobTrackingRepository: repository, jobMetricsService, api } = tracked;
  const suffixed = { runId: SUFFIXED, clientId: 'Guy-Wilson' };

  await repository.updateJobTrackingRecord({ runId: SUFFIXED, updates: { heartbeat: true } });
  await repository.updateClientRunRecord({ ...suffixed, updates: { heartbeat: true } });
  await jobMetricsService.updateClientMetrics({ ...suffixed, metrics: { Leads: 1 } });
  await jobMetricsService.incrementClientMetrics({ ...CLIENT, metrics: { Leads: 1 } });
  const found = await repository.getClientRunRecord(suffixed);

  expect(found).toMatchObject({ runId: RUN, clientRunId: SUFFIXED, metrics: [{ value: 2 }] });
  expect([...api.runs.keys()]).toEqual([RUN]);
  expect([...(api.runs.get(RUN)?.clients.keys() ?? [])]).toEqual(['Guy-Wilson']);
});

test('pain 4: an update without its record makes the one record, marked recovered, and loses no metric', async () => {
  await using tracked = await startTracked();
  const { unifiedJobTrackingRepository: repository, jobMetricsService, api, log } = tracked;

  const client = { ...CLIENT, jobType: 'scoring' };
  const first = await jobMetricsService.updateClientMetrics({ ...client, metrics: { Leads: 0, Posts: 7 } });
  await jobMetricsService.updateClientMetrics({ ...client, metrics: { Leads: 10 } });
  await repository.createJobTrackingRecord({ runId: RUN, jobType: 'scoring' });
  await repository.updateJobTrackingRecord({ runId: RUN, updates: { status: 'running' } });

  expect(first).toMatchObject({ stored: true, recovered: true });
  expect([...api.runs.keys()]).toEqual([RUN]);
  expect([api.metric(RUN, 'Guy-Wilson', 'Leads'), api.metric(RUN, 'Guy-Wilson', 'Posts')]).toEqual([10, 7]);
  expect(log.filter(({ fields }) => fields['recovered'] === true)).toHaveLength(2);
});

test('pain 4: where the job is not known either, the caller is told what to pass', async () => {
  await using tracked = await startTracked();

  const call = tracked.unifiedJobTrackingRepository.updateJobTrackingRecord({ runId: RUN, updates: {} });

  await expect(call).rejects.toMatchObject({
    code: 'run_not_found',
    recovery: expect.stringContaining('jobType'),
  });
});

test('pain 9: a client that ran out of time can be told so, with its reason', async () => {
  await using tracked = await withRun();

  const ended = await tracked.unifiedJobTrackingRepository.completeClientRunRecord({
    ...CLIENT,
    status: 'Timed Out',
    reason: 'after 30 min',
  });

  expect(ended).toMatchObject({ verdict: 'timed_out', reason: 'after 30 min' });
});

test('pain 10: endTime is End Time, zero is a value, and later writes merge', async () => {
  await using tracked = await withRun({ metrics: HERITAGE_METRICS });
  const { jobMetricsService, api } = tracked;
  const end = new Date('2025-09-30T12:40:00Z');

  await jobMetricsService.updateClientMetrics({ ...CLIENT, metrics: { endTime: end, leads_processed: 0 } });
  await jobMetricsService.updateClientMetrics({ ...CLIENT, metrics: { postsProcessed: '5' } });

  expect(Object.fromEntries(api.runs.get(RUN)?.clients.get('Guy-Wilson')?.metrics ?? [])).toEqual({
    'End Time': { value: end.getTime() / 1000, aggregation: 'max', unit: 's' },
    'Leads Processed': { value: 0, aggregation: 'sum', unit: '{lead}' },
    'Posts Processed': { value: 5, aggregation: 'sum', unit: '{post}' },
  });
});

test('pain 11: a webhook an hour later finds its run and client by the foreign ID', async () => {
  await using tracked = await withRun();
  const { unifiedJobTrackingRepository: repository, jobMetricsService } = tracked;
  await repository.relateForeignId({ ...CLIENT, foreignId: '8MSTBAfqMzuXPvgB3' });

  const found = await repository.getJobTrackingRecord({ runId: '8MSTBAfqMzuXPvgB3' });
  const client = { runId: '8MSTBAfqMzuXPvgB3', clientId: 'Guy-Wilson' };
  const counted = await jobMetricsService.incrementClientMetrics({ ...client, metrics: { Posts: 3 } });

  expect(found).toMatchObject({
    runId: RUN,
    aliases: [{ alias: '8MSTBAfqMzuXPvgB3', clientId: 'Guy-Wilson', kind: 'external' }],
  });
  expect(counted).toMatchObject({ runId: RUN, metrics: [{ metric: 'Posts', value: 3 }] });
  await repository.createJobTrackingRecord({ runId: '251001-000000', jobType: 'scoring' });
  const taken = repository.relateForeignId({ runId: '251001-000000', foreignId: '8MSTBAfqMzuXPvgB3' });
  await expect(taken).rejects.toMatchObject({ code: 'alias_taken' });
});

const call = { updates: {} };
test.each([
  ['an object', { ...call, runId: { id: RUN } }, /got an object/],
  ['a promise', { ...call, runId: Promise.resolve(RUN) }, /a Promise \(await it first\)/],
  ['what an object becomes as text', { ...call, runId: '[object Object]' }, /what an object becomes as text/],
  ['nothing', { ...call }, /got undefined/],
  ['swapped arguments', { ...call, runId: 'Guy-Wilson', clientId: RUN }, /look swapped/],
  ['positional arguments', RUN, /takes one object of options; got the string/],
  [
    'another client’s ID',
    { ...call, runId: SUFFIXED, clientId: 'acme' },
    /belongs to the client 'Guy-Wilson'/,
  ],
  [
    'a client that is a promise',
    { ...call, runId: RUN, clientId: Promise.resolve('x') },
    /client ID is a string/,
  ],
])('pain 15: %s is refused by name, and nothing is sent', async (_what, given, message) => {
  await using tracked = await startTracked();
  const { unifiedJobTrackingRepository: repository } = tracked;
  const isClient = typeof given === 'object' && 'clientId' in given;
  const refused = isClient
    ? repository.updateClientRunRecord(given as never)
    : repository.updateJobTrackingRecord(given as never);

  await expect(refused).rejects.toThrow(message);
  expect(tracked.api.calls).toEqual([]);
});

test('pain 15: the run-ID service names what it was given', () => {
  const { convertToStandardFormat, addClientSuffix, generateRunId } = unifiedRunIdService;
  expect(() => convertToStandardFormat({} as never)).toThrow(/got an object/);
  expect(() => addClientSuffix('acme', RUN)).toThrow(/look swapped/);
  expect(() => generateRunId('acme' as never)).toThrow(/made from a Date; got the string "acme"/);
  expect(() => addClientSuffix(SUFFIXED, 'acme')).toThrow(
    expect.objectContaining({ code: 'client_mismatch' }),
  );
  expect(unifiedRunIdService.isValidRunId('[object Object]')).toBe(false);
});

test('pain 16: with ingest dead, tracking neither throws nor holds the work up beyond its budget', async () => {
  await using tracked = await startTracked({
    retry: { budgetMs: 200 },
    breaker: { failures: 1, openMs: 60_000 },
  });
  tracked.api.fault = () => ({ status: 0, hang: true });

  const startedMs = performance.now();
  for (let index = 0; index < 20; index++) {
    const clientId = `client-${index}`;
    const record = await tracked.unifiedJobTrackingRepository.createClientRunRecord({ runId: RUN, clientId });
    expect(record).toMatchObject({ pending: true, runId: RUN, clientId });
  }

  expect(performance.now() - startedMs).toBeLessThan(2_000);
});

test('pain 17: tracking in a catch block leaves the error of the work as it is', async () => {
  await using tracked = await startTracked({ throwOnError: false });
  const error = new Error('the real one');

  const work = async () => {
    try {
      throw error;
    } catch (caught) {
      const failed = { type: 'Error', message: 'x' };
      await tracked.unifiedJobTrackingRepository.completeJobTrackingRecord({
        runId: undefined as never,
        status: 'failed',
        error: failed,
      });
      throw caught;
    }
  };

  await expect(work()).rejects.toBe(error);
});

test('pain 19: a client run without a job run is legitimate when declared so', async () => {
  await using tracked = await startTracked();

  const record = await tracked.unifiedJobTrackingRepository.createClientRunRecord({
    ...CLIENT,
    jobType: 'onboarding',
    initialData: { standalone: true },
  });

  expect(record).toMatchObject({ stored: true, relation: 'standalone', job: 'onboarding', recovered: false });
});

test('pain 21: what is no number is refused, kept out, noted on the run, and told to the caller', async () => {
  await using tracked = await withRun({ metrics: HERITAGE_METRICS });

  const record = await tracked.jobMetricsService.updateClientMetrics({
    ...CLIENT,
    metrics: { 'Leads Processed': 'not-a-number', 'Posts Processed': Number.NaN, 'Total Tokens': 12 },
  });

  expect(record.metrics).toMatchObject([{ metric: 'Total Tokens', value: 12 }]);
  expect(record.refused.map(({ subject }) => subject)).toEqual(['Leads Processed', 'Posts Processed']);
  expect(tracked.api.notes).toMatchObject([
    {
      'rollcall.run.id': RUN,
      'rollcall.client.id': 'Guy-Wilson',
      'rollcall.note.code': 'metric_refused',
      'rollcall.note.subject': 'Leads Processed',
      'rollcall.note.text': 'the text "not-a-number" is not a number',
    },
    { 'rollcall.note.subject': 'Posts Processed' },
  ]);
});

test('pain 22: one definition names the metric and its aggregation on every path; another is refused alone', async () => {
  await using tracked = await withRun();
  const { jobMetricsService, api } = tracked;
  await jobMetricsService.updateClientMetrics({
    ...CLIENT,
    metrics: { Peak: { value: 3, aggregation: 'max' } },
  });

  const changed = await jobMetricsService.updateClientMetrics({ ...CLIENT, metrics: { Peak: 9, Rows: 4 } });

  expect(changed).toMatchObject({ stored: true, refused: [{ subject: 'Peak' }] });
  expect(changed.trackingError).toMatchObject({ code: 'invalid_metric' });
  expect([api.metric(RUN, 'Guy-Wilson', 'Peak'), api.metric(RUN, 'Guy-Wilson', 'Rows')]).toEqual([3, 4]);
});

test('pain 22: only sums can be added to', async () => {
  await using tracked = await withRun({ metrics: HERITAGE_METRICS });

  const record = await tracked.jobMetricsService.incrementClientMetrics({
    ...CLIENT,
    metrics: { 'End Time': new Date(), 'Total Tokens': 5 },
  });

  expect(record.refused).toMatchObject([
    { subject: 'End Time', reason: expect.stringContaining('is a max') },
  ]);
  expect(record.metrics).toMatchObject([{ metric: 'Total Tokens', value: 5 }]);
});

test.each(["O'Neil & Söhne", 'a/b?c#d', '100%', '株式会社', '<script>', "'; DROP TABLE runs; --"])(
  'pain 23: the client %s is found again by every call',
  async (clientId) => {
    await using tracked = await withRun();
    const { unifiedJobTrackingRepository: repository, jobMetricsService, api } = tracked;
    const client = { runId: RUN, clientId };

    await repository.createClientRunRecord(client);
    await jobMetricsService.incrementClientMetrics({ ...client, metrics: { Leads: 1 } });

    await expect(repository.getClientRunRecord(client)).resolves.toMatchObject({
      clientId,
      metrics: [{ value: 1 }],
    });
    expect([...(api.runs.get(RUN)?.clients.keys() ?? [])]).toEqual(['Guy-Wilson', clientId]);
  },
);

test('the worked example: 10 + 20 + 5 leads, 5 + 15 + 0 posts', async () => {
  await using tracked = await withRun({ metrics: HERITAGE_METRICS });
  const { jobMetricsService, api } = tracked;
  const numbers = [
    ['acme', 10, 5],
    ['globex', 20, 15],
    ['initech', 5, 0],
  ] as const;
  for (const [clientId, leads, posts] of numbers) {
    const metrics = { 'Leads Processed': leads, 'Posts Processed': posts };
    await jobMetricsService.updateClientMetrics({ runId: RUN, clientId, metrics });
    await jobMetricsService.completeClientMetrics({
      runId: RUN,
      clientId,
      metrics,
      status: posts === 0 ? 'failed' : 'completed',
    });
  }
  const sum = (name: string) =>
    numbers.reduce((total, [clientId]) => total + (api.metric(RUN, clientId, name) ?? 0), 0);

  expect([sum('Leads Processed'), sum('Posts Processed')]).toEqual([35, 20]);
});
