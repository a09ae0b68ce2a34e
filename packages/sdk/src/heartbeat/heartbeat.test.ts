import { expect, test } from 'vitest';
import type { Run } from '../index.ts';
import { inSequence, startWatched } from '../../test/watched.ts';

test('an open run gives signs of life with its progress and the delay of its event loop', async () => {
  await using watched = await startWatched({ heartbeatIntervalMs: 50 });
  const { rollcall, receiver } = watched;

  await rollcall.job('living', async (run) => {
    run.progress(1, 3);
    block(120);
    await receiver.until(() => receiver.named('rollcall.run.heartbeat').length >= 2);
  });

  const [started] = receiver.named('rollcall.run.started');
  const [first] = inSequence(receiver.named('rollcall.run.heartbeat'));
  expect(started?.attributes['rollcall.heartbeat.interval_ms']).toBe(50);
  expect(first?.attributes).toMatchObject({ 'rollcall.progress.done': 1, 'rollcall.progress.total': 3 });
  expect(first?.attributes['rollcall.event_loop.delay_ms']).toBeGreaterThan(50);
  expect(receiver.named('rollcall.run.ended')[0]?.attributes).toMatchObject({ 'rollcall.progress.done': 1 });
});

test('a client with new progress gives a sign of life of its own', async () => {
  await using watched = await startWatched({ heartbeatIntervalMs: 20 });
  const { rollcall, receiver } = watched;

  await rollcall.job('progressing', async (run) =>
    run.client('acme', async (client) => {
      client.progress(10, 20);
      await receiver.until(() => receiver.named('rollcall.run.heartbeat').length >= 3);
    }),
  );

  expect(receiver.named('rollcall.client_run.heartbeat')).toMatchObject([
    { attributes: { 'rollcall.client.id': 'acme', 'rollcall.progress.done': 10 } },
  ]);
});

test('a run that has ended gives no more signs of life, unless a client of it is still open', async () => {
  await using watched = await startWatched({ heartbeatIntervalMs: 10 });
  const { rollcall, receiver } = watched;
  const { promise: released, resolve: release } = Promise.withResolvers<void>();
  let client: Promise<void> | undefined;

  await rollcall.job('survived', (run) => {
    client = run.client('acme', async () => released);
  });
  await receiver.until(() => receiver.named('rollcall.run.heartbeat').length >= 1);
  release();
  await client;
  await rollcall.flush();
  const beats = receiver.named('rollcall.run.heartbeat').length;
  await new Promise((resolve) => setTimeout(resolve, 50));
  await rollcall.flush();

  expect(receiver.named('rollcall.run.heartbeat')).toHaveLength(beats);
});

test('clients that go on one after another behind their job give signs of life, between them too', async () => {
  await using watched = await startWatched({ heartbeatIntervalMs: 10 });
  const { rollcall, receiver } = watched;
  const steps = ['acme', 'globex'].map(() => Promise.withResolvers<void>());
  const beats = () => receiver.named('rollcall.run.heartbeat').length;
  const nextBeat = async (after = beats()) => receiver.until(() => beats() > after + 1);
  let run: Run | undefined;
  let rest: Promise<unknown> | undefined;

  await rollcall.job('left_behind', (given) => {
    run = given;
    rest = given.clients(['acme', '', 'globex'], async ({ clientId }) => {
      if (clientId === '') return nextBeat();
      return steps[clientId === 'acme' ? 0 : 1]?.promise;
    });
  });
  await nextBeat();
  steps[0]?.resolve();
  await receiver.until(() => receiver.named('rollcall.client_run.started').length === 2);
  await nextBeat();
  steps[1]?.resolve();
  await rest;
  // Much later, when nothing was open any more.
  await run?.client('initech', async () => nextBeat());
  await rollcall.flush();

  expect(receiver.named('rollcall.client_run.ended')).toHaveLength(3);
});

test('a run that timed out gives no more signs of life, though its work goes on', async () => {
  await using watched = await startWatched({ heartbeatIntervalMs: 10 });
  const { rollcall, receiver } = watched;
  const { promise: released, resolve: release } = Promise.withResolvers<void>();
  let rest: Promise<unknown> | undefined;

  const timedOut = rollcall.job(
    'hanging',
    (run) => {
      rest = run.clients(['acme', 'globex'], async () => released);
      return rest;
    },
    { timeoutMs: 30, graceMs: 0 },
  );
  await expect(timedOut).rejects.toThrow('timed out');
  const beats = receiver.named('rollcall.run.heartbeat').length;
  await new Promise((resolve) => setTimeout(resolve, 50));
  await rollcall.flush();
  release();
  await rest;

  expect(receiver.named('rollcall.run.heartbeat')).toHaveLength(beats);
});

function block(milliseconds: number): void {
  const until = performance.now() + milliseconds;
  while (performance.now() < until);
}
