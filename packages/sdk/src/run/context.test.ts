import { setImmediate as nextTurn } from 'node:timers/promises';
import { context, logs, propagation, ROOT_CONTEXT, trace } from '@opentelemetry/api';
import { expect, test } from 'vitest';
import { startWatched } from '../../test/watched.ts';
import { count, currentClient, currentRun, last, max, min, step } from '../index.ts';

async function deepCode(value: number): Promise<void> {
  await step('deep', async () => {
    await nextTurn();
    count('Leads Processed', value);
  });
  min('Smallest', value);
  max('Largest', value);
  last('Latest', value);
}

test('deep code finds its client through await, Promise.all and timers', async () => {
  await using watched = await startWatched();
  const { rollcall, receiver } = watched;

  await rollcall.job('deep', async (run) => {
    await Promise.all(
      [1, 2, 3].map(async (value) =>
        run.client(`client-${value}`, async (client) => {
          await new Promise((resolve) => setTimeout(resolve, 3 - value));
          await Promise.all([deepCode(value), nextTurn().then(async () => deepCode(value))]);
          expect(currentClient()).toBe(client);
          expect(currentRun()).toBe(run);
        }),
      ),
    );
  });

  const sums = receiver.points.filter(({ name }) => name === 'Leads Processed');
  expect(new Map(sums.map(({ attributes, value }) => [attributes['rollcall.client.id'], value]))).toEqual(
    new Map([
      ['client-1', 2],
      ['client-2', 4],
      ['client-3', 6],
    ]),
  );
  for (const span of receiver.spans.filter(({ name }) => name === 'deep')) {
    const parent = receiver.spans.find(({ spanId }) => spanId === span.parentSpanId);
    expect(span.attributes['rollcall.client.id']).toBe(parent?.attributes['rollcall.client.id']);
  }
});

test('outside any run, numbers go nowhere and a step just runs', async () => {
  count('Leads Processed', 1);
  await expect(step('alone', () => 'done')).resolves.toBe('done');
  expect(currentRun()).toBeUndefined();
  expect(currentClient()).toBeUndefined();
});

test('spans and log records of other instrumentations are stamped with the run', async () => {
  await using watched = await startWatched();
  const { rollcall, receiver } = watched;

  const runId = await rollcall.job('instrumented', async (run) =>
    run.client('acme', async (client) =>
      client.step('fetch', () => {
        trace.getTracer('some-http-client').startSpan('GET').end();
        logs.getLogger('some-logger').emit({ body: 'fetched' });
        return run.runId;
      }),
    ),
  );
  trace.getTracer('some-http-client').startSpan('outside').end();
  await rollcall.flush();

  const stamp = {
    'rollcall.run.id': runId,
    'rollcall.run.origin': expect.stringMatching(/^[\da-f]{32}$/),
    'rollcall.job.name': 'instrumented',
    'rollcall.client.id': 'acme',
    'rollcall.step.name': 'fetch',
  };
  expect(receiver.spans.find(({ name }) => name === 'GET')?.attributes).toMatchObject(stamp);
  expect(receiver.events.find(({ body }) => body === 'fetched')?.attributes).toMatchObject(stamp);
  expect(receiver.spans.find(({ name }) => name === 'outside')?.attributes).toEqual({});
});

test('baggage and trace context carry the run to other processes', async () => {
  await using watched = await startWatched();
  const { rollcall } = watched;
  const carrier: Record<string, string> = {};

  const runId = await rollcall.job('carried', async (run) =>
    run.client("O'Neil & Söhne", () => {
      propagation.inject(context.active(), carrier);
      return run.runId;
    }),
  );

  const baggage = propagation.getBaggage(propagation.extract(context.active(), carrier));
  expect(baggage?.getEntry('rollcall.run.id')?.value).toBe(runId);
  expect(baggage?.getEntry('rollcall.client.id')?.value).toBe("O'Neil & Söhne");
  expect(baggage?.getEntry('rollcall.job.name')?.value).toBe('carried');
  expect(carrier['traceparent']).toContain(String(baggage?.getEntry('rollcall.run.origin')?.value));
});

test('a step of the run that is called from elsewhere still belongs to the run', async () => {
  await using watched = await startWatched();
  const { rollcall, receiver } = watched;

  await rollcall.job('called_from_elsewhere', async (run) =>
    context.with(ROOT_CONTEXT, async () => run.step('flush', () => undefined)),
  );

  const [flush, run] = receiver.spans;
  expect(flush).toMatchObject({ name: 'flush', parentSpanId: run?.spanId, traceId: run?.traceId });
});
