import { expect, test } from 'vitest';
import { startWatched } from '../../test/watched.ts';
import { HERITAGE_METRICS } from '../index.ts';

test('pain 22: a run reports by the same definition as the services: names, ranges and units', async () => {
  await using watched = await startWatched({ metrics: HERITAGE_METRICS });
  const { rollcall, receiver } = watched;

  await rollcall.job('scoring', async (run) => {
    await run.client('acme', (client) => {
      client.count('leadsProcessed', 10);
      client.count('Leads Processed', '5' as never);
      client.count('leads_processed', -1);
      client.max('Posts Processed', 1);
      client.max('endTime', 1_759_235_445);
      client.count('Rows  Read', 2);
    });
  });

  expect(receiver.points.map(({ name, value, unit }) => [name, value, unit])).toEqual(
    expect.arrayContaining([
      ['Leads Processed', 15, '{lead}'],
      ['End Time', 1_759_235_445, 's'],
      ['Rows Read', 2, ''],
    ]),
  );
  expect(new Set(receiver.points.map(({ name }) => name)).size).toBe(3);
  const notes = receiver.named('rollcall.note').map(({ attributes }) => attributes['rollcall.note.text']);
  expect(notes).toEqual(['-1 is below 0, the smallest allowed', 'it came as max, but the metric is a sum']);
});
