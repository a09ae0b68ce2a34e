import { setTimeout as sleep } from 'node:timers/promises';
import { expect, test } from 'vitest';
import type { ReceivedEvent } from '../../test/receiver.ts';
import { startWatched } from '../../test/watched.ts';

const statusOf = (event: ReceivedEvent | undefined) => event?.attributes['rollcall.status'];

test('a timeout aborts the client, which ends as timed_out with its own error rethrown', async () => {
  await using watched = await startWatched();
  const { rollcall, receiver } = watched;

  const error = await rollcall.job('slow', async (run) =>
    run
      .client('acme', async (client) => sleep(60_000, undefined, { signal: client.signal }), {
        timeoutMs: 20,
      })
      .catch((caught: unknown) => caught),
  );

  expect(error).toMatchObject({ name: 'AbortError', cause: { name: 'TimeoutError' } });
  const [ended] = receiver.named('rollcall.client_run.ended');
  expect(ended).toMatchObject({
    severityText: 'ERROR',
    attributes: {
      'rollcall.status': 'timed_out',
      'rollcall.status.reason': 'Client acme timed out after 20 ms',
      'exception.type': 'AbortError',
    },
  });
  expect(statusOf(receiver.named('rollcall.run.ended')[0])).toBe('completed');
  expect(receiver.spans.find(({ name }) => name === 'slow client')?.statusCode).toBe(2);
});

test('work that completes after its timeout, within the grace, has timed out', async () => {
  await using watched = await startWatched();
  const { rollcall, receiver } = watched;

  const late = rollcall.job('late', async () => sleep(60).then(() => 'done'), { timeoutMs: 20 });

  await expect(late).rejects.toMatchObject({ name: 'TimeoutError' });
  expect(statusOf(receiver.named('rollcall.run.ended')[0])).toBe('timed_out');
  expect(receiver.named('rollcall.failure')).toMatchObject([
    { attributes: { 'exception.type': 'TimeoutError' } },
  ]);
});

test('work that ignores its timeout and grace is left behind with its clients, and noted when it ends', async () => {
  await using watched = await startWatched();
  const { rollcall, receiver } = watched;
  const { promise: stuck, reject: unstick } = Promise.withResolvers<void>();

  const job = rollcall.job('deaf', async (run) => run.client('acme', async () => stuck), {
    timeoutMs: 20,
    graceMs: 30,
  });

  await expect(job).rejects.toMatchObject({ name: 'TimeoutError' });
  expect(statusOf(receiver.named('rollcall.client_run.ended')[0])).toBe('timed_out');
  expect(statusOf(receiver.named('rollcall.run.ended')[0])).toBe('timed_out');
  unstick(new Error('too late to matter'));
  await receiver.until(() => receiver.named('rollcall.note').length === 2);
  const codes = receiver.named('rollcall.note').map(({ attributes }) => attributes['rollcall.note.code']);
  expect(codes).toEqual(['settled_after_timeout', 'settled_after_timeout']);
  expect(receiver.named('rollcall.run.ended')).toHaveLength(1);
});

test("a job run's timeout aborts its clients", async () => {
  await using watched = await startWatched();
  const { rollcall, receiver } = watched;

  const job = rollcall.job(
    'slow_job',
    async (run) => run.client('acme', async ({ signal }) => sleep(60_000, undefined, { signal })),
    { timeoutMs: 20 },
  );

  await expect(job).rejects.toMatchObject({ name: 'AbortError' });
  expect(statusOf(receiver.named('rollcall.client_run.ended')[0])).toBe('timed_out');
  expect(statusOf(receiver.named('rollcall.run.ended')[0])).toBe('timed_out');
});

test('aborting from outside cancels the run and its clients, which is no failure', async () => {
  await using watched = await startWatched();
  const { rollcall, receiver } = watched;
  const controller = new AbortController();

  const job = rollcall.job(
    'stopped',
    async (run) =>
      run.client('acme', async (client) => {
        setTimeout(() => controller.abort(new Error('SIGTERM')), 5);
        await client.step('wait', async (step) => sleep(60_000, undefined, { signal: step.signal }));
      }),
    { signal: controller.signal },
  );

  await expect(job).rejects.toMatchObject({ name: 'AbortError' });
  expect(receiver.named('rollcall.run.ended')).toMatchObject([
    {
      severityText: 'INFO',
      attributes: { 'rollcall.status': 'cancelled', 'rollcall.status.reason': 'SIGTERM' },
    },
  ]);
  expect(statusOf(receiver.named('rollcall.client_run.ended')[0])).toBe('cancelled');
  expect(receiver.named('rollcall.failure')).toEqual([]);
  expect(receiver.spans.map(({ statusCode }) => statusCode)).toEqual([0, 0, 0]);
});

test('clients() starts no further client once the run is cancelled', async () => {
  await using watched = await startWatched();
  const { rollcall } = watched;
  const controller = new AbortController();

  const results = await rollcall.job(
    'stopped_roll',
    async (run) => run.clients(['acme', 'globex'], () => controller.abort()),
    { signal: controller.signal },
  );

  expect(results.map(({ status }) => status)).toEqual(['fulfilled', 'not_started']);
});

test('a client without a timeout of its own has the signal of its run', async () => {
  await using watched = await startWatched();
  const { rollcall } = watched;
  await rollcall.job('shared_signal', async (run) => {
    await run.client('acme', (client) => expect(client.signal).toBe(run.signal));
  });
});
