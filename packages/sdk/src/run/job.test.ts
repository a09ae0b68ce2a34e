import { context, propagation, ROOT_CONTEXT } from '@opentelemetry/api';
import { isIdentityText } from '@rollcall/semconv';
import { expect, test } from 'vitest';
import { inSequence, sequenceOf, startWatched } from '../../test/watched.ts';

test('a job run is told by a span and events that agree to the nanosecond', async () => {
  await using watched = await startWatched();
  const { rollcall, receiver } = watched;

  const result = await rollcall.job('batch_scoring', async (run) => {
    await run.client('acme', async (client) => {
      await client.step('fetch', () => undefined);
    });
    return run.runId;
  });

  const [step, client, run] = receiver.spans;
  const events = inSequence(receiver.events);
  expect(events.map(({ eventName }) => eventName)).toEqual([
    'rollcall.run.started',
    'rollcall.client_run.started',
    'rollcall.client_run.ended',
    'rollcall.run.ended',
  ]);
  const [runStarted, clientStarted, clientEnded, runEnded] = events;
  expect([run?.startNs, run?.endNs]).toEqual([runStarted?.timeNs, runEnded?.timeNs]);
  expect([client?.startNs, client?.endNs]).toEqual([clientStarted?.timeNs, clientEnded?.timeNs]);
  expect([runStarted?.spanId, clientEnded?.spanId]).toEqual([run?.spanId, client?.spanId]);
  expect(run).toMatchObject({
    name: 'batch_scoring',
    parentSpanId: undefined,
    statusCode: 0,
    attributes: {
      'rollcall.run.id': result,
      'rollcall.run.origin': run?.traceId,
      'rollcall.job.name': 'batch_scoring',
      'rollcall.attempt': 1,
      'rollcall.span.kind': 'job_run',
      'rollcall.status': 'completed',
      'rollcall.metric.series': 0,
      'rollcall.event.count': 4,
    },
  });
  expect(client).toMatchObject({
    name: 'batch_scoring client',
    parentSpanId: run?.spanId,
    attributes: { 'rollcall.client.id': 'acme', 'rollcall.span.kind': 'client_run', 'rollcall.attempt': 1 },
  });
  expect(step).toMatchObject({
    name: 'fetch',
    parentSpanId: client?.spanId,
    attributes: {
      'rollcall.run.id': result,
      'rollcall.run.origin': run?.traceId,
      'rollcall.client.id': 'acme',
      'rollcall.step.name': 'fetch',
      'rollcall.span.kind': 'step',
    },
  });
  expect(run?.resource).toMatchObject({ 'service.instance.id': rollcall.producerId });
});

test('what the job returns and throws reaches its caller untouched', async () => {
  await using watched = await startWatched();
  const { rollcall } = watched;
  const error = new TypeError('no such lead');
  const { stack } = error;

  await expect(rollcall.job('returns', () => 42)).resolves.toBe(42);
  const thrown = await rollcall
    .job('throws', async (run) => {
      await run.client('acme', async (client) => {
        await client.step('fetch', () => {
          throw error;
        });
      });
    })
    .catch((caught: unknown) => caught);

  expect(thrown).toBe(error);
  expect(error.stack).toBe(stack);
});

test('an error is reported once, where it was thrown', async () => {
  await using watched = await startWatched();
  const { rollcall, receiver } = watched;

  await rollcall
    .job('failing', async (run) => {
      await run.client('acme', async (client) => {
        await client.step('score', async () => {
          throw new RangeError('score of 101', { cause: new Error('model drifted') });
        });
      });
    })
    .catch(() => undefined);

  const failures = receiver.named('rollcall.failure');
  const step = receiver.spans.find(({ name }) => name === 'score');
  const run = receiver.spans.find(({ name }) => name === 'failing');
  expect(failures).toHaveLength(1);
  expect(failures[0]).toMatchObject({
    severityText: 'ERROR',
    spanId: step?.spanId,
    attributes: {
      'rollcall.client.id': 'acme',
      'rollcall.step.name': 'score',
      'exception.type': 'RangeError',
      'exception.message': 'score of 101',
      'exception.stacktrace': expect.stringMatching(
        /^RangeError: score of 101[^]*\nCaused by: Error: model drifted/,
      ),
    },
  });
  expect(step?.events).toMatchObject([{ name: 'exception' }]);
  expect(run).toMatchObject({
    statusCode: 2,
    events: [],
    attributes: {
      'rollcall.status': 'failed',
      'exception.type': 'RangeError',
      'exception.message': 'score of 101',
      'error.type': 'RangeError',
    },
  });
});

test('the same error object thrown for two clients is a failure of each', async () => {
  await using watched = await startWatched();
  const { rollcall, receiver } = watched;
  const error = new Error('quota exceeded');

  await rollcall.job('shared_error', async (run) => {
    await run.clients(['acme', 'globex'], () => {
      throw error;
    });
  });

  const clients = receiver
    .named('rollcall.failure')
    .map(({ attributes }) => attributes['rollcall.client.id']);
  expect(clients).toEqual(['acme', 'globex']);
});

test.each([
  ['a string', 'no such lead', 'string', 'no such lead'],
  ['undefined', undefined, 'undefined', 'undefined'],
  ['null', null, 'null', 'null'],
  ['an object', { code: 7 }, 'Object', '{"code":7}'],
  ['a symbol', Symbol('lost'), 'symbol', 'Symbol(lost)'],
  ['an object that cannot be read', Proxy.revocable({}, {}), 'Object', expect.any(String)],
])('throwing %s is a failure like any other', async (_, thrown, type, message) => {
  await using watched = await startWatched();
  const { rollcall, receiver } = watched;
  let caught: unknown = 'nothing';

  await rollcall
    .job('odd', async (run) =>
      run.client('acme', () => {
        throw thrown;
      }),
    )
    .catch((error: unknown) => {
      caught = error;
    });

  expect(caught).toBe(thrown);
  expect(receiver.named('rollcall.failure')).toMatchObject([
    { attributes: { 'exception.type': type, 'exception.message': message } },
  ]);
  expect(receiver.named('rollcall.run.ended')[0]?.attributes['rollcall.status']).toBe('failed');
});

test('200 clients at once number their events without a gap', async () => {
  await using watched = await startWatched();
  const { rollcall, receiver } = watched;
  const clients = Array.from({ length: 200 }, (_, index) => `client-${index}`);

  await rollcall.job('concurrent', async (run) => {
    await run.clients(
      clients,
      async (client) => {
        await client.step('wait', async () => new Promise((resolve) => setTimeout(resolve, 5)));
        client.count('Leads Processed', 1);
      },
      { concurrency: 200 },
    );
  });

  const numbers = inSequence(receiver.events).map(sequenceOf);
  expect(numbers).toEqual(Array.from({ length: 403 }, (_, index) => index + 1));
  const run = receiver.spans.find(({ name }) => name === 'concurrent');
  expect(run?.attributes['rollcall.event.count']).toBe(403);
  const ended = receiver.named('rollcall.client_run.ended');
  expect(new Set(ended.map(({ attributes }) => attributes['rollcall.client.id']))).toEqual(new Set(clients));
});

test('two runs that start in the same second have two run IDs', async () => {
  await using watched = await startWatched();
  const { rollcall } = watched;
  const ids = await Promise.all(
    Array.from({ length: 5 }, async () => rollcall.job('same_second', (run) => run.runId)),
  );
  expect(new Set(ids).size).toBe(5);
});

test('two runs below one trace have an origin of their own each, and their telemetry shares the trace', async () => {
  await using watched = await startWatched();
  const { rollcall, receiver } = watched;
  const traceparent = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01';
  const given = propagation.extract(ROOT_CONTEXT, { traceparent });
  const runId = '250930-123045';

  await context.with(given, async () =>
    Promise.all(
      ['billing', 'shipping'].map(async (name) =>
        rollcall.job(name, async (run) => run.client('acme', () => undefined), { runId }),
      ),
    ),
  );

  expect(new Set(receiver.spans.map(({ traceId }) => traceId))).toEqual(
    new Set(['0af7651916cd43dd8448eb211c80319c']),
  );
  const records = [...receiver.spans, ...receiver.events];
  const origins = Map.groupBy(records, ({ attributes }) => attributes['rollcall.run.origin']);
  expect(origins.size).toBe(2);
  for (const [origin, ofRun] of origins) {
    expect(origin).toMatch(/^[\da-f]{32}$/);
    expect(new Set(ofRun.map(({ attributes }) => attributes['rollcall.job.name'])).size).toBe(1);
  }
});

test('a run ID that is given is kept', async () => {
  await using watched = await startWatched();
  const { rollcall } = watched;
  await expect(rollcall.job('given', (run) => run.runId, { runId: '250930-123045' })).resolves.toBe(
    '250930-123045',
  );
});

test('a job inside a job is a run of its own, traced below it', async () => {
  await using watched = await startWatched();
  const { rollcall, receiver } = watched;

  const ids = await rollcall.job('outer', async (outer) =>
    outer.client('acme', async () => [outer.runId, await rollcall.job('inner', (inner) => inner.runId)]),
  );

  const inner = receiver.spans.find(({ name }) => name === 'inner');
  const client = receiver.spans.find(({ name }) => name === 'outer client');
  expect(inner?.parentSpanId).toBe(client?.spanId);
  expect(inner?.attributes).toMatchObject({ 'rollcall.run.id': ids[1], 'rollcall.job.name': 'inner' });
  expect(inner?.attributes).not.toHaveProperty('rollcall.client.id');
  expect(ids[0]).not.toBe(ids[1]);
});

test('skip ends a run as nothing_to_do, with the reason', async () => {
  await using watched = await startWatched();
  const { rollcall, receiver } = watched;

  await rollcall.job('skipping', async (run) => {
    await run.client('acme', (client) => client.skip('no new leads'));
    run.skip('a holiday');
  });

  const facts = { 'rollcall.status': 'nothing_to_do', 'rollcall.status.reason': 'no new leads' };
  expect(receiver.named('rollcall.client_run.ended')).toMatchObject([{ attributes: facts }]);
  expect(receiver.named('rollcall.run.ended')).toMatchObject([
    { severityText: 'INFO', attributes: { 'rollcall.status.reason': 'a holiday' } },
  ]);
});

test('a run that skips and then fails has failed', async () => {
  await using watched = await startWatched();
  const { rollcall, receiver } = watched;
  const failing = rollcall.job('skip_then_fail', (run) => {
    run.skip('nothing there');
    throw new Error('after all');
  });
  await expect(failing).rejects.toThrow('after all');
  expect(receiver.named('rollcall.run.ended')[0]?.attributes['rollcall.status']).toBe('failed');
});

test('the same client again is its next attempt', async () => {
  await using watched = await startWatched();
  const { rollcall, receiver } = watched;

  await rollcall.job('retrying', async (run) => {
    for (const value of [1, 2]) await run.client('acme', (client) => client.count('Leads Processed', value));
  });

  const attempts = receiver
    .named('rollcall.client_run.ended')
    .map(({ attributes }) => attributes['rollcall.attempt']);
  expect(attempts).toEqual([1, 2]);
  expect(receiver.points.map(({ value, attributes }) => [value, attributes['rollcall.attempt']])).toEqual([
    [1, 1],
    [2, 2],
  ]);
});

test('a long roster is spread over several events of at most 500 clients', async () => {
  await using watched = await startWatched();
  const { rollcall, receiver } = watched;
  const roster = Array.from({ length: 1_201 }, (_, index) => `client-${index}`);

  await rollcall.job('roll_call', (run) => run.expectClients(new Set(roster)), { expect: ['first'] });

  const parts = inSequence(receiver.named('rollcall.run.roster')).map(
    ({ attributes }) => attributes['rollcall.clients.expected'] as string[],
  );
  expect(parts.map(({ length }) => length)).toEqual([1, 500, 500, 201]);
  expect(parts.flat()).toEqual(['first', ...roster]);
});

test.each([
  ['an empty ID', ''],
  ['an object', { id: 'acme' }],
  ['a promise', Promise.resolve('acme')],
  ['undefined', undefined],
])('%s in place of a client ID: the work is done, untracked, and a note says so', async (_, clientId) => {
  await using watched = await startWatched();
  const { rollcall, receiver } = watched;

  const result = await rollcall.job('wrong_id', async (run) =>
    run.client(clientId as string, async (client) => {
      client.count('Leads Processed', 1);
      client.progress(1, 2);
      return client.step('fetch', () => 'done');
    }),
  );

  expect(result).toBe('done');
  expect(receiver.named('rollcall.client_run.started')).toEqual([]);
  expect(receiver.named('rollcall.note')).toMatchObject([
    { attributes: { 'rollcall.note.code': 'invalid_client_id', 'rollcall.note.count': 1 } },
  ]);
  expect(receiver.named('rollcall.run.ended')[0]?.attributes['rollcall.status']).toBe('completed');
});

test('a wrong job name, run ID, timeout or progress is noted and the job runs', async () => {
  await using watched = await startWatched();
  const { rollcall, receiver } = watched;

  const result = await rollcall.job(
    {} as string,
    (run) => {
      run.progress(Number.NaN);
      run.expectClients(['', 'acme']);
      return run.jobName;
    },
    { runId: '250230-120000', timeoutMs: -1 },
  );

  expect(result).toBe('unnamed_job');
  const codes = inSequence(receiver.named('rollcall.note')).map(
    ({ attributes }) => attributes['rollcall.note.code'],
  );
  expect(codes).toEqual([
    'invalid_job_name',
    'invalid_run_id',
    'invalid_timeout',
    'progress_refused',
    'invalid_client_id',
  ]);
});

const unprintable = Object.create(null) as string;
const throwing = new Proxy({}, { get: refuse, ownKeys: refuse });

test.each<[string, unknown, unknown]>([
  ['a name without any method', unprintable, undefined],
  ['a symbol for a name', Symbol('nightly'), undefined],
  ['null for a name and options', null, null],
  ['nothing but null in the options', 'odd', { runId: null, signal: null, timeoutMs: null, expect: null }],
  [
    'values without any method',
    'odd',
    { runId: unprintable, signal: {}, timeoutMs: unprintable, expect: throwing },
  ],
  ['a signal that is none, with a timeout', 'odd', { signal: {}, timeoutMs: 5_000 }],
])('%s: the job runs, and its run begins and ends', async (_, name, options) => {
  await using watched = await startWatched();
  const { rollcall, receiver } = watched;

  const result = await rollcall.job(
    name as string,
    async (run) => run.client('acme', () => 'worked', null as never),
    options as never,
  );

  expect(result).toBe('worked');
  expect(inSequence(receiver.events).at(0)?.eventName).toBe('rollcall.run.started');
  expect(receiver.named('rollcall.run.ended')).toMatchObject([
    { attributes: { 'rollcall.status': 'completed' } },
  ]);
});

test('options that cannot be read leave the job untracked, with no run left open', async () => {
  await using watched = await startWatched();
  const { rollcall, receiver } = watched;
  const running = rollcall.job('unreadable', () => 'worked', {
    get timeoutMs(): number {
      return refuse();
    },
  });
  await expect(running).resolves.toBe('worked');
  await rollcall.flush();
  expect(receiver.events).toEqual([]);
});

test.each([
  ['too long', 'n'.repeat(129), `${'n'.repeat(127)}…`],
  ['several lines', ' nightly\nsync\t', 'nightly sync'],
  ['nothing printable', '\u0000\u2028', 'unnamed_job'],
])('a job whose name is %s goes by one that ingest takes, with a note', async (_, name, taken) => {
  await using watched = await startWatched();
  const { rollcall, receiver } = watched;

  await rollcall.job(name, async (run) => run.client('acme', (client) => client.count('Leads Processed')));

  const records = [...receiver.events, ...receiver.points, ...receiver.spans];
  expect(new Set(records.map(({ attributes }) => attributes['rollcall.job.name']))).toEqual(new Set([taken]));
  expect(isIdentityText(taken)).toBe(true);
  expect(receiver.named('rollcall.note')).toMatchObject([
    { attributes: { 'rollcall.note.code': 'invalid_job_name' } },
  ]);
});

test('a name of a step that is too long for ingest is cut', async () => {
  await using watched = await startWatched();
  const { rollcall, receiver } = watched;
  await rollcall.job('long_step', async (run) => run.step('s'.repeat(1_100), () => undefined));
  expect(receiver.spans[0]?.name).toBe(`${'s'.repeat(1_023)}…`);
});

test('clients() returns what became of each, and may stop at the first failure', async () => {
  await using watched = await startWatched();
  const { rollcall } = watched;
  const [all, some] = await rollcall.job('many', async (run) => [
    await run.clients(['acme', 'globex', 'initech'], failForGlobex),
    await run.clients(['acme', 'globex', 'initech'], failForGlobex, { continueOnError: false }),
  ]);

  expect(all.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled']);
  expect(all[0]).toEqual({ clientId: 'acme', status: 'fulfilled', value: 4 });
  expect(some.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'not_started']);
});

test('a text in place of a list of clients is one client', async () => {
  await using watched = await startWatched();
  const { rollcall, receiver } = watched;

  const results = await rollcall.job('one_client', async (run) => run.clients('acme', () => 1));

  expect(results).toEqual([{ clientId: 'acme', status: 'fulfilled', value: 1 }]);
  expect(receiver.named('rollcall.run.roster')).toMatchObject([
    { attributes: { 'rollcall.clients.expected': ['acme'] } },
  ]);
  expect(receiver.named('rollcall.client_run.started')).toHaveLength(1);
});

test('a client that outlives its job run still ends, and its events are numbered on', async () => {
  await using watched = await startWatched();
  const { rollcall, receiver } = watched;
  const { promise: released, resolve: release } = Promise.withResolvers<void>();
  let client: Promise<void> | undefined;

  await rollcall.job('impatient', (run) => {
    client = run.client('acme', async () => released);
  });
  release();
  await client;
  await rollcall.flush();

  expect(inSequence(receiver.events).map(({ eventName }) => eventName)).toEqual([
    'rollcall.run.started',
    'rollcall.client_run.started',
    'rollcall.run.ended',
    'rollcall.client_run.ended',
  ]);
});

function refuse(): never {
  throw new Error('cannot be read');
}

function failForGlobex({ clientId }: { clientId: string }): number {
  if (clientId === 'globex') throw new Error('down');
  return clientId.length;
}
