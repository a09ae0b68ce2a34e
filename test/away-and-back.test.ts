/** Rollcall is away for the whole of a run, then back: everything arrives, in order, once. */

import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { CuttableProxy } from './cuttable-proxy.ts';
import {
  ask,
  askUntil,
  finished,
  rollcall,
  spawnScript,
  startProcess,
  temporaryFolder,
  type RunningService,
} from './rollcall-process.ts';

let folder: Awaited<ReturnType<typeof temporaryFolder>>;
let service: RunningService;

beforeAll(async () => {
  folder = await temporaryFolder();
  service = await startProcess(folder.path);
});

afterAll(async () => {
  await service.stop();
  await folder.remove();
});

interface Run {
  runId: string;
  code: number | null;
  /** From the last line of the job to the end of the process. */
  stderr: string;
}

async function work(args: string[], settings: Record<string, string>): Promise<Run> {
  const program = fileURLToPath(new URL('./programs/works-through.ts', import.meta.url));
  const end = await finished(
    spawnScript(program, args, {
      ROLLCALL_HEARTBEAT_INTERVAL_MS: '200',
      OTEL_LOG_LEVEL: 'warn',
      ...settings,
    }),
  );
  return { runId: end.stdout.trim(), code: end.code, stderr: end.stderr };
}

interface Whole {
  verdict: string;
  reason: string;
  telemetry: string;
  completed: number;
  failed: number;
  leads: number;
  posts: number;
}

const whole = (runId: string): string => `SELECT verdict, reason, telemetry,
    toUInt32(clients_completed) AS completed, toUInt32(clients_failed) AS failed,
    (SELECT value FROM job_metrics WHERE run_id = '${runId}' AND metric = 'Leads Processed') AS leads,
    (SELECT value FROM job_metrics WHERE run_id = '${runId}' AND metric = 'Posts Processed') AS posts
  FROM job_runs WHERE run_id = '${runId}'`;

/** Every event once, none missing, and their times in the order of their numbers, signs of life aside, which another thread gives. */
async function expectOnceAndInOrder(runId: string): Promise<void> {
  const events = await ask<{ sequence: number; name: string; at: string }>(
    service.url,
    `SELECT toUInt32(LogAttributes['rollcall.event.sequence']) AS sequence, EventName AS name, toString(Timestamp) AS at
      FROM otel_logs WHERE RunId = '${runId}' AND EventName LIKE 'rollcall.%' ORDER BY sequence`,
  );
  expect(events.map(({ sequence }) => sequence)).toEqual(events.map((_, index) => index + 1));
  expect(events[0]?.name).toBe('rollcall.run.started');
  const times = events.filter(({ name }) => name !== 'rollcall.run.heartbeat').map(({ at }) => at);
  expect(times).toEqual(times.toSorted());
  const [spans] = await ask<{ spans: number; distinct: number }>(
    service.url,
    `SELECT toUInt32(count()) AS spans, toUInt32(uniqExact(SpanId)) AS distinct FROM otel_traces WHERE RunId = '${runId}'`,
  );
  // The job, 50 clients, 49 steps.
  expect(spans).toEqual({ spans: 100, distinct: 100 });
}

test('rollcall flush brings in a whole run that nobody could take, once and in order', async () => {
  await using proxy = await CuttableProxy.start(service.url);
  const settings = {
    OTEL_EXPORTER_OTLP_ENDPOINT: proxy.url,
    ROLLCALL_SPOOL_DIR: join(folder.path, 'sdk-spool'),
  };
  await proxy.cut();
  const { runId, code, stderr } = await work(['end', '500'], settings);
  const tooEarly = await rollcall(['flush'], settings);
  await proxy.mend();
  const flushed = await rollcall(['flush'], settings);
  const again = await rollcall(['flush', '--json'], settings);

  expect(code).toBe(0);
  expect(stderr).toMatch(/\d+ records could not be delivered; kept in .*sdk-spool/);
  expect(tooEarly.code).toBe(1);
  expect(tooEarly.stdout).toMatch(/still wait for .*: .*ECONNREFUSED/);
  expect(flushed).toMatchObject({ code: 0, stderr: '' });
  expect(flushed.stdout).toMatch(/^Sent \d+ kept requests to http/);
  expect(JSON.parse(again.stdout)).toMatchObject({ sent: 0, waiting: 0, callsWaiting: false, elsewhere: [] });
  const [seen] = await askUntil<Whole>(
    service.url,
    whole(runId),
    ([found]) =>
      found?.verdict === 'completed_with_errors' && found.telemetry === 'complete' && found.posts === 49,
  );
  expect(seen).toMatchObject({ completed: 49, failed: 1, leads: 100, posts: 49 });
  await expectOnceAndInOrder(runId);
});

test('the next run brings in what the one before could not deliver, its end by process.exit included', async () => {
  await using proxy = await CuttableProxy.start(service.url);
  const settings = {
    OTEL_EXPORTER_OTLP_ENDPOINT: proxy.url,
    ROLLCALL_SPOOL_DIR: join(folder.path, 'next-run'),
  };
  await proxy.cut();
  // Longer than a second: an ID that was made while nobody could claim it may be another's in the same one.
  const first = await work(['exit', '1100'], settings);
  await proxy.mend();
  const second = await work(['end', '0'], settings);

  expect(first.code).toBe(5);
  const [seen] = await askUntil<Whole>(
    service.url,
    whole(first.runId),
    ([found]) => found?.verdict === 'failed' && found.telemetry === 'complete' && found.leads === 100,
  );
  expect(seen).toMatchObject({ reason: 'process.exit(5) was called before the run had ended', leads: 100 });
  await expectOnceAndInOrder(first.runId);
  await askUntil<Whole>(
    service.url,
    whole(second.runId),
    ([found]) => found?.verdict === 'completed_with_errors' && found.telemetry === 'complete',
  );
  const [destination] = await readdir(join(folder.path, 'next-run', 'telemetry'));
  const left = await readdir(join(folder.path, 'next-run', 'telemetry', destination ?? ''));
  expect(left).toEqual(['destination']);
});

test('a spool without room drops signs of life and spans, never ends and totals: the run says incomplete, and is not lost', async () => {
  await using proxy = await CuttableProxy.start(service.url);
  const settings = { OTEL_EXPORTER_OTLP_ENDPOINT: proxy.url, ROLLCALL_SPOOL_DIR: join(folder.path, 'full') };
  await proxy.cut();
  const { runId, stderr } = await work(['end', '900'], {
    ...settings,
    ROLLCALL_SDK_SPOOL_MAX_BYTES: '1',
    ROLLCALL_HEARTBEAT_THREAD: 'false',
  });
  await proxy.mend();
  await rollcall(['flush'], settings);

  expect(stderr).toMatch(/\d+ records could neither be delivered nor kept/);
  const [seen] = await askUntil<Whole>(
    service.url,
    whole(runId),
    ([found]) => found?.verdict === 'completed_with_errors' && found.leads === 100 && found.posts === 49,
  );
  expect(seen).toMatchObject({ telemetry: 'incomplete', completed: 49, failed: 1, posts: 49 });
});
