import { pino } from 'pino';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { openTemporaryEngine } from '../../test/temporary-engine.ts';
import type { Engine } from '../store/engine.ts';
import { Rollups } from '../rollup/rollups.ts';
import { ScheduleStore } from './schedule-store.ts';
import { ScheduleWatch } from './schedule-watch.ts';

const SECOND = 1_000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

let engine: Engine;
let store: ScheduleStore;
let rollups: Rollups;
let dispose: () => Promise<void>;
const log = { warn: (fields: unknown) => expect.unreachable(JSON.stringify(fields)) };

beforeAll(async () => {
  ({ engine, dispose } = await openTemporaryEngine());
  store = new ScheduleStore(engine);
  rollups = new Rollups({ engine, log: pino({ level: 'silent' }) });
  await store.writeAlive('up all along', Date.now() - 60 * DAY, Date.now());
});
afterAll(async () => {
  await rollups.close();
  await dispose();
});

interface Declared {
  readonly cron?: string;
  readonly timeZone?: string;
  readonly everyMs?: number;
  readonly kind?: string;
  readonly lateAfterMs?: number;
  readonly maxRuntimeMs?: number;
}

function attributesOf({
  cron,
  timeZone,
  everyMs,
  kind,
  lateAfterMs,
  maxRuntimeMs,
}: Declared): Record<string, string> {
  const given = {
    'rollcall.schedule.kind': kind,
    'rollcall.schedule.cron': cron,
    'rollcall.schedule.time_zone': timeZone,
    'rollcall.schedule.every_ms': everyMs,
    'rollcall.schedule.late_after_ms': lateAfterMs,
    'rollcall.schedule.max_runtime_ms': maxRuntimeMs,
  };
  return Object.fromEntries(
    Object.entries(given).flatMap(([key, value]) => (value === undefined ? [] : [[key, String(value)]])),
  );
}

/** A run that started so long ago and has ended since, unless it is to be open. */
async function ran(
  job: string,
  agoMs: number,
  declared: Declared = {},
  { isOpen = false } = {},
): Promise<void> {
  const at = Date.now() - agoMs;
  const runId = new Date(at).toISOString().slice(2, 19).replaceAll(/[-:]/g, '').replace('T', '-');
  const origin = Buffer.from(`${job}${at}`.padEnd(16, '0').slice(-16)).toString('hex');
  const event = async (name: string, atMs: number, attributes: Record<string, string>): Promise<void> =>
    engine.command(
      `INSERT INTO otel_logs (ProjectId, JobName, RunId, EventName, Timestamp, TraceId, ReceivedAt, LogAttributes)
       SELECT 'default', {job:String}, {runId:String}, {name:String}, fromUnixTimestamp64Milli({at:Int64}, 'UTC'), {origin:String}, now(),
           JSONExtract({attributes:String}, 'Map(String, String)')`,
      {
        job,
        runId,
        name,
        at: atMs,
        origin,
        attributes: JSON.stringify({ 'rollcall.run.origin': origin, ...attributes }),
      },
    );
  await event('rollcall.run.started', at, {
    'rollcall.heartbeat.interval_ms': '86400000',
    ...attributesOf(declared),
  });
  if (!isOpen) await event('rollcall.run.ended', at + SECOND, { 'rollcall.status': 'completed' });
}

async function watch(agoMs = 0): Promise<ScheduleWatch> {
  const made = new ScheduleWatch({ store, clock: () => Date.now() - agoMs, log });
  await made.tick();
  return made;
}

interface Expected {
  readonly schedule: string;
  readonly expression: string;
  readonly state: string;
  readonly verdict: string | null;
  readonly next: string | null;
  readonly late: number;
  readonly lateSince: string | null;
  readonly missed: number;
  readonly missedSince: string | null;
  readonly unknown: number;
  readonly tooLong: number;
  readonly problem: string;
}

async function look(job: string): Promise<Expected> {
  await rollups.catchUp();
  const rows = await engine.rows<Expected>(
    `SELECT schedule, expression, state, last_verdict AS verdict, toString(toUnixTimestamp64Milli(next_due_at)) AS next, late,
         toString(toUnixTimestamp64Milli(late_since)) AS lateSince, toUInt32(missed) AS missed,
         toString(toUnixTimestamp64Milli(missed_since)) AS missedSince, toUInt32(unknown) AS unknown,
         running_too_long AS tooLong, problem
     FROM expected_runs WHERE job_name = {job:String}`,
    { job },
  );
  expect(rows).toHaveLength(1);
  return rows[0] as Expected;
}

function agoOf(time: string | null): number {
  return Date.now() - Number(time);
}

async function countDues(job: string): Promise<number> {
  const [row] = await engine.rows<{ rows: number }>(
    'SELECT toUInt32(count()) AS rows FROM schedule_dues WHERE job_name = {job:String}',
    { job },
  );
  return row?.rows ?? 0;
}

test('a job that declares cron is due at its next time', async () => {
  await ran('nightly', 10 * MINUTE, { cron: '0 2 * * *', timeZone: 'Europe/Berlin' });
  await watch();

  const seen = await look('nightly');
  expect(seen).toMatchObject({
    schedule: 'declared',
    expression: '0 2 * * * (Europe/Berlin)',
    state: 'on_time',
    verdict: 'completed',
    late: 0,
    missed: 0,
  });
  const hour = new Intl.DateTimeFormat('en', {
    timeZone: 'Europe/Berlin',
    hour: 'numeric',
    hourCycle: 'h23',
  });
  expect(hour.format(Number(seen.next))).toBe('02');
  expect(Number(seen.next) - Date.now()).toBeLessThanOrEqual(25 * HOUR);
});

test('a run that has not begun after its grace is late, and before that only due', async () => {
  await ran('hourly', 70 * MINUTE, { everyMs: HOUR, lateAfterMs: 5 * MINUTE });
  await ran('patient', 70 * MINUTE, { everyMs: HOUR, lateAfterMs: 30 * MINUTE });
  await watch(65 * MINUTE);

  const late = await look('hourly');
  expect(late).toMatchObject({ state: 'late', late: 1, missed: 0, missedSince: null });
  expect(agoOf(late.lateSince) / MINUTE).toBeCloseTo(10, 0);
  expect(await look('patient')).toMatchObject({ state: 'due', late: 0, lateSince: null });
});

test('runs that never began are counted, and it is said since when; a start makes it good', async () => {
  await ran('gone', 3 * HOUR + 10 * MINUTE, { everyMs: HOUR });
  await watch(3 * HOUR + 5 * MINUTE);
  const missed = await look('gone');
  await ran('gone', 0, { everyMs: HOUR });
  await watch();

  expect(missed).toMatchObject({ state: 'missed', late: 1, missed: 2 });
  expect(agoOf(missed.missedSince) / MINUTE).toBeCloseTo(130, 0);
  expect(await look('gone')).toMatchObject({ state: 'on_time', late: 0, missed: 0, missedSince: null });
});

test('a schedule that changes takes back what was due under the old one', async () => {
  await ran('moved', 2 * HOUR, { cron: '0 3 1 1 *' });
  const both = await watch(2 * HOUR);
  await ran('moved', MINUTE, { cron: '0 4 1 6 *', timeZone: 'Asia/Kathmandu' });
  await both.tick();
  await watch();

  const seen = await look('moved');
  expect(seen.expression).toBe('0 4 1 6 * (Asia/Kathmandu)');
  expect(new Date(Number(seen.next)).toISOString()).toMatch(/-05-31T22:15:00\.000Z$/);
});

test('a job without a schedule any more is not expected', async () => {
  await ran('retired', 5 * HOUR, { everyMs: HOUR });
  await watch(5 * HOUR - MINUTE);
  expect((await look('retired')).missed).toBeGreaterThan(0);
  await ran('retired', MINUTE, { kind: 'none' });
  await watch();

  expect(await look('retired')).toMatchObject({ schedule: 'none', state: 'none', next: null, missed: 0 });
});

test('a schedule that can not be read says why', async () => {
  await ran('typo', MINUTE, { cron: '0 25 * * *' });
  await watch();

  expect(await look('typo')).toMatchObject({
    schedule: 'declared',
    state: 'invalid',
    problem: expect.stringContaining('0 25 * * *'),
  });
});

test('a run that takes longer than its job allows is running too long', async () => {
  await ran('endless', 2 * HOUR, { maxRuntimeMs: HOUR }, { isOpen: true });
  await ran('overlapped', 2 * HOUR, { maxRuntimeMs: HOUR }, { isOpen: true });
  await ran('overlapped', MINUTE, { maxRuntimeMs: HOUR });
  await ran('quick', 10 * MINUTE, { maxRuntimeMs: HOUR }, { isOpen: true });
  await watch();

  expect(await look('endless')).toMatchObject({ tooLong: 1, verdict: 'running', schedule: 'none' });
  expect(await look('overlapped')).toMatchObject({ tooLong: 1, verdict: 'completed' });
  expect(await look('quick')).toMatchObject({ tooLong: 0, verdict: 'running' });
});

test('a schedule is learnt from regular starts', async () => {
  for (let day = 12; day >= 1; day--) await ran('habit', day * DAY - 20 * MINUTE);
  await ran('sporadic', 3 * DAY);
  await watch();

  const seen = await look('habit');
  expect(seen).toMatchObject({ schedule: 'learnt', expression: 'every 1 d', state: 'on_time' });
  expect((Number(seen.next) - Date.now()) / MINUTE).toBeCloseTo(20, 0);
  expect(await look('sporadic')).toMatchObject({ schedule: 'none', next: null, verdict: 'completed' });
});

test('a tick without news writes nothing, and neither does another process', async () => {
  await ran('steady', MINUTE, { cron: '*/5 * * * *' });
  const first = await watch();
  const rows = await countDues('steady');
  await first.tick();
  await watch();

  expect(rows).toBe(50);
  expect(await countDues('steady')).toBe(50);
});

test('a watch goes on writing ahead', async () => {
  let nowMs = Date.now();
  await ran('ahead', MINUTE, { cron: '*/5 * * * *' });
  const made = new ScheduleWatch({ store, clock: () => nowMs, log });
  await made.tick();
  for (let hour = 1; hour <= 10; hour++) {
    nowMs += HOUR;
    await made.tick();
  }

  const [row] = await engine.rows<{ dues: number; gaps: number[] }>(
    `SELECT toUInt32(count()) AS dues, arrayDistinct(arrayPopFront(arrayDifference(arraySort(groupArray(toUnixTimestamp(due_at)))))) AS gaps
     FROM (SELECT DISTINCT due_at FROM schedule_dues WHERE job_name = 'ahead')`,
  );
  // No time between the first and the last is left out.
  expect(row?.gaps.map(Number)).toEqual([300]);
  expect(row?.dues).toBeGreaterThanOrEqual(120 + 25);
});
