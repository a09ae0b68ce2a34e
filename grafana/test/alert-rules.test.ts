/** Tries the alert rules one by one, and the limits that can be set for them. */

import type { Engine } from '@rollcall/ingest';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { openTemporaryEngine } from '../../packages/ingest/test/temporary-engine.ts';
import { keepAlive, rollUp, writeRuns, writeSchedules } from './fortnight.fixture.ts';
import { planGivenRun, type GivenRun } from './plan-fortnight.ts';

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
const nowMs = Math.floor(Date.now() / 1000) * 1000;

let engine: Engine;
let dispose: () => Promise<void>;

beforeAll(async () => {
  ({ engine, dispose } = await openTemporaryEngine());
  await keepAlive(engine, nowMs);
});
afterAll(async () => dispose());

interface Condition {
  readonly rule: string;
  readonly job_name: string;
  readonly run_id: string;
  readonly client_id: string;
  readonly subject: string;
  readonly value: number;
  readonly threshold: number;
  readonly summary: string;
}

/** Each test has a project of its own. */
async function happen(project: string, runs: readonly GivenRun[]): Promise<void> {
  await writeRuns(engine, { project, runs: runs.flatMap(planGivenRun), lines: 0 });
  await rollUp(engine, project);
}

/** Of one rule, since that is quicker, or of all. */
async function conditions(project: string, rule = 'conditions'): Promise<Condition[]> {
  return engine.rows<Condition>(
    `SELECT * FROM alert_${rule} WHERE project_id = {project:String} ORDER BY rule, subject`,
    { project },
  );
}

async function set(
  project: string,
  job: string,
  rule: string,
  setting: { value?: number; enabled?: boolean },
): Promise<void> {
  await engine.command(
    `INSERT INTO alert_settings (project_id, job_name, rule, value, is_enabled)
     SELECT {project:String}, {job:String}, {rule:String}, ${setting.value ?? 'NULL'}, {enabled:UInt8}`,
    { project, job, rule, enabled: setting.enabled === false ? 0 : 1 },
  );
}

const failedRun = (hoursAgo: number): GivenRun => ({
  job: 'billing',
  startMs: nowMs - hoursAgo * HOUR_MS,
  endMs: nowMs - hoursAgo * HOUR_MS + MINUTE_MS,
  status: 'failed',
  error: { type: 'ConnectionError', message: 'db-1 refused' },
});

test('a job that failed is told with its error, and how often in a row, until a run succeeds', async () => {
  await happen('failing', [failedRun(5), failedRun(4), failedRun(3)]);
  expect(await conditions('failing')).toMatchObject([
    {
      rule: 'job_failed',
      job_name: 'billing',
      value: 3,
      threshold: 1,
      subject: 'ConnectionError',
      summary: expect.stringMatching(/^billing failed in run \d{6}-\d{6}: ConnectionError: db-1 refused$/),
    },
  ]);
  const [first] = await conditions('failing', 'job_failed');
  await happen('failing', [failedRun(2)]);
  // The same condition goes on: only its value is another.
  expect(await conditions('failing', 'job_failed')).toEqual([{ ...first, value: 4 }]);
  await happen('failing', [{ job: 'billing', startMs: nowMs - HOUR_MS, endMs: nowMs - HOUR_MS + MINUTE_MS }]);
  expect(await conditions('failing')).toEqual([]);
});

test('a limit of a job counts before one of its project, and that before one of all', async () => {
  await happen('limits', [failedRun(4), failedRun(3), { ...failedRun(2), job: 'sync' }]);
  const failing = async (): Promise<string[]> =>
    (await conditions('limits', 'job_failed'))
      .map((row) => `${row.job_name} ${row.value} of ${row.threshold}`)
      .toSorted();
  expect(await failing()).toEqual(['billing 2 of 1', 'sync 1 of 1']);
  await set('', '', 'job_failed', { value: 3 });
  expect(await failing()).toEqual([]);
  await set('limits', '', 'job_failed', { value: 2 });
  expect(await failing()).toEqual(['billing 2 of 2']);
  await set('limits', 'sync', 'job_failed', { value: 1 });
  expect(await failing()).toEqual(['billing 2 of 2', 'sync 1 of 1']);
  await set('limits', 'billing', 'job_failed', { enabled: false });
  expect(await failing()).toEqual(['sync 1 of 1']);
  // Null is the default again.
  await set('limits', 'billing', 'job_failed', {});
  expect(await failing()).toEqual(['billing 2 of 1', 'sync 1 of 1']);
  await set('', '', 'job_failed', {});
});

const run = (job: string, minutesAgo: number, failed: number, clients: number): GivenRun => ({
  job,
  startMs: nowMs - minutesAgo * MINUTE_MS,
  endMs: nowMs - minutesAgo * MINUTE_MS + 30_000,
  clients: Object.fromEntries(
    Array.from({ length: clients }, (_, at) => [`client-${at}`, at < failed ? 'failed' : 'completed']),
  ),
});

test('many failed clients in one run are told as a share, few are not', async () => {
  await happen('rates', [run('few', 10, 1, 10), run('many', 11, 4, 10), run('tiny', 12, 2, 4)]);
  expect(await conditions('rates', 'client_failure_rate')).toMatchObject([
    {
      job_name: 'many',
      value: 0.4,
      threshold: 0.2,
      summary: expect.stringMatching(/^4 of 10 clients failed/),
    },
  ]);
  await set('rates', 'many', 'client_failure_rate', { value: 0.5 });
  expect(await conditions('rates', 'client_failure_rate')).toEqual([]);
});

test('a client is told from the third failed run in a row on', async () => {
  const failing = async (): Promise<Condition[]> => conditions('streaks', 'client_failing');
  await happen('streaks', [run('score', 50, 0, 10), run('score', 40, 1, 10), run('score', 30, 1, 10)]);
  expect(await failing()).toEqual([]);
  await happen('streaks', [run('score', 20, 1, 10)]);
  expect(await failing()).toMatchObject([
    {
      client_id: 'client-0',
      value: 3,
      summary: 'Client client-0 fails in every run of score since run ' + runId(40) + ': Error: no answer',
    },
  ]);
  await happen('streaks', [run('score', 10, 0, 10)]);
  expect(await failing()).toEqual([]);
});

function runId(minutesAgo: number): string {
  return new Date(nowMs - minutesAgo * MINUTE_MS)
    .toISOString()
    .replace(/^\d\d(\d\d)-(\d\d)-(\d\d)T(\d\d):(\d\d):(\d\d).*$/, '$1$2$3-$4$5$6');
}

test('missing telemetry is told two minutes after the end: the rest may be on its way', async () => {
  const gap = (job: string, minutesAgo: number): GivenRun => ({
    ...run(job, minutesAgo, 0, 1),
    missingEvents: 2,
  });
  await happen('gaps', [gap('just_over', 1), gap('over', 4), run('whole', 5, 0, 1)]);
  expect(await conditions('gaps', 'telemetry_incomplete')).toMatchObject([
    { job_name: 'over', value: 1, summary: expect.stringMatching(/: 2 of 6 events did not arrive$/) },
  ]);
});

test('a run that goes on for longer than usual is told, and by its own limit where it has one', async () => {
  const quick = Array.from({ length: 6 }, (_, at) => run('crawl', 300 + at * 20, 0, 1));
  await happen('slow', [...quick, { job: 'crawl', startMs: nowMs - 10 * MINUTE_MS }]);
  expect(await conditions('slow', 'run_slow')).toMatchObject([
    {
      rule: 'run_slow',
      subject: 'running',
      run_id: runId(10),
      threshold: 1.5,
      summary: expect.stringMatching(/19 of 20 runs take less than 30 seconds/),
    },
  ]);
  const limited = async (maxRuntimeMs: number): Promise<void> =>
    engine.command(
      `INSERT INTO schedule_plans (project_id, job_name, planned_at, source, expression, problem, late_after_ms, max_runtime_ms)
       SELECT 'slow', 'crawl', now64(3), 'none', '', '', 0, {max:UInt64}`,
      { max: maxRuntimeMs },
    );
  await limited(HOUR_MS);
  expect(await conditions('slow', 'run_slow')).toEqual([]);
  await limited(5 * MINUTE_MS);
  expect(await conditions('slow', 'run_slow')).toMatchObject([
    { subject: 'running', threshold: 1, summary: expect.stringMatching(/its limit is 5 minutes/) },
  ]);
});

test('what was due while Rollcall was down is in doubt, not missed', async () => {
  await happen('outage', [
    { job: 'nightly', startMs: nowMs - 10 * HOUR_MS, endMs: nowMs - 10 * HOUR_MS + MINUTE_MS },
  ]);
  const due = (hoursAgo: number): number => nowMs - hoursAgo * HOUR_MS;
  await writeSchedules(engine, {
    project: 'outage',
    nowMs,
    dues: [
      {
        job: 'nightly',
        expression: 'every 2 h',
        everyMs: 2 * HOUR_MS,
        lateAfterMs: 5 * MINUTE_MS,
        dueMs: [due(8), due(6), due(4), due(-1)],
      },
    ],
  });
  expect(await conditions('outage', 'run_missed')).toMatchObject([
    { rule: 'run_missed', value: 2, summary: expect.stringMatching(/^nightly did not run: it was due at/) },
  ]);
  await engine.command('TRUNCATE TABLE ingest_alive');
  await engine.command(
    `INSERT INTO ingest_alive (instance, since, until)
     SELECT 'one', fromUnixTimestamp64Milli({from:Int64}, 'UTC'), fromUnixTimestamp64Milli({until:Int64}, 'UTC')
     UNION ALL SELECT 'two', fromUnixTimestamp64Milli({again:Int64}, 'UTC'), now64(3, 'UTC')`,
    { from: due(20), until: due(9), again: due(2) },
  );
  expect(await conditions('outage', 'run_missed')).toEqual([]);
});

test('a silent ingest means that Rollcall is blind, and evidence that is not worked up that it is behind', async () => {
  expect(await conditions('', 'ingest_down')).toEqual([]);
  await engine.command(
    `INSERT INTO run_touches (project_id, run_id, touched_at) SELECT 'behind', {run:String}, now64(3, 'UTC') - INTERVAL 5 MINUTE`,
    { run: runId(5) },
  );
  expect(await conditions('behind', 'ingest_backlog')).toMatchObject([
    { rule: 'ingest_backlog', threshold: 120, summary: expect.stringContaining('out of date') },
  ]);
  await engine.command('TRUNCATE TABLE ingest_alive');
  expect(await conditions('', 'ingest_down')).toMatchObject([
    { rule: 'ingest_down', summary: expect.stringMatching(/^Rollcall is blind/) },
  ]);
  await keepAlive(engine, nowMs);
  expect(await conditions('', 'ingest_down')).toEqual([]);
});
