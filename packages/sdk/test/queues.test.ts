/** BullMQ on a real Redis; pg-boss and Graphile Worker on a real PostgreSQL. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { clientsOf, runScheduled, totalOf, type Scheduled, type Told } from './scheduled.ts';
import { findServer, startPostgres, startRedis, type Server } from './servers.ts';

const redis = findServer('redis-server');
const postgres = findServer('postgres');
const why = (found: typeof redis) => (found.status === 'missing' ? ` (skipped: ${found.reason})` : '');

type Runs = Record<string, string[]>;

function triesOf(runs: readonly Told[], job: string): unknown[][] {
  return runs.filter((run) => run.job === job).map(({ attempt, status }) => [attempt, status]);
}

describe.skipIf(redis.status === 'missing')(`BullMQ${why(redis)}`, () => {
  let server: Server | undefined;
  let scheduled: Scheduled<Runs>;

  beforeAll(async () => {
    if (redis.status === 'missing') return;
    server = await startRedis(redis.path);
    scheduled = await runScheduled('bullmq', { REDIS_URL: server.url });
  }, 120_000);

  afterAll(async () => server?.stop());

  test('jobs that a run queues are client runs of it, and a retry is the next attempt of the client', () => {
    const { printed, receiver, runs } = scheduled;
    const nightly = runs.find(({ job }) => job === 'nightly');
    const ended = clientsOf(receiver).filter(([runId]) => runId === nightly?.runId);

    for (const name of ['score', 'tidy', 'split', 'merge']) {
      expect(new Set(printed[name])).toEqual(new Set([nightly?.runId]));
    }
    expect(new Set(ended)).toEqual(
      new Set([
        [nightly?.runId, 'acme', 1, 'completed'],
        [nightly?.runId, 'globex', 1, 'failed'],
        [nightly?.runId, 'globex', 2, 'completed'],
        [nightly?.runId, 'hooli', 1, 'completed'],
        [nightly?.runId, 'initech', 1, 'completed'],
      ]),
    );
    const roster = receiver
      .named('rollcall.run.roster')
      .filter(({ attributes }) => attributes['rollcall.run.id'] === nightly?.runId)
      .flatMap(({ attributes }) => attributes['rollcall.clients.expected']);
    expect(new Set(roster)).toEqual(new Set(['acme', 'globex', 'initech', 'hooli']));
    // acme 10, globex 20, tidy 5, split and merge 1 each.
    expect(totalOf(receiver, 'Leads Processed', nightly?.runId)).toBe(37);
  });

  test('a job of no run is a job run of its own, whose retries are attempts under the same run ID', () => {
    const { printed, receiver, runs } = scheduled;
    const report = runs.filter(({ job }) => job === 'report');

    expect(triesOf(runs, 'report')).toEqual([
      [1, 'failed'],
      [2, 'failed'],
      [3, 'completed'],
    ]);
    expect(new Set(printed['report'])).toEqual(new Set([report[0]?.runId]));
    expect(new Set(report.map(({ runId }) => runId)).size).toBe(1);
    expect(new Set(report.map(({ attributes }) => attributes['rollcall.run.origin'])).size).toBe(1);
    expect(report[0]?.attributes).toMatchObject({
      'rollcall.trigger': 'queue',
      'messaging.system': 'bullmq',
      'messaging.destination.name': 'leads',
      'messaging.message.id': expect.stringMatching(/^\d+$/),
      'rollcall.queue.delay_ms': expect.any(Number),
    });
    const [alias] = receiver
      .named('rollcall.run.alias')
      .filter(({ attributes }) => attributes['rollcall.job.name'] === 'report');
    expect(alias?.attributes['rollcall.alias']).toBe(
      `bullmq:bull:leads:${String(report[0]?.attributes['messaging.message.id'])}`,
    );
  });

  test('a job of no run that names a client has one client run, attempt for attempt', () => {
    const { receiver, runs } = scheduled;
    const [single] = runs.filter(({ job }) => job === 'single');

    expect(triesOf(runs, 'single')).toEqual([
      [1, 'failed'],
      [2, 'completed'],
    ]);
    expect(clientsOf(receiver).filter(([runId]) => runId === single?.runId)).toEqual([
      [single?.runId, 'umbrella', 1, 'failed'],
      [single?.runId, 'umbrella', 2, 'completed'],
    ]);
  });

  test('a job that puts itself back into the queue has not failed', () => {
    expect(triesOf(scheduled.runs, 'later')).toEqual([
      [1, 'nothing_to_do'],
      [2, 'completed'],
    ]);
  });

  test('a repeated job is a run for each time, with its schedule', () => {
    const sweeps = scheduled.runs.filter(({ job }) => job === 'sweep');

    expect(sweeps).toHaveLength(2);
    expect(new Set(sweeps.map(({ runId }) => runId)).size).toBe(2);
    for (const { attributes } of sweeps) {
      expect(attributes).toMatchObject({ 'rollcall.trigger': 'schedule', 'rollcall.schedule.every_ms': 100 });
    }
  });

  test('what the hook skips is no run', () => {
    expect(scheduled.printed['private']).toEqual([null]);
    expect(scheduled.runs.filter(({ job }) => job === 'private')).toEqual([]);
  });
});

describe.skipIf(postgres.status === 'missing')(`queues in PostgreSQL${why(postgres)}`, () => {
  let server: Server | undefined;

  beforeAll(async () => {
    if (postgres.status === 'found') server = await startPostgres(postgres.path);
  }, 120_000);

  afterAll(async () => server?.stop());

  test('pg-boss: jobs join the run that sent them, retries are attempts, a batch is one run', async () => {
    const { printed, receiver, runs } = await runScheduled<{ data: Record<string, object[]>; runs: Runs }>(
      'pg-boss',
      { POSTGRES_URL: server?.url ?? '' },
    );
    const runIdOf = (job: string) => runs.find((run) => run.job === job)?.runId;

    expect(new Set(printed.runs['score'])).toEqual(new Set([runIdOf('nightly')]));
    expect(triesOf(runs, 'report')).toEqual([
      [1, 'failed'],
      [2, 'failed'],
      [3, 'completed'],
    ]);
    expect(new Set(printed.runs['report'])).toEqual(new Set([runIdOf('report')]));
    expect(triesOf(runs, 'single')).toEqual([
      [1, 'failed'],
      [2, 'completed'],
    ]);
    const batch = runs.find(({ job }) => job === 'batch');
    expect(new Set(clientsOf(receiver))).toEqual(
      new Set([
        [runIdOf('nightly'), 'acme', 1, 'completed'],
        [runIdOf('single'), 'umbrella', 1, 'failed'],
        [runIdOf('single'), 'umbrella', 2, 'completed'],
        [batch?.runId, 'acme', 1, 'completed'],
        [batch?.runId, 'globex', 1, 'completed'],
      ]),
    );
    expect(triesOf(runs, 'batch')).toEqual([[1, 'completed']]);
    expect(runs.find(({ job }) => job === 'report')?.attributes).toMatchObject({
      'rollcall.trigger': 'queue',
      'messaging.system': 'pg-boss',
      'messaging.destination.name': 'report',
      'rollcall.queue.delay_ms': expect.any(Number),
    });
    expect(runs.find(({ job }) => job === 'sweep')?.attributes).toMatchObject({
      'rollcall.trigger': 'schedule',
      'rollcall.schedule.cron': '* * * * *',
      'rollcall.schedule.time_zone': 'Europe/Vienna',
    });
    // The job's own code sees what was sent to it, and nothing of Rollcall's.
    expect(printed.data['score']).toEqual([{ tenant: 'acme', leads: 10 }]);
  }, 60_000);

  test('Graphile Worker: jobs join the run that added them, retries are attempts, cron items have their expression', async () => {
    const { printed, receiver, runs } = await runScheduled<{
      payloads: Record<string, string[][]>;
      runs: Runs;
    }>('graphile-worker', { POSTGRES_URL: server?.url ?? '' });
    const runIdOf = (job: string) => runs.find((run) => run.job === job)?.runId;

    expect(printed.runs['score']).toEqual([runIdOf('nightly')]);
    expect(printed.runs['tidy']).toEqual([runIdOf('nightly')]);
    expect(totalOf(receiver, 'Leads Processed', runIdOf('nightly'))).toBe(15);
    expect(triesOf(runs, 'report')).toEqual([
      [1, 'failed'],
      [2, 'completed'],
    ]);
    expect(new Set(printed.runs['report'])).toEqual(new Set([runIdOf('report')]));
    expect(clientsOf(receiver)).toEqual([
      [runIdOf('nightly'), 'acme', 1, 'completed'],
      [runIdOf('single'), 'umbrella', 1, 'completed'],
    ]);
    expect(runs.find(({ job }) => job === 'sweep')?.attributes).toMatchObject({
      'rollcall.trigger': 'schedule',
      'rollcall.schedule.cron': '* * * * *',
      'rollcall.schedule.time_zone': 'UTC',
    });
    expect(printed.payloads['score']).toEqual([['tenant', 'leads']]);
  }, 60_000);
});
