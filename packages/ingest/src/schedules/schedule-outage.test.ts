import { afterEach, beforeEach, expect, test } from 'vitest';
import { openTemporaryEngine } from '../../test/temporary-engine.ts';
import { ScheduleStore } from './schedule-store.ts';
import { ScheduleWatch } from './schedule-watch.ts';

const SECOND = 1_000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;

let own: Awaited<ReturnType<typeof openTemporaryEngine>>;
const log = { warn: (fields: unknown) => expect.unreachable(JSON.stringify(fields)) };

beforeEach(async () => {
  own = await openTemporaryEngine();
});
afterEach(async () => own.dispose());

async function started(job: string, agoMs: number, attributes: Record<string, string>): Promise<void> {
  await own.engine.command(
    `INSERT INTO otel_logs (ProjectId, JobName, RunId, EventName, Timestamp, LogAttributes)
     SELECT 'default', {job:String}, '261101-000000', 'rollcall.run.started', fromUnixTimestamp64Milli({at:Int64}, 'UTC'),
         JSONExtract({attributes:String}, 'Map(String, String)')`,
    { job, at: Date.now() - agoMs, attributes: JSON.stringify(attributes) },
  );
}

interface Seen {
  readonly state: string;
  readonly late: number;
  readonly missed: number;
  readonly unknown: number;
}

async function look(): Promise<Seen | undefined> {
  const [seen] = await own.engine.rows<Seen>(
    'SELECT state, late, toUInt32(missed) AS missed, toUInt32(unknown) AS unknown FROM expected_runs',
  );
  return seen;
}

test('what was due while Rollcall was down is unknown, not missed', async () => {
  const store = new ScheduleStore(own.engine);
  await started('doubtful', 210 * MINUTE, { 'rollcall.schedule.every_ms': String(2 * HOUR) });
  await new ScheduleWatch({ store, clock: () => Date.now() - 200 * MINUTE, log }).tick();
  await store.writeAlive('before', Date.now() - 200 * MINUTE, Date.now() - 180 * MINUTE);
  await store.writeAlive('after', Date.now() - HOUR, Date.now());
  const whileDown = await look();
  await started('doubtful', 100 * MINUTE, { 'rollcall.schedule.every_ms': String(2 * HOUR) });

  // It was due an hour and a half ago, in the middle of the outage.
  expect(whileDown).toEqual({ state: 'unknown', late: 0, missed: 0, unknown: 1 });
  // The run of that time arrives after all, from a spool.
  expect(await look()).toEqual({ state: 'on_time', late: 0, missed: 0, unknown: 0 });
});

test('the same with Rollcall up all along is late', async () => {
  const store = new ScheduleStore(own.engine);
  await started('certain', 210 * MINUTE, { 'rollcall.schedule.every_ms': String(2 * HOUR) });
  await new ScheduleWatch({ store, clock: () => Date.now() - 200 * MINUTE, log }).tick();
  await store.writeAlive('all along', Date.now() - 200 * MINUTE, Date.now());

  expect(await look()).toEqual({ state: 'late', late: 1, missed: 0, unknown: 0 });
});

test('after a restart the times of the meantime are written down, and doubted', async () => {
  const store = new ScheduleStore(own.engine);
  await started('minutely', 2 * HOUR, {
    'rollcall.schedule.cron': '*/10 * * * *',
    'rollcall.schedule.late_after_ms': '60000',
  });
  const before = new ScheduleWatch({ store: store, clock: () => Date.now() - 2 * HOUR, log });
  await before.tick();
  await own.engine.command(
    'ALTER TABLE schedule_dues DELETE WHERE due_at > now64() - INTERVAL 100 MINUTE SETTINGS mutations_sync = 1',
  );
  await new ScheduleWatch({ store: store, clock: Date.now, log }).tick();

  const seen = await look();
  expect(seen?.state).toBe('unknown');
  expect(seen?.missed).toBe(0);
  expect(seen?.unknown).toBeGreaterThanOrEqual(11);
});

test('times in which Rollcall was up are one row per process, and a sleep makes a gap', async () => {
  let nowMs = Date.now() - HOUR;
  const made = new ScheduleWatch({ store: new ScheduleStore(own.engine), clock: () => nowMs, log });
  for (const pauseMs of [0, 15 * SECOND, 15 * SECOND, 30 * MINUTE, 15 * SECOND]) {
    nowMs += pauseMs;
    await made.tick();
  }
  nowMs += 15 * SECOND;
  await made.stop();

  const spans = await own.engine.rows<{ seconds: number }>(
    "SELECT toUInt32(dateDiff('second', since, max(until))) AS seconds FROM ingest_alive GROUP BY since, instance ORDER BY since",
  );
  expect(spans).toEqual([{ seconds: 30 }, { seconds: 30 }]);
  const outages = await own.engine.rows<{ minutes: number }>(
    "SELECT toUInt32(dateDiff('minute', down_from, down_until)) AS minutes FROM ingest_outages WHERE down_from > '2000-01-01' ORDER BY down_from",
  );
  expect(outages[0]).toEqual({ minutes: 30 });
});
