import { expect, test } from 'vitest';
import { inSequence, runProgram, startWatched } from '../../test/watched.ts';
import {
  count,
  injectRun,
  joinRun,
  runContextToEnv,
  runFromCarrier,
  runFromHeaders,
  type Run,
} from '../index.ts';

const LEADS = 'Leads Processed';
const IDENTITY = { runId: '250930-123045', job: 'nightly', origin: '0af7651916cd43dd8448eb211c80319c' };

test.each(['job', 'join', 'deep'])(
  'pain 2: a child process that works as %s has its parent’s run ID',
  async (how) => {
    await using watched = await startWatched();
    const { rollcall, receiver } = watched;
    let child: string | undefined;

    const runId = await rollcall.job('nightly', async (run) => {
      const env = { OTEL_EXPORTER_OTLP_ENDPOINT: receiver.endpoint, ...runContextToEnv(run) };
      const exit = await runProgram('child.ts', { args: [how], env });
      expect(exit).toMatchObject({ code: 0, stderr: '' });
      child = exit.stdout;
      return run.runId;
    });

    expect(child).toBe(runId);
    expect(receiver.named('rollcall.run.started')).toHaveLength(1);
    expect(receiver.named('rollcall.run.ended')).toHaveLength(1);
    const told = receiver.points.find(({ name, value }) => name === LEADS && value === 20);
    const [run] = receiver.named('rollcall.run.started');
    expect(told?.attributes).toMatchObject({
      'rollcall.run.id': runId,
      'rollcall.run.origin': run?.traceId,
      'rollcall.job.name': 'nightly',
    });
    expect(told?.resource['service.instance.id']).not.toBe(rollcall.producerId);
  },
);

test('a joined process numbers its own events from 1, promises heartbeats, and hangs below its parent', async () => {
  await using watched = await startWatched();
  const { rollcall, receiver } = watched;

  await rollcall.job('nightly', async (run) => {
    await run.step('spawn', async () => {
      const env = { OTEL_EXPORTER_OTLP_ENDPOINT: receiver.endpoint, ...runContextToEnv() };
      await runProgram('child.ts', { args: ['job'], env });
    });
  });

  const events = receiver.events.filter(
    ({ resource }) => resource['service.instance.id'] !== rollcall.producerId,
  );
  expect(
    inSequence(events).map(({ eventName, attributes }) => [eventName, attributes['rollcall.event.sequence']]),
  ).toEqual([
    ['rollcall.run.heartbeat', 1],
    ['rollcall.client_run.started', 2],
    ['rollcall.client_run.ended', 3],
  ]);
  expect(events[0]?.attributes['rollcall.heartbeat.interval_ms']).toBe(5_000);
  const joined = receiver.spans.find(({ name }) => name === 'nightly joined');
  const step = receiver.spans.find(({ name }) => name === 'spawn');
  expect(joined).toMatchObject({ traceId: step?.traceId, parentSpanId: step?.spanId });
  expect(joined?.attributes['rollcall.event.count']).toBe(3);
});

test('a failure in a child process belongs to the client that it works for', async () => {
  await using watched = await startWatched();
  const { rollcall, receiver } = watched;

  await rollcall.job('nightly', async (run) => {
    await run.client("O'Neil & Söhne", async (client) => {
      const env = { OTEL_EXPORTER_OTLP_ENDPOINT: receiver.endpoint, ...runContextToEnv(client) };
      await runProgram('child.ts', { args: ['fail'], env });
    });
  });

  const failures = receiver.named('rollcall.failure');
  expect(failures).toHaveLength(1);
  expect(failures[0]?.attributes).toMatchObject({
    'rollcall.client.id': "O'Neil & Söhne",
    'exception.message': 'score of 101',
  });
  expect(receiver.named('rollcall.client_run.started')).toHaveLength(1);
  expect(receiver.named('rollcall.client_run.ended')).toHaveLength(1);
});

test('an HTTP handler and a queue worker join the run that comes with the request', async () => {
  await using watched = await startWatched();
  const { rollcall, receiver } = watched;
  const handle = async (run: Run) => {
    await run.client('acme', (client) => client.count(LEADS, 5));
    return run.runId;
  };

  const runId = await rollcall.job('orchestrator', async (run) => {
    const headers = new Headers(injectRun({ 'content-type': 'application/json' }));
    const message = injectRun({}, run);
    // The handlers are elsewhere, so nothing of this run is around them.
    const ids = [await runFromHeaders(headers, handle), await runFromCarrier(message, handle)];
    expect(ids).toEqual([run.runId, run.runId]);
    await expect(runFromHeaders({ Baggage: headers.get('baggage') ?? '' }, handle)).resolves.toBe(run.runId);
    return run.runId;
  });

  const events = inSequence(receiver.events);
  expect(events.map(({ attributes }) => attributes['rollcall.event.sequence'])).toEqual(
    events.map((_, index) => index + 1),
  );
  const clients = receiver.named('rollcall.client_run.started');
  expect(
    clients.map(({ attributes }) => [attributes['rollcall.run.id'], attributes['rollcall.attempt']]),
  ).toEqual([
    [runId, 1],
    [runId, 2],
    [runId, 3],
  ]);
});

test('the record of a tracking service is enough to join', async () => {
  await using watched = await startWatched();
  const { rollcall, receiver } = watched;

  const joined = await rollcall.joinRun(
    (run) => {
      count(LEADS, 3);
      return [run.runId, run.jobName];
    },
    { ...IDENTITY, clientId: 'acme', attempt: 2 },
  );
  await rollcall.flush();

  expect(joined).toEqual([IDENTITY.runId, 'nightly']);
  expect(receiver.points.find(({ name }) => name === LEADS)?.attributes).toMatchObject({
    'rollcall.run.id': IDENTITY.runId,
    'rollcall.run.origin': IDENTITY.origin,
    'rollcall.client.id': 'acme',
    'rollcall.attempt': 2,
  });
  expect(runContextToEnv(IDENTITY)).toMatchObject({
    ROLLCALL_RUN_ID: IDENTITY.runId,
    ROLLCALL_JOB_NAME: 'nightly',
    ROLLCALL_RUN_ORIGIN: IDENTITY.origin,
  });
});

test('without a run to join, or with one that is none, the work is done all the same', async () => {
  await using watched = await startWatched();
  const { rollcall, receiver } = watched;

  await expect(rollcall.joinRun((run) => run.runId)).resolves.toBe('');
  await expect(runFromHeaders({}, () => 'done')).resolves.toBe('done');
  await expect(joinRun(() => 'done', { ...IDENTITY, runId: 'now' })).resolves.toBe('done');
  await expect(joinRun(() => 'done', { ...IDENTITY, origin: "'; DROP TABLE runs" })).resolves.toBe('done');
  await rollcall.flush();

  expect(receiver.events).toEqual([]);
  expect(runContextToEnv()).toEqual({});
});

test.each(['own', 'other'])(
  'a child process that runs a job of its %s gets a run of its own',
  async (how) => {
    await using watched = await startWatched();
    const { rollcall, receiver } = watched;

    const [runId, child] = await rollcall.job('nightly', async (run) => {
      const env = { OTEL_EXPORTER_OTLP_ENDPOINT: receiver.endpoint, ...runContextToEnv(run) };
      return [run.runId, (await runProgram('child.ts', { args: [how], env })).stdout];
    });

    expect(child).toMatch(/^\d{6}-\d{6}$/);
    expect(child).not.toBe(runId);
    expect(receiver.named('rollcall.run.ended')).toHaveLength(2);
  },
);
