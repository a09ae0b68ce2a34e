/** A rollup that lies is found out. */

import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { mkdtemp, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { pino } from 'pino';
import { Rollups } from '../packages/ingest/src/rollup/rollups.ts';
import { ROLLUPS } from '../packages/ingest/src/rollup/statements.ts';
import { transcode } from '../packages/ingest/src/rows/transcode.fixture.ts';
import type { Engine } from '../packages/ingest/src/store/engine.ts';
import { VERIFICATIONS, type Drift } from '../packages/ingest/src/verify/verifications.ts';
import { openTemporaryEngine } from '../packages/ingest/test/temporary-engine.ts';
import { captureTelemetry, runOfEverything, type CapturedRequest } from './capture-run.ts';

const STATES = [
  ...ROLLUPS.map(({ table }) => table),
  'run_touches',
  'metric_states',
  'client_run_states',
  'job_run_states',
  'run_producers',
  'failure_events',
  'run_notes',
];
const RAW = ['otel_logs', 'otel_traces', 'otel_metrics_sum', 'otel_metrics_gauge'];

let engine: Engine;
let folder: string;
let dispose: () => Promise<void>;
let requests: CapturedRequest[];

beforeAll(async () => {
  ({ engine, folder, dispose } = await openTemporaryEngine());
  requests = await captureTelemetry(runOfEverything);
});

afterAll(async () => {
  await dispose();
});

beforeEach(async () => {
  for (const table of [...STATES, ...RAW]) await engine.command(`TRUNCATE TABLE ${table}`);
  const where = await mkdtemp(join(folder, 'rows-'));
  for (const [index, { signal, body }] of requests.entries()) {
    const result = transcode(signal, 'protobuf', body, { projectId: 'p', receivedAtMs: Date.now() });
    if (result.status !== 'ok') throw new Error(result.message);
    for (const { table, bytes } of result.blocks) {
      const path = join(where, `${index}-${table}.native`);
      await writeFile(path, bytes);
      await engine.insertFile({ table, path, format: 'Native', token: path });
    }
  }
  await new Rollups({ engine, log: pino({ level: 'silent' }) }).catchUp();
});

async function drifted(): Promise<string[]> {
  const found: string[] = [];
  for (const { rollup, sql } of VERIFICATIONS) {
    const [drift] = await engine.rows<Drift>(sql);
    if ((drift?.drifted ?? 0) > 0) found.push(rollup);
  }
  return found;
}

test('untouched rollups agree with the raw rows', async () => {
  expect(await drifted()).toEqual([]);
});

test('of clients that did not fail, the view that is quicker to plan tells the same', async () => {
  const found = await engine.rows<{ clients: number; differ: number }>(`
    SELECT
        toUInt32((SELECT count() FROM client_run_facts WHERE fingerprint = '')) AS clients,
        toUInt32((SELECT count() FROM (
            SELECT * FROM client_run_facts WHERE fingerprint = ''
            EXCEPT
            SELECT * FROM unfailed_client_run_facts))) AS differ`);

  expect(found).toEqual([
    { clients: expect.toSatisfy((clients: number) => clients > 1) as number, differ: 0 },
  ]);
});

test.each([
  [
    'a total that was raised',
    "INSERT INTO metric_states SELECT * REPLACE(tuple(latest.at + toIntervalSecond(60), 1000.)::Tuple(at DateTime64(9, 'UTC'), value Float64) AS latest) FROM metric_states WHERE metric = 'Leads Processed' LIMIT 1",
    ['client_metrics', 'job_metrics', 'metric_summaries', 'job_metric_summaries'],
  ],
  [
    'a lost metric',
    "DELETE FROM metric_states WHERE metric = 'Largest' AND client_id = 'acme'",
    ['client_metrics', 'job_metrics', 'metric_summaries', 'job_metric_summaries'],
  ],
  [
    'a client that is missing',
    "DELETE FROM client_run_states WHERE client_id = 'acme'",
    ['client_runs', 'client_run_summaries', 'run_summaries'],
  ],
  [
    'a failed client painted over',
    "INSERT INTO client_run_states (project_id, run_id, origin, client_id, attempt, ending, last_seen_at) SELECT project_id, run_id, origin, client_id, attempt, tuple(now64(9, 'UTC') + 60, 'completed', '', '', ''), now64(9, 'UTC') FROM client_run_states WHERE client_id = 'failing' AND attempt = 1 LIMIT 1",
    ['client_runs', 'client_run_summaries', 'run_summaries'],
  ],
  [
    'a run that never was',
    "INSERT INTO job_run_states (project_id, run_id, origin, attempt, started_at, last_seen_at) SELECT project_id, run_id, 'elsewhere', 1, now64(9, 'UTC'), now64(9, 'UTC') FROM job_run_states LIMIT 1",
    ['job_runs', 'run_summaries'],
  ],
  [
    'an event that was not sent',
    'INSERT INTO run_producers (project_id, run_id, origin, producer, sequences) SELECT project_id, run_id, origin, producer, bitmapBuild([toUInt32(9999)]) FROM run_producers LIMIT 1',
    ['run_producers'],
  ],
  [
    'a note that nobody made',
    "INSERT INTO run_notes SELECT project_id, run_id, origin, client_id, 'invented', subject, producer, note FROM run_notes LIMIT 1",
    ['notes', 'run_summaries'],
  ],
  [
    'a reason that nobody gave',
    "INSERT INTO job_run_states (project_id, run_id, origin, attempt, ending) SELECT project_id, run_id, origin, attempt, tuple(ending.1, ending.2, 'zzz invented', '', '') FROM job_run_states WHERE ending.1 > toDateTime64(0, 9, 'UTC') LIMIT 1",
    ['job_runs', 'run_summaries'],
  ],
  [
    'a failure that is gone',
    "DELETE FROM failure_events WHERE client_id = 'failing'",
    // The client run bears the fingerprint of its failure.
    ['failures', 'failure_summaries', 'client_run_summaries'],
  ],
  [
    'a total that people read, raised',
    "INSERT INTO job_metric_summaries SELECT * REPLACE(value + 1 AS value, summarised_at + toIntervalSecond(9) AS summarised_at) FROM job_metric_summaries WHERE metric = 'Leads Processed'",
    ['job_metric_summaries'],
  ],
  [
    'a client metric that people read, gone',
    "DELETE FROM metric_summaries WHERE client_id = 'acme' AND metric = 'Largest'",
    ['metric_summaries'],
  ],
  [
    'a failed client run that people read as completed',
    "INSERT INTO client_run_summaries SELECT * REPLACE('completed' AS declared_status, summarised_at + toIntervalSecond(9) AS summarised_at) FROM client_run_summaries WHERE client_id = 'failing'",
    ['client_run_summaries'],
  ],
  [
    'a failure fewer on the run that people read',
    'INSERT INTO run_summaries SELECT * REPLACE(failed - 1 AS failed, summarised_at + toIntervalSecond(9) AS summarised_at) FROM run_summaries',
    ['run_summaries'],
  ],
])('%s is found', async (_, tamper, expected) => {
  await engine.command(tamper);

  expect(await drifted()).toEqual(expected);
});
