/** Replays one run's telemetry in every disorder a network can make, and reads the same from every view. */

import { join } from 'node:path';
import * as fc from 'fast-check';
import { pino } from 'pino';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { Rollups } from '../packages/ingest/src/rollup/rollups.ts';
import type { RowObject } from '../packages/ingest/src/native/encode-rows.ts';
import { readBlocks } from '../packages/ingest/src/native/read-block.fixture.ts';
import type { OtelTable } from '../packages/ingest/src/rows/tables.ts';
import { transcode } from '../packages/ingest/src/rows/transcode.fixture.ts';
import { Writers } from '../packages/ingest/src/rows/writers.ts';
import { Spool } from '../packages/ingest/src/spool/spool.ts';
import { Writer } from '../packages/ingest/src/spool/writer.ts';
import type { Engine } from '../packages/ingest/src/store/engine.ts';
import { VERIFICATIONS, type Drift } from '../packages/ingest/src/verify/verifications.ts';
import { openTemporaryEngine } from '../packages/ingest/test/temporary-engine.ts';
import { captureTelemetry, runOfEverything, type CapturedRequest } from './capture-run.ts';

const SCHEDULES = 300;
const ROUNDS = 12;
const VIEWS = ['job_runs', 'client_runs', 'client_metrics', 'job_metrics', 'failures', 'failure_groups'];

/** A row on its way, and in which of the rounds it arrives: several where the network repeats it. */
interface Delivery {
  readonly table: OtelTable;
  readonly line: string;
  readonly rounds: readonly number[];
}

let folder: string;
let engine: Engine;
let dispose: () => Promise<void>;
let requests: CapturedRequest[];

beforeAll(async () => {
  ({ engine, folder, dispose } = await openTemporaryEngine());
  requests = await captureTelemetry(runOfEverything);
});

afterAll(async () => dispose());

test(`${SCHEDULES} schedules of duplicated, reordered and split telemetry end in the same rows of every view`, async () => {
  const inOrder = rowsOf('in-order').map((row) => ({ ...row, rounds: [0] }));
  const schedules = fc.sample(disorder(inOrder.length), { numRuns: SCHEDULES, seed: 20261123 });
  const disordered = schedules.flatMap((schedule, index) =>
    rowsOf(`disorder-${index}`).map((row, at) => ({ ...row, rounds: schedule[at] ?? [0] })),
  );

  await deliver([...inOrder, ...disordered]);

  for (const view of VIEWS) {
    const projects = await readByProject(view);
    const expected = projects.get('in-order');
    expect(expected, view).not.toBe('');
    expect(projects.size, view).toBe(SCHEDULES + 1);
    const different = [...projects].filter(([, rows]) => rows !== expected).map(([project]) => project);
    expect(different, view).toEqual([]);
  }
});

test('the replayed run is what the job did', async () => {
  const [run] = await engine.rows<Record<string, unknown>>(
    "SELECT * FROM job_runs WHERE project_id = 'in-order'",
  );
  const clients = await engine.rows<{ client_id: string; verdict: string; attempt: number }>(
    "SELECT client_id, verdict, attempt FROM client_runs WHERE project_id = 'in-order' ORDER BY client_id",
  );
  const metrics = await engine.rows<{ metric: string; value: number }>(
    "SELECT metric, value FROM job_metrics WHERE project_id = 'in-order' ORDER BY metric",
  );

  expect(run).toMatchObject({
    verdict: 'completed_with_errors',
    declared_status: 'completed',
    clients_expected: 7,
    clients_started: 6,
    clients_never_started: 1,
    telemetry: 'complete',
  });
  expect(String(run?.['notes'])).toContain('NaN');
  expect(clients).toEqual([
    { client_id: "O'Brien", verdict: 'completed', attempt: 1 },
    { client_id: 'acme', verdict: 'completed', attempt: 1 },
    { client_id: 'empty', verdict: 'nothing_to_do', attempt: 1 },
    { client_id: 'failing', verdict: 'failed', attempt: 1 },
    { client_id: 'hanging', verdict: 'completed', attempt: 1 },
    { client_id: 'never', verdict: 'never_started', attempt: 1 },
    { client_id: 'retried', verdict: 'completed', attempt: 2 },
  ]);
  // 10.1 + 0 + 5 + the 20 of the last attempt: the 3 of the first try do not count again.
  expect(metrics).toEqual([
    { metric: 'Largest', value: 40 },
    { metric: 'Latest', value: 5 },
    { metric: 'Leads Processed', value: 35.1 },
    { metric: 'Rows Read', value: 12 },
    { metric: 'Smallest', value: -2 },
  ]);
});

test('telemetry that lost its ends says lost, and a lost event says incomplete, in any order', async () => {
  const withoutEnds = (project: string): Omit<Delivery, 'rounds'>[] =>
    rowsOf(project).filter(({ line }) => !isEndOf(line, 'hanging') && !isEndOf(line, ''));
  const schedules = fc.sample(disorder(withoutEnds('x').length), { numRuns: 40, seed: 7 });
  await deliver(
    schedules.flatMap((schedule, index) =>
      withoutEnds(`cut-${index}`).map((row, at) => ({ ...row, rounds: schedule[at] ?? [0] })),
    ),
  );

  // The patience of those that were delivered last ends some seconds later.
  await expect
    .poll(
      () =>
        engine.rows(
          `SELECT DISTINCT job_runs.verdict AS job, job_runs.telemetry AS telemetry, client_runs.verdict AS client
           FROM job_runs INNER JOIN client_runs ON job_runs.project_id = client_runs.project_id
           WHERE startsWith(job_runs.project_id, 'cut-') AND client_runs.client_id = 'hanging'`,
        ),
      { timeout: 30_000, interval: 500 },
    )
    .toEqual([{ job: 'lost', telemetry: 'incomplete', client: 'lost' }]);
});

test('every rollup agrees with the raw rows after all that', async () => {
  for (const { rollup, sql } of VERIFICATIONS) {
    const [found] = await engine.rows<Drift>(sql);
    expect(found, rollup).toMatchObject({ drifted: 0, drift: 0, samples: [] });
    expect(found?.compared, rollup).toBeGreaterThan(SCHEDULES);
  }
});

/** For each row the rounds in which it arrives, one to three times. */
function disorder(rows: number): fc.Arbitrary<number[][]> {
  const round = fc.integer({ min: 0, max: ROUNDS - 1 });
  return fc.array(fc.array(round, { minLength: 1, maxLength: 3 }), { minLength: rows, maxLength: rows });
}

/** All rows of the captured run, as the ingest service would write them for this project. */
function rowsOf(projectId: string): Omit<Delivery, 'rounds'>[] {
  return requests.flatMap(({ signal, body }) => {
    const result = transcode(signal, 'protobuf', body, { projectId, receivedAtMs: Date.now() });
    if (result.status !== 'ok' || result.refused.length > 0)
      throw new Error('captured telemetry was refused');
    return result.blocks.flatMap(({ table, bytes }) =>
      readBlocks(bytes).map((row) => ({ table, line: JSON.stringify(row) })),
    );
  });
}

/** Each round is its own inserts, in which the rows stand in no particular order. */
async function deliver(rows: readonly Delivery[]): Promise<void> {
  const inserter = new Writer({ engine, log: pino({ level: 'silent' }) });
  const spool = await Spool.open({
    folder: join(folder, 'spool'),
    onSealed: (segment) => inserter.enqueue(segment),
    onTrouble: (error) => {
      throw error;
    },
  });
  inserter.start(spool);
  for (let round = 0; round < ROUNDS; round++) {
    const arriving = rows.filter(({ rounds }) => rounds.includes(round));
    const byTable = Map.groupBy(arriving, ({ table }) => table);
    for (const [table, lines] of byTable) {
      const writer = new Writers().of(table);
      for (const { line } of lines.toReversed()) writer.addRow(JSON.parse(line) as RowObject);
      await spool.append(writer.take());
    }
    await spool.seal();
  }
  expect(await inserter.drain(60_000)).toEqual({ left: 0 });
  await spool.close();
  await inserter.stop();
  await new Rollups({ engine, log: pino({ level: 'silent' }) }).catchUp();
}

/** The view's rows of each project as one text, without the project itself. */
async function readByProject(view: string): Promise<Map<string, string>> {
  const rows = await engine.rows<Record<string, unknown>>(
    `SELECT * FROM ${view} WHERE project_id = 'in-order' OR startsWith(project_id, 'disorder-')`,
  );
  const byProject = Map.groupBy(rows, ({ project_id: project }) => String(project));
  return new Map(
    [...byProject].map(([project, found]) => [
      project,
      found
        .map((row) => JSON.stringify({ ...row, project_id: '' }))
        .toSorted()
        .join('\n'),
    ]),
  );
}

/** The end of a client run, or of the job run where the client is ''; as event or as span. */
function isEndOf(line: string, clientId: string): boolean {
  const row = JSON.parse(line) as Record<string, unknown>;
  const attributes = (row['SpanAttributes'] ?? {}) as Record<string, string>;
  const isEnd =
    ((row['EventName'] ?? '') as string).endsWith('run.ended') ||
    ['job_run', 'client_run'].includes(attributes['rollcall.span.kind'] ?? '');
  return isEnd && (row['ClientId'] ?? '') === clientId;
}
