/** Clocks are set, machines sleep: what comes in is worked up all the same. On the real engine, whose clock is told otherwise. */

import { pino } from 'pino';
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest';
import { openTemporaryEngine } from '../../test/temporary-engine.ts';
import type { Engine } from '../store/engine.ts';
import { VERIFICATIONS, type Drift } from '../verify/verifications.ts';
import { Rollups } from './rollups.ts';
import { BEGINNING, CLOCK } from './statements.ts';

const HOUR_MS = 3_600_000;

let engine: Engine;
let dispose: () => Promise<void>;

beforeAll(async () => {
  ({ engine, dispose } = await openTemporaryEngine());
});

afterAll(async () => dispose());

/** Rollups to which the clock of ClickHouse tells a time that is ahead. */
function rollupsWhoseClockIsAhead(byMs: number): Rollups {
  const rollups = new Rollups({
    engine: {
      rows: async <Row>(sql: string, parameters?: Parameters<Engine['rows']>[1]) => {
        const rows = await engine.rows<Row>(sql, parameters);
        if (sql !== CLOCK && sql !== BEGINNING) return rows;
        return rows.map((row) => ({ ...row, ms: (row as { ms: number }).ms + byMs }));
      },
      background: async (sql, parameters) => engine.background(sql, parameters),
    },
    log: pino({ level: 'silent' }),
  });
  onTestFinished(async () => rollups.close());
  return rollups;
}

async function tell(runId: string, event: 'started' | 'ended', rollups?: Rollups): Promise<void> {
  const sinceMs = performance.now();
  await engine.command(
    `INSERT INTO otel_logs (ProjectId, RunId, JobName, EventName, Timestamp, ReceivedAt, LogAttributes)
     SELECT 'p', {runId:String}, 'job', {event:String}, now64(9), now64(3), map('rollcall.status', 'completed', 'rollcall.run.origin', 'o', 'rollcall.heartbeat.interval_ms', '5000')`,
    { runId, event: `rollcall.run.${event}` },
  );
  rollups?.touched(sinceMs);
}

/** Soon: sooner than by a sweep. */
async function expectVerdict(runId: string, verdict: string): Promise<void> {
  const read = async (): Promise<string | undefined> => {
    const [run] = await engine.rows<{ verdict: string }>(
      'SELECT verdict FROM job_runs WHERE run_id = {runId:String}',
      { runId },
    );
    return run?.verdict;
  };
  await expect.poll(read, { timeout: 15_000 }).toBe(verdict);
}

test('what comes in after the clock was set back counts', async () => {
  await tell('261201-000001', 'started');
  rollupsWhoseClockIsAhead(HOUR_MS).start();
  await expectVerdict('261201-000001', 'running');

  const setBack = rollupsWhoseClockIsAhead(0);
  await tell('261201-000001', 'ended', setBack);
  await expectVerdict('261201-000001', 'completed');
});

test('what came in after the clock was set back, to a process that did not live to roll it up, counts after the next start', async () => {
  await tell('261201-000002', 'started');
  rollupsWhoseClockIsAhead(HOUR_MS).start();
  await expectVerdict('261201-000002', 'running');

  await tell('261201-000002', 'ended');
  rollupsWhoseClockIsAhead(0).start();
  await expectVerdict('261201-000002', 'completed');
});

test('runs touched by a clock that was ahead do not wait until then', async () => {
  await engine.command(
    "INSERT INTO run_touches (project_id, run_id, touched_at) SELECT 'p', '261201-000003', now64(3) + INTERVAL 1 HOUR",
  );
  await tell('261201-000003', 'ended');
  rollupsWhoseClockIsAhead(0).start();
  await expectVerdict('261201-000003', 'completed');

  // It is marked right after it is shown.
  const waiting = async () => engine.rows("SELECT run_id FROM runs_waiting WHERE run_id = '261201-000003'");
  await expect.poll(waiting).toEqual([]);
});

test('what came in just before the clock was set forward is rolled up within seconds', async () => {
  const setForward = rollupsWhoseClockIsAhead(10_000);
  setForward.start();
  await expect.poll(() => setForward.lagMs).toBe(0);
  await tell('261201-000004', 'ended', setForward);
  await expectVerdict('261201-000004', 'completed');
});

test('after all that every rollup agrees with the raw rows', async () => {
  for (const { rollup, sql } of VERIFICATIONS) {
    const [found] = await engine.rows<Drift>(sql);
    expect(found, rollup).toMatchObject({ drifted: 0, drift: 0 });
  }
});
