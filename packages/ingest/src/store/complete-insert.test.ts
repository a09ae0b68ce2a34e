/** After a kill nobody knows whether an insert happened: whatever did, the rows are there once, and so is what follows from them. */

import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import * as fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { openTemporaryEngine } from '../../test/temporary-engine.ts';
import { encodeProtobuf } from '../otlp/protobuf-request.fixture.ts';
import { REQUESTS } from '../rows/telemetry.fixture.ts';
import { transcode } from '../rows/transcode.fixture.ts';
import type { Engine, FileInsert } from './engine.ts';

let temporary: Awaited<ReturnType<typeof openTemporaryEngine>>;
let engine: Engine;

beforeAll(async () => {
  temporary = await openTemporaryEngine();
  ({ engine } = temporary);
});

afterAll(async () => {
  await temporary.dispose();
});

/** A number that differs where the rows of a table differ, and how many there are. */
async function contentOf(table: string): Promise<unknown> {
  const [content] = await engine.rows(
    `SELECT toString(count()) AS rows, toString(sum(sipHash64(*))) AS content FROM ${table}`,
  );
  return content;
}

/** Random telemetry of all kinds, as files of the spool. */
async function files(seed: number): Promise<FileInsert[]> {
  const found: FileInsert[] = [];
  for (const signal of ['traces', 'logs', 'metrics'] as const) {
    for (const [index, request] of fc.sample(REQUESTS[signal], { seed, numRuns: 8 }).entries()) {
      const result = transcode(signal, 'protobuf', encodeProtobuf(signal, request), {
        projectId: `p${seed}-${index}`,
        receivedAtMs: Date.now(),
      });
      if (result.status !== 'ok') continue;
      for (const { table, bytes } of result.blocks) {
        const token = `${seed}-${signal}-${index}.${table}`;
        const path = join(temporary.folder, `${token}.native`);
        await writeFile(path, bytes);
        found.push({ table, path, format: 'Native', token });
      }
    }
  }
  return found;
}

const TABLES = [
  'traces',
  'logs',
  'metrics_gauge',
  'metrics_sum',
  'metrics_histogram',
  'metrics_exponential_histogram',
  'metrics_summary',
].map((name) => `otel_${name}`);

test('what is there already is not inserted again, whatever the table and the values', async () => {
  const inserts = await files(1);
  expect(new Set(inserts.map(({ table }) => table))).toEqual(new Set(TABLES));
  for (const insert of inserts) await engine.insertFile(insert);
  const before = await Promise.all(TABLES.map(contentOf));

  // Under another token: that of the first time was not written down.
  for (const insert of inserts)
    await engine.insertFile({ ...insert, token: `${insert.token}-2`, isRepeat: true });

  expect(await Promise.all(TABLES.map(contentOf))).toEqual(before);
});

test('what is missing is inserted, though its token is known', async () => {
  const inserts = await files(2);
  for (const insert of inserts) await engine.insertFile(insert);
  const before = await Promise.all(TABLES.map(contentOf));
  for (const table of TABLES) {
    const time = table.startsWith('otel_metrics') ? 'TimeUnix' : 'Timestamp';
    await engine.command(
      `DELETE FROM ${table} WHERE ProjectId LIKE 'p2-%' AND toUnixTimestamp64Nano(${time}) % 3 = 0`,
    );
  }
  expect(await Promise.all(TABLES.map(contentOf))).not.toEqual(before);

  for (const insert of inserts) await engine.insertFile({ ...insert, isRepeat: true });

  expect(await Promise.all(TABLES.map(contentOf))).toEqual(before);
});

describe('what is worked out from the rows', () => {
  const STATES: Record<string, string> = {
    run_touches: 'SELECT project_id, run_id FROM run_touches GROUP BY ALL ORDER BY ALL',
    job_run_states:
      "SELECT run_id, origin, finalizeAggregation(CAST(groupBitmapMergeState(final_series), 'AggregateFunction(groupBitmap, UInt32)')) AS series, max(attempt) AS attempts FROM job_run_states GROUP BY ALL ORDER BY ALL",
    client_run_states: 'SELECT run_id, client_id, attempt FROM client_run_states GROUP BY ALL ORDER BY ALL',
    failure_events:
      'SELECT run_id, client_id, fingerprint, error_type FROM failure_events FINAL ORDER BY ALL',
    run_aliases: 'SELECT run_id, alias FROM run_aliases FINAL ORDER BY ALL',
    run_notes: 'SELECT run_id, code, note FROM run_notes FINAL ORDER BY ALL',
  };
  const statesOf = async (): Promise<unknown> =>
    Object.fromEntries(
      await Promise.all(Object.entries(STATES).map(async ([table, sql]) => [table, await engine.rows(sql)])),
    );

  test('is worked out anew where only the rows had arrived', async () => {
    const at = new Date().toISOString().replace('T', ' ').slice(0, 19);
    const event = (
      EventName: string,
      ClientId: string,
      LogAttributes: Record<string, string> = {},
    ): object => ({
      ProjectId: 'default',
      ReceivedAt: at,
      Timestamp: at,
      RunId: '261125-010203',
      JobName: 'nightly',
      TraceId: 'a'.repeat(32),
      ClientId,
      EventName,
      LogAttributes,
    });
    const lines = [
      event('rollcall.run.started', '', { 'rollcall.clients.expected': '["acme","globex"]' }),
      event('rollcall.run.alias', '', { 'rollcall.alias': 'old-17', 'rollcall.alias.kind': 'legacy' }),
      event('rollcall.note', '', { 'rollcall.note.code': 'metric_refused', 'rollcall.note.text': 'NaN' }),
      event('rollcall.client_run.started', 'acme'),
      event('rollcall.failure', 'acme', { 'exception.type': 'RangeError', 'exception.message': 'too far' }),
      event('rollcall.client_run.ended', 'acme', { 'rollcall.status': 'failed' }),
    ];
    const path = join(temporary.folder, 'events.jsonl');
    await writeFile(path, lines.map((line) => `${JSON.stringify(line)}\n`).join(''));
    const insert: FileInsert = { table: 'otel_logs', path, format: 'JSONEachRow', token: 'events' };
    await engine.insertFile(insert);
    const before = await statesOf();
    for (const [table, rows] of Object.entries(before as object))
      expect({ table, rows }).not.toEqual({ table, rows: [] });
    for (const table of Object.keys(STATES)) await engine.command(`TRUNCATE TABLE ${table}`);

    await engine.insertFile({ ...insert, isRepeat: true });

    expect(await statesOf()).toEqual(before);
    expect(
      await engine.rows("SELECT count()::UInt32 AS rows FROM otel_logs WHERE RunId = '261125-010203'"),
    ).toEqual([{ rows: lines.length }]);
  });
});
