import { logs, trace, type AnyValue } from '@opentelemetry/api';
import { expect, test } from 'vitest';
import type { ReceivedPoint } from '../../test/receiver.ts';
import { inSequence, sequenceOf, startWatched } from '../../test/watched.ts';

test('events leave within 200 ms or so, spans and numbers within a second', async () => {
  await using watched = await startWatched();
  const { rollcall, receiver } = watched;
  const startedMs = performance.now();

  await rollcall.job('prompt', async (run) => {
    await run.client('acme', (client) => client.count('Leads Processed', 1));
    await receiver.until(() => receiver.named('rollcall.client_run.ended').length === 1);
    expect(performance.now() - startedMs).toBeLessThan(1_000);
    await receiver.until(() => receiver.spans.length === 1 && receiver.points.length === 1);
    expect(performance.now() - startedMs).toBeLessThan(2_500);
  });
});

test('the start of a run and its roster leave at once, without waiting for what comes next', async () => {
  await using watched = await startWatched();
  const { rollcall, receiver } = watched;

  await rollcall.job('dies_early', async (run) => {
    run.expectClients(['acme', 'globex']);
    // Much less than what other events wait for one another.
    await new Promise((resolve) => setTimeout(resolve, 20));
    await run.client('acme', () => undefined);
  });

  const events = receiver.requests.filter(({ path }) => path === '/v1/logs');
  expect(events.map(({ size }) => size)).toEqual([2, 3]);
  expect(inSequence(receiver.events).map(({ eventName }) => eventName)).toEqual([
    'rollcall.run.started',
    'rollcall.run.roster',
    'rollcall.client_run.started',
    'rollcall.client_run.ended',
    'rollcall.run.ended',
  ]);
});

test('an ingest that refuses most requests and loses answers costs nothing in the end', async () => {
  await using watched = await startWatched();
  const { rollcall, receiver } = watched;
  const requests = new Map<string, number>();
  receiver.answer = (path) => {
    const turn = (requests.get(path) ?? 0) % 5;
    requests.set(path, turn + 1);
    if (turn === 0) return { status: 503, headers: { 'retry-after': '0' } };
    if (turn === 1) return { status: 503, store: true };
    return turn === 2 ? { status: 429 } : undefined;
  };

  await rollcall.job('unlucky', async (run) => {
    await run.clients(
      Array.from({ length: 2_000 }, (_, index) => `client-${index}`),
      async (client) => {
        client.count('Leads Processed', 1);
        client.max('Largest', client.clientId.length);
        if (client.clientId.endsWith('7')) await new Promise((resolve) => setTimeout(resolve, 1));
        client.count('Leads Processed', 2);
      },
      { concurrency: 50 },
    );
  });
  expect(await rollcall.flush(20_000)).toBe(true);

  expect(new Set(receiver.spans.map(({ spanId }) => spanId)).size).toBe(2_001);
  const numbers = [...new Set(inSequence(receiver.events).map(sequenceOf))];
  expect(numbers).toEqual(Array.from({ length: numbers.length }, (_, index) => index + 1));
  expect(numbers).toHaveLength(1 + 4 + 4_000 + 1);
  expect(receiver.spans.length + receiver.events.length).toBeGreaterThan(2_001 + numbers.length);
  const totals = latestOf(receiver.points).filter(({ name }) => name === 'Leads Processed');
  expect(totals).toHaveLength(2_000);
  expect(totals.every(({ value, attributes }) => value === 3 && attributes['rollcall.metric.final'])).toBe(
    true,
  );
});

test('what memory has no room for while ingest is away goes to the disk, and arrives once when it is back', async () => {
  await using watched = await startWatched({ maxHeldRecords: 200 });
  const { rollcall, receiver } = watched;
  let isAway = true;
  receiver.answer = () => (isAway ? { status: 503 } : undefined);

  await rollcall.job('long_outage', async (run) => {
    await run.clients(
      Array.from({ length: 1_000 }, (_, index) => `client-${index}`),
      async (client) => {
        client.count('Leads Processed', 3);
        await new Promise((resolve) => setTimeout(resolve, 1));
      },
      { concurrency: 20 },
    );
    expect(rollcall.backlog).toBeLessThan(2_000);
    isAway = false;
    // The next try finds ingest back; then what went to the disk follows.
    await receiver.until(() => receiver.spans.length >= 1_000);
  });
  expect(await rollcall.flush(20_000)).toBe(true);
  // A sign of life that found ingest away keeps its number, and comes with the next one.
  const numbersSoFar = () => inSequence(receiver.events).map(sequenceOf);
  await receiver.until(() => new Set(numbersSoFar()).size === numbersSoFar().at(-1));

  const numbers = numbersSoFar();
  expect(numbers).toEqual(Array.from({ length: numbers.length }, (_, index) => index + 1));
  expect(receiver.named('rollcall.client_run.ended')).toHaveLength(1_000);
  expect(receiver.spans.map(({ spanId }) => spanId)).toHaveLength(1_001);
  const totals = latestOf(receiver.points).filter(({ name }) => name === 'Leads Processed');
  expect(
    totals.filter(({ value, attributes }) => value === 3 && attributes['rollcall.metric.final']),
  ).toHaveLength(1_000);
});

test('what goes to the disk while the disk is being emptied follows as well', async () => {
  await using watched = await startWatched({ maxHeldRecords: 200 });
  const { rollcall, receiver } = watched;
  let isAway = true;
  receiver.answer = () => (isAway ? { status: 503 } : undefined);

  await rollcall.job('busy_outage', async (run) => {
    const work = async (name: string) =>
      run.clients(
        Array.from({ length: 400 }, (_, index) => `${name}-${index}`),
        async () => new Promise((resolve) => setTimeout(resolve, 1)),
        { concurrency: 40 },
      );
    await work('away');
    isAway = false;
    await receiver.until(() => receiver.events.length > 0);
    for (let part = 0; part < 5; part++) await work(`back-${part}`);
  });
  expect(await rollcall.flush(20_000)).toBe(true);

  const numbers = inSequence(receiver.events).map(sequenceOf);
  expect(numbers).toEqual(Array.from({ length: numbers.length }, (_, index) => index + 1));
  expect(receiver.named('rollcall.client_run.ended')).toHaveLength(2_400);
  expect(receiver.named('rollcall.run.ended')).toHaveLength(1);
  expect(new Set(receiver.spans.map(({ spanId }) => spanId)).size).toBe(2_401);
});

test('requests carry the key, the headers and gzip, in protobuf unless told otherwise', async () => {
  await using watched = await startWatched({
    protocol: 'http/protobuf',
    compression: 'gzip',
    apiKey: 'secret',
    headers: { 'x-team': 'growth' },
  });
  const { rollcall, receiver } = watched;

  const runId = await rollcall.job('encoded', async (run) => {
    await run.clients(
      Array.from({ length: 20 }, (_, index) => `client-${index}`),
      (client) => client.count('Leads Processed', 1),
    );
    return run.runId;
  });

  expect(new Set(receiver.requests.map(({ path }) => path))).toEqual(
    new Set(['/v1/logs', '/v1/metrics', '/v1/traces']),
  );
  for (const { headers, body } of receiver.requests) {
    expect(headers).toMatchObject({
      'content-type': 'application/x-protobuf',
      // What is small goes as it is.
      ...(body.length < 1_024 ? {} : { 'content-encoding': 'gzip' }),
      authorization: 'Bearer secret',
      'x-team': 'growth',
    });
    expect(body.includes(runId)).toBe(true);
  }
});

test('towards this very machine nothing is compressed unless told so', async () => {
  await using watched = await startWatched();
  await watched.rollcall.job('near', async (run) => {
    await run.clients(
      Array.from({ length: 20 }, (_, index) => `client-${index}`),
      (client) => client.count('Leads Processed', 1),
    );
  });
  await watched.rollcall.flush();

  expect(watched.receiver.requests.some(({ body }) => body.length > 1_024)).toBe(true);
  expect(watched.receiver.requests.filter(({ headers }) => 'content-encoding' in headers)).toEqual([]);
});

test('the path of the endpoint is kept', async () => {
  await using watched = await startWatched();
  const { receiver } = watched;
  await watched.rollcall.shutdown();
  const { startRollcall } = await import('../index.ts');
  const rollcall = startRollcall({ endpoint: `${receiver.endpoint}/rollcall/`, protocol: 'http/json' });
  await rollcall.job('behind_a_proxy', () => undefined);
  await rollcall.shutdown();
  expect(receiver.requests[0]?.path).toMatch(/^\/rollcall\/v1\//);
});

test.each(['http/protobuf', 'http/json'] as const)(
  'what cannot be told in %s is left out alone, and spoils no request after it',
  async (protocol) => {
    await using watched = await startWatched({ protocol });
    const { rollcall, receiver } = watched;
    const circular: Record<string, AnyValue> = {};
    circular['itself'] = circular;

    await rollcall.job('odd', async (run) => {
      run.count('Leads Processed', 1);
      logs.getLogger('application').emit({ body: circular });
      // A program without types may give anything.
      trace
        .getTracer('application')
        .startSpan(Symbol('no name') as unknown as string)
        .end();
      logs.getLogger('application').emit({ body: 'a good line' });
      await run.step('a good step', () => undefined);
    });
    expect(await rollcall.flush()).toBe(true);

    const sent = Map.groupBy(receiver.requests, ({ path }) => path);
    const textOf = (path: string) => Buffer.concat(sent.get(path)?.map(({ body }) => body) ?? []).toString();
    expect(textOf('/v1/logs')).toContain('a good line');
    expect(textOf('/v1/logs')).toContain('rollcall.run.ended');
    expect(textOf('/v1/traces')).toContain('a good step');
    expect(textOf('/v1/metrics')).toContain('Leads Processed');
    if (protocol === 'http/protobuf') {
      for (const { path, body } of receiver.requests) {
        // Field 1 of a request holds all of it: what is left of a broken one would stand before it.
        expect(body[0], path).toBe(0x0a);
        expect(sizeOfFirstField(body), path).toBe(body.length);
      }
    }
  },
);

/** The tag, the length and what it says. */
function sizeOfFirstField(body: Buffer): number {
  let at = 1;
  let sizeBytes = 0;
  for (let shift = 0, byte = 128; byte > 127; shift += 7) {
    byte = body[at++] ?? 0;
    sizeBytes |= (byte & 127) << shift;
  }
  return at + sizeBytes;
}

test('a disabled SDK runs the job and sends nothing', async () => {
  await using watched = await startWatched({ disabled: true });
  const { rollcall, receiver } = watched;
  const result = await rollcall.job('silent', async (run) =>
    run.client('acme', (client) => {
      client.count('Leads Processed', 1);
      return 'done';
    }),
  );
  expect(result).toBe('done');
  expect(receiver.requests).toEqual([]);
});

/** The state after all points: the latest of each series. */
function latestOf(points: readonly ReceivedPoint[]): ReceivedPoint[] {
  const latest = new Map<string, ReceivedPoint>();
  for (const point of points) {
    const key = `${point.name} ${String(point.attributes['rollcall.client.id'])} ${point.startNs}`;
    const known = latest.get(key);
    if (known === undefined || BigInt(point.timeNs) > BigInt(known.timeNs)) latest.set(key, point);
  }
  return [...latest.values()];
}
