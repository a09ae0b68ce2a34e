import { expect, test } from 'vitest';
import { startWatched } from '../../test/watched.ts';
import type { Run } from './handles.ts';

test('a retry is the next attempt of the same run, and its clients go on counting theirs', async () => {
  await using watched = await startWatched();
  const { rollcall, receiver } = watched;
  let first: Run | undefined;
  await rollcall
    .job('retried', async (run) => {
      first = run;
      await run.client('acme', () => undefined);
      throw new Error('first try');
    })
    .catch(() => undefined);
  await rollcall.job(
    'retried',
    async (run) => {
      await run.client('acme', () => undefined);
      expect([run.runId, run.attempt]).toEqual([first?.runId, 2]);
    },
    first === undefined ? {} : { retryOf: first },
  );
  await rollcall.flush();

  const ends = receiver.named('rollcall.run.ended').map(({ attributes }) => attributes);
  expect(ends.map((end) => [end['rollcall.attempt'], end['rollcall.status']])).toEqual([
    [1, 'failed'],
    [2, 'completed'],
  ]);
  expect(new Set(ends.map((end) => end['rollcall.run.origin'])).size).toBe(1);
  const clients = receiver.named('rollcall.client_run.ended');
  expect(clients.map(({ attributes }) => attributes['rollcall.attempt'])).toEqual([1, 2]);
});

test('aborting the signal of one client cancels that client alone', async () => {
  await using watched = await startWatched();
  const { rollcall, receiver } = watched;
  const abort = new AbortController();
  await rollcall.job('partly', async (run) => {
    await run.client(
      'acme',
      (client) => {
        abort.abort(new Error('not today'));
        expect([client.signal.aborted, run.signal.aborted]).toEqual([true, false]);
      },
      { signal: abort.signal },
    );
    await run.client('globex', () => undefined);
  });
  await rollcall.flush();

  const ends = receiver.named('rollcall.client_run.ended').map(({ attributes }) => attributes);
  expect(ends.map((end) => [end['rollcall.status'], end['rollcall.status.reason']])).toEqual([
    ['cancelled', 'not today'],
    ['completed', undefined],
  ]);
});

test('a program may leave notes on its run; the same again only counts', async () => {
  await using watched = await startWatched();
  const { rollcall, receiver } = watched;
  await rollcall.job('noted', (run) => {
    for (const row of [1, 2, 3]) run.note('no_date', 'leads', `row ${row} has no date`);
  });
  await rollcall.flush();

  const notes = receiver.named('rollcall.note').map(({ attributes }) => attributes);
  expect(notes.at(-1)).toMatchObject({
    'rollcall.note.code': 'no_date',
    'rollcall.note.text': 'row 3 has no date',
    'rollcall.note.count': 3,
  });
});

test('what is named for the run in OTEL_RESOURCE_ATTRIBUTES is not said of this process', async () => {
  process.env['OTEL_RESOURCE_ATTRIBUTES'] = 'team=data,rollcall.client.id=acme';
  try {
    await using watched = await startWatched();
    const { rollcall, receiver } = watched;
    await rollcall.job('own', () => undefined);
    await rollcall.flush();

    const [end] = receiver.named('rollcall.run.ended');
    expect(end?.resource).toMatchObject({ team: 'data' });
    expect(end?.resource).not.toHaveProperty(['rollcall.client.id']);
  } finally {
    delete process.env['OTEL_RESOURCE_ATTRIBUTES'];
  }
});
