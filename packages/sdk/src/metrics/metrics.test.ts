import {
  AggregationTemporality,
  type DataPoint,
  InMemoryMetricExporter,
  MeterProvider,
  PeriodicExportingMetricReader,
} from '@opentelemetry/sdk-metrics';
import { expect, test } from 'vitest';
import type { ReceivedPoint } from '../../test/receiver.ts';
import { inSequence, startWatched } from '../../test/watched.ts';

const isFinal = ({ attributes }: ReceivedPoint) => attributes['rollcall.metric.final'] === true;

test('each aggregation combines values in its own way, and zero is a value', async () => {
  await using watched = await startWatched();
  const { rollcall, receiver } = watched;

  await rollcall.job('aggregating', async (run) => {
    await run.client('acme', (client) => {
      for (const value of [5, -2, 3]) {
        client.count('Sum', value);
        client.min('Min', value);
        client.max('Max', value);
        client.last('Last', value);
      }
      client.count(' Posts Processed ', 0);
    });
    run.count('Clients');
  });

  const values = Object.fromEntries(receiver.points.map(({ name, value }) => [name, value]));
  expect(values).toEqual({ Sum: 6, Min: -2, Max: 5, Last: 3, 'Posts Processed': 0, Clients: 1 });
  const sum = receiver.points.find(({ name }) => name === 'Sum');
  expect(sum).toMatchObject({ kind: 'sum', monotonic: false, temporality: 2 });
  expect(sum?.attributes).toMatchObject({
    'rollcall.client.id': 'acme',
    'rollcall.job.name': 'aggregating',
    'rollcall.attempt': 1,
    'rollcall.metric.aggregation': 'sum',
    'rollcall.metric.final': true,
  });
  expect(receiver.points.find(({ name }) => name === 'Min')).toMatchObject({ kind: 'gauge' });
  const clients = receiver.points.find(({ name }) => name === 'Clients');
  expect(clients?.attributes).not.toHaveProperty('rollcall.client.id');
  expect(receiver.named('rollcall.client_run.ended')[0]?.attributes['rollcall.metric.series']).toBe(5);
  expect(receiver.named('rollcall.run.ended')[0]?.attributes['rollcall.metric.series']).toBe(1);
});

test('a live series is told when it changed, and once more when it ends, not before its run', async () => {
  await using watched = await startWatched();
  const { rollcall, receiver } = watched;

  await rollcall.job('living', async (run) =>
    run.client('acme', async (client) => {
      client.count('Leads Processed', 1);
      client.count('Posts Processed', 1);
      await rollcall.flush();
      client.count('Leads Processed', 2);
      await rollcall.flush();
      await rollcall.flush();
    }),
  );

  const leads = receiver.points.filter(({ name }) => name === 'Leads Processed');
  const posts = receiver.points.filter(({ name }) => name === 'Posts Processed');
  expect(leads.map(({ value }) => value)).toEqual([1, 3, 3]);
  expect(posts.map(({ value }) => value)).toEqual([1, 1]);
  expect(leads.map(isFinal)).toEqual([false, false, true]);
  expect(new Set(leads.map(({ startNs }) => startNs)).size).toBe(1);
  const times = leads.map(({ timeNs }) => BigInt(timeNs));
  expect(times).toEqual(times.toSorted((a, b) => (a < b ? -1 : 1)));
  expect(new Set(times).size).toBe(3);
  const endNs = receiver.named('rollcall.client_run.ended')[0]?.timeNs;
  expect(times[2]! >= BigInt(endNs ?? 0)).toBe(true);
});

test.each([
  ['NaN', Number.NaN, 'NaN is not a finite number'],
  ['infinity', Infinity, 'Infinity is not a finite number'],
  ['text', 'not-a-number', "'not-a-number' (a string) is not a finite number"],
  ['a numeric text', '12', "'12' (a string) is not a finite number"],
  ['null', null, 'null is not a finite number'],
  ['an object', {}, 'an object is not a finite number'],
])('%s is refused, counted and noted, never turned into 0', async (_, value, reason) => {
  await using watched = await startWatched();
  const { rollcall, receiver } = watched;

  await rollcall.job('refusing', async (run) =>
    run.client('acme', (client) => {
      for (let repeat = 0; repeat < 3; repeat++) client.count('Leads Processed', value as number);
    }),
  );

  expect(receiver.points).toEqual([]);
  const notes = inSequence(receiver.named('rollcall.note')).map(({ attributes }) => attributes);
  const note = {
    'rollcall.client.id': 'acme',
    'rollcall.note.code': 'metric_refused',
    'rollcall.note.subject': 'Leads Processed',
    'rollcall.note.text': reason,
  };
  expect(notes).toMatchObject([
    { ...note, 'rollcall.note.count': 1 },
    { ...note, 'rollcall.note.count': 3 },
  ]);
});

test('a metric whose name is too long for ingest is refused and noted', async () => {
  await using watched = await startWatched();
  const { rollcall, receiver } = watched;

  await rollcall.job('long_names', (run) => {
    run.count('m'.repeat(1_024));
    run.count('m'.repeat(1_025));
  });

  expect(receiver.points.map(({ name }) => name)).toEqual(['m'.repeat(1_024)]);
  expect(receiver.named('rollcall.note')).toMatchObject([
    {
      attributes: {
        'rollcall.note.code': 'metric_refused',
        'rollcall.note.subject': `${'m'.repeat(60)}…`,
        'rollcall.note.text': "a metric's name has at most 1024 characters, not 1025",
      },
    },
  ]);
});

test('a second aggregation of a metric is refused, also in another client', async () => {
  await using watched = await startWatched();
  const { rollcall, receiver } = watched;

  await rollcall.job('conflicting', async (run) => {
    await run.client('acme', (client) => client.count('Leads Processed', 3));
    await run.client('globex', (client) => client.max('Leads Processed', 7));
  });

  expect(receiver.points.map(({ value }) => value)).toEqual([3]);
  expect(receiver.named('rollcall.note')).toMatchObject([
    {
      attributes: {
        'rollcall.client.id': 'globex',
        'rollcall.note.text': '7 came as max, but the metric is a sum',
      },
    },
  ]);
});

test('a number that comes after the end of its run is refused and noted', async () => {
  await using watched = await startWatched();
  const { rollcall, receiver } = watched;

  await rollcall.job('late', async (run) => {
    const client = await run.client('acme', (acme) => acme);
    client.count('Leads Processed', 1);
  });

  expect(receiver.points).toEqual([]);
  expect(receiver.named('rollcall.note')[0]?.attributes['rollcall.note.text']).toBe(
    '1 came after the run had ended',
  );
});

test('a million refusals are a handful of notes', async () => {
  await using watched = await startWatched();
  const { rollcall, receiver } = watched;
  await rollcall.job('flooding', (run) => {
    for (let index = 0; index < 1_000_000; index++) run.count('Leads Processed', Number.NaN);
  });
  const counts = receiver.named('rollcall.note').map(({ attributes }) => attributes['rollcall.note.count']);
  expect(counts).toEqual([1, 1_000_000]);
});

test("an application's own MetricReader collects the metrics of runs", async () => {
  await using watched = await startWatched({ metricExport: 'reader' });
  const { rollcall, receiver } = watched;
  const exporter = new InMemoryMetricExporter(AggregationTemporality.CUMULATIVE);
  const reader = new PeriodicExportingMetricReader({
    exporter,
    exportIntervalMillis: 60_000,
    metricProducers: [rollcall.metricProducer],
  });
  const provider = new MeterProvider({ readers: [reader] });

  await rollcall.job('read', async (run) => {
    run.count('Leads Processed', 4);
    await provider.forceFlush();
    run.count('Leads Processed', 3);
  });
  await provider.forceFlush();

  const points = exporter
    .getMetrics()
    .flatMap(({ scopeMetrics }) => scopeMetrics)
    .filter(({ scope }) => scope.name === '@rollcall/sdk')
    .flatMap(({ metrics }) => metrics)
    .flatMap(({ dataPoints }) => dataPoints as DataPoint<number>[]);
  expect(points.map(({ value }) => value)).toEqual([4, 7]);
  expect(points[1]?.attributes['rollcall.metric.final']).toBe(true);
  expect(receiver.points).toEqual([]);
  await provider.shutdown();
});

test('the latest of a last metric is the one reported last, whichever client ended or was sent first', async () => {
  await using watched = await startWatched();
  const { rollcall, receiver } = watched;

  await rollcall.job('latest', async (run) => {
    const turns = Promise.withResolvers<void>();
    const slow = run.client('reports first, ends last', async (client) => {
      client.last('Rank', 900);
      await turns.promise;
    });
    await run.client('reports last, ends first', (client) => client.last('Rank', 1));
    turns.resolve();
    await slow;
  });

  const finals = receiver.points
    .filter(isFinal)
    .toSorted((a, b) => (BigInt(a.timeNs) < BigInt(b.timeNs) ? -1 : 1));
  expect(finals.map(({ value }) => value)).toEqual([900, 1]);
});

test('the same last value reported again is later', async () => {
  await using watched = await startWatched();
  const { rollcall, receiver } = watched;

  await rollcall.job('again', async (run) => {
    await run.client('a', async (client) => {
      client.last('Rank', 5);
      await run.client('b', (other) => other.last('Rank', 7));
      client.last('Rank', 5);
    });
  });

  const finals = receiver.points
    .filter(isFinal)
    .toSorted((a, b) => (BigInt(a.timeNs) < BigInt(b.timeNs) ? -1 : 1));
  expect(finals.map(({ value }) => value)).toEqual([7, 5]);
});
