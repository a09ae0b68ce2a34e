/** After a machine has slept, or its clock was set ahead, those who could not be heard are not lost. */

import { pino } from 'pino';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { openTemporaryEngine } from '../../test/temporary-engine.ts';
import { Rollups } from '../rollup/rollups.ts';
import type { Engine } from '../store/engine.ts';
import { Hearing } from './hearing.ts';

const SLEPT_MS = 600_000;
const log = pino({ level: 'silent' });

let engine: Engine;
let dispose: () => Promise<void>;

beforeAll(async () => {
  ({ engine, dispose } = await openTemporaryEngine());
});

afterAll(async () => dispose());

async function beganAndWasLastHeard(runId: string, agoMs: number): Promise<void> {
  await engine.command(
    `INSERT INTO otel_logs (ProjectId, RunId, JobName, EventName, Timestamp, ReceivedAt, LogAttributes)
     SELECT 'p', {runId:String}, 'job', 'rollcall.run.started', at, at, map('rollcall.run.origin', 'o', 'rollcall.heartbeat.interval_ms', '5000')
     FROM (SELECT now64(3) - toIntervalMillisecond({agoMs:UInt32}) AS at)`,
    { runId, agoMs },
  );
}

async function readVerdicts(): Promise<Record<string, string>> {
  const runs = await engine.rows<{ run_id: string; verdict: string }>('SELECT run_id, verdict FROM job_runs');
  return Object.fromEntries(runs.map(({ run_id: runId, verdict }) => [runId, verdict]));
}

test('who was heard just before the machine slept is not lost when it wakes, who was silent for long before stays so', async () => {
  let sleptMs = 0;
  await beganAndWasLastHeard('261201-000001', SLEPT_MS + 4_000);
  await beganAndWasLastHeard('261201-000002', SLEPT_MS + 60_000);
  await new Rollups({ engine, log }).catchUp();
  const hearing = new Hearing({
    engine,
    instance: 'here',
    behindMs: () => 0,
    log,
    tickMs: 50,
    clock: () => Date.now() + sleptMs,
  });
  await hearing.start();
  const ticks = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, 500));
  // A second's step is none.
  sleptMs += 1_000;
  await ticks();

  expect(await readVerdicts()).toEqual({ '261201-000001': 'lost', '261201-000002': 'lost' });

  sleptMs += SLEPT_MS;
  await expect.poll(readVerdicts).toEqual({ '261201-000001': 'running', '261201-000002': 'lost' });

  await hearing.stop();
  expect(await engine.rows('SELECT count() AS times FROM ingest_absences FINAL')).toEqual([{ times: 1 }]);
});
