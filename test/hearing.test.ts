/** While Rollcall itself is away, or behind, the silence of a run says nothing. */

import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { connect } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { openTemporaryEngine } from '../packages/ingest/test/temporary-engine.ts';
import type { Engine } from '../packages/ingest/src/store/engine.ts';
import { Hearing, waitedMs } from '../packages/ingest/src/observe/hearing.ts';
import { CuttableProxy } from './cuttable-proxy.ts';
import { ask, askUntil, spawnScript, startProcess, temporaryFolder } from './rollcall-process.ts';

const HANG = fileURLToPath(new URL('./programs/hang.ts', import.meta.url));
const HEARTBEAT_MS = 500;
const VERDICTS = 'SELECT run_id, verdict, clients_lost::UInt32 AS lost FROM job_runs';

interface Seen {
  readonly run_id: string;
  readonly verdict: string;
  readonly lost: number;
}

test('after an outage nobody is lost who lives, who died in it is found out, and who was lost before stays so', async () => {
  const folder = await temporaryFolder();
  let service = await startProcess(folder.path);
  await using proxy = await CuttableProxy.start(service.url);
  const start = async () => startHanging(proxy.url, HEARTBEAT_MS);
  const verdictOf = (rows: readonly Seen[], runId: string) =>
    rows.find((row) => row.run_id === runId)?.verdict;
  const [before, during, survivor] = [await start(), await start(), await start()];
  before.child.kill('SIGKILL');
  await askUntil<Seen>(service.url, VERDICTS, (rows) => verdictOf(rows, before.runId) === 'lost');
  await service.stop();
  during.child.kill('SIGKILL');
  await sleep(10 * HEARTBEAT_MS);
  service = await startProcess(folder.path);
  proxy.retarget(service.url);

  // What was on its way when the service stopped is rolled up first: until then nobody is called silent.
  await askUntil<{ waiting: number }>(
    service.url,
    `SELECT count()::UInt32 AS waiting FROM runs_waiting WHERE run_id = '${before.runId}'`,
    ([row]) => row?.waiting === 0,
  );
  const first = await ask<Seen>(service.url, VERDICTS);
  expect(Object.fromEntries(first.map(({ run_id: runId, verdict }) => [runId, verdict]))).toEqual({
    [before.runId]: 'lost',
    [during.runId]: 'running',
    [survivor.runId]: 'running',
  });
  const found = await askUntil<Seen>(service.url, VERDICTS, (rows) => {
    expect(rows.find(({ run_id: runId }) => runId === survivor.runId)).toMatchObject({
      verdict: 'running',
      lost: 0,
    });
    expect(verdictOf(rows, before.runId)).toBe('lost');
    return verdictOf(rows, during.runId) === 'lost';
  });
  expect(verdictOf(found, survivor.runId)).toBe('running');

  survivor.child.kill('SIGKILL');
  await service.stop();
  await folder.remove();
}, 120_000);

test('a sign of life each second that is on its way for two is no reason to call a run lost', async () => {
  const folder = await temporaryFolder();
  const service = await startProcess(folder.path);
  await using proxy = await CuttableProxy.start(service.url);
  const { child } = await startHanging(proxy.url, 1_000);
  await askUntil<Seen>(service.url, VERDICTS, ([row]) => row?.verdict === 'running');
  const seen = new Set<string>();
  // Held three times, so that the last sign before it is now fresh, now almost a second old.
  for (const phaseMs of [0, 300, 600]) {
    await sleep(1_000 + phaseMs);
    proxy.hold();
    const releaseAtMs = Date.now() + 2_300;
    let isHeld = true;
    while (isHeld || Date.now() < releaseAtMs + 1_000) {
      const [row] = await ask<Seen>(service.url, VERDICTS);
      seen.add(`${row?.verdict}, ${row?.lost} lost`);
      await sleep(50);
      if (isHeld && Date.now() > releaseAtMs) {
        proxy.release();
        isHeld = false;
      }
    }
  }
  child.kill('SIGKILL');
  await askUntil<Seen>(service.url, VERDICTS, ([row]) => row?.verdict === 'lost' && row.lost === 1);

  expect([...seen]).toEqual(['running, 0 lost']);
  await service.stop();
  await folder.remove();
});

test('while what was accepted waits for ClickHouse, silence is measured against what has arrived', async () => {
  const { engine, dispose } = await openTemporaryEngine();
  let behindMs = 0;
  const hearing = new Hearing({
    engine,
    instance: 'here:1',
    behindMs: () => behindMs,
    log: { warn: (...told: unknown[]) => expect(told).toBe('no warning') },
    tickMs: 20,
  });
  await hearing.start();
  // Two runs that promise a sign of life each second, last heard 10 and 3,600 seconds ago.
  for (const [origin, ageS] of [
    ['a', 10],
    ['b', 3_600],
  ] as const) {
    await engine.command(
      `INSERT INTO run_summaries (project_id, run_id, origin, job_name, last_sign_at, lost_ms, heartbeat_interval_ms, open_lost_ms)
       SELECT 'default', '261125-000000', {origin:String}, 'job', now64(9) - {age:UInt32}, toUnixTimestamp64Milli(now64(3)) - 1000 * {age:UInt32} + 3000, 1000,
           [toUnixTimestamp64Milli(now64(3)) - 1000 * {age:UInt32} + 3000]`,
      { origin, age: ageS },
    );
  }
  const verdicts = async (): Promise<string> =>
    (
      await engine.rows<{ told: string }>(
        "SELECT concat(verdict, ' ', toString(clients_lost)) AS told FROM job_runs ORDER BY origin",
      )
    )
      .map(({ told }) => told)
      .join(', ');
  const become = async (expected: string): Promise<void> => {
    for (let looks = 0; looks < 100 && (await verdicts()) !== expected; looks++) await sleep(50);
    expect(await verdicts()).toBe(expected);
  };

  await become('lost 1, lost 1');
  behindMs = 20_000;
  await become('running 0, lost 1');
  behindMs = 0;
  // What came in last came just now, and who was silent before that has his time to be heard of again.
  await become('lost 1, lost 1');

  await hearing.stop();
  await dispose();
});

test('who was lost before ingest was seen to fall behind stays so', async () => {
  const { engine, dispose } = await openTemporaryEngine();
  await putSilentRun(engine, { silentS: 7, patienceS: 5 });
  const hearing = new Hearing({
    engine,
    instance: 'here:1',
    behindMs: () => 3_200,
    log: { warn: (...told: unknown[]) => expect(told).toBe('no warning') },
    tickMs: 20,
  });
  await hearing.start();
  const absences = async () => engine.rows('SELECT reason FROM ingest_absences FINAL');
  await expect.poll(absences).toEqual([{ reason: 'behind' }]);

  expect(await verdictIn(engine)).toBe('lost');
  await hearing.stop();
  await dispose();
});

test('evidence that waits for its rollup is seen by the views for minutes, and told by ingest from one minute on', async () => {
  const { engine, dispose } = await openTemporaryEngine();
  // Each with evidence that no rollup knows, and with evidence that one does.
  await engine.command(
    `INSERT INTO run_touches (project_id, run_id, touched_at, summarised_at)
     SELECT 'default', concat('26112', toString(number), '-000000'), now64(3) - toIntervalMinute(number), toDateTime64(0, 3) FROM numbers(10)`,
  );
  await engine.command(
    `INSERT INTO run_touches (project_id, run_id, touched_at, summarised_at)
     SELECT 'default', concat('26113', toString(number), '-000000'), now64(3) - toIntervalMinute(number), now64(3) FROM numbers(10)`,
  );
  const waiting = await engine.rows<{ run_id: string }>('SELECT run_id FROM runs_waiting ORDER BY run_id');

  expect(waiting.map(({ run_id: runId }) => runId.slice(0, 6))).toEqual([
    '261120',
    '261121',
    '261122',
    '261123',
    '261124',
  ]);
  expect(waitedMs({ spooledMs: 10, rollupLagMs: 60_000 })).toBe(10);
  expect(waitedMs({ spooledMs: 10, rollupLagMs: 60_001 })).toBe(60_001);
  expect(waitedMs({ spooledMs: 70_000, rollupLagMs: 60_001 })).toBe(70_000);
  await dispose();
});

test.each([
  { silentS: 300, patienceS: 30, verdict: 'lost', told: 'before all of it' },
  { silentS: 130, patienceS: 38, verdict: 'lost', told: 'with its patience at an end between two absences' },
  { silentS: 130, patienceS: 45, verdict: 'running', told: 'with less than its patience between two' },
  { silentS: 210, patienceS: 60, verdict: 'lost', told: 'with its patience at an end between the first two' },
  { silentS: 210, patienceS: 80, verdict: 'running', told: 'with less than its patience between any' },
  { silentS: 15, patienceS: 5, verdict: 'running', told: 'during the last one, which was just now' },
])('of three absences, silence $told: $verdict', async ({ silentS, patienceS, verdict }) => {
  const { engine, dispose } = await openTemporaryEngine();
  for (const [name, fromS, untilS] of [
    ['first', 200, 170],
    ['second', 100, 60],
    // Overlaps with the one after it, as two instances may tell it.
    ['third', 20, 12],
    ['fourth', 18, 5],
  ] as const)
    await engine.command(
      `INSERT INTO ingest_absences (instance, process, reason, absent_from, absent_until, written_at)
       SELECT 'here:1', {name:String}, 'away', now64(3) - {fromS:UInt32}, now64(3) - {untilS:UInt32}, now64(3)`,
      { name, fromS, untilS },
    );
  await putSilentRun(engine, { silentS, patienceS });

  expect(await verdictIn(engine)).toBe(verdict);
  await dispose();
});

test('a clock that was ahead and is set back leaves no absence that lasts until then', async () => {
  const { engine, dispose } = await openTemporaryEngine();
  await engine.command(
    `INSERT INTO ingest_absences (instance, process, reason, absent_from, absent_until, written_at)
     SELECT arrayJoin(['here:1', 'there:1']), 'process', 'away', now64(3) - INTERVAL 1 HOUR, now64(3) + INTERVAL 1 YEAR, now64(3) + INTERVAL 1 YEAR`,
  );
  await putSilentRun(engine, { silentS: 3_600, patienceS: 3 });
  const hearing = openHearing(engine);
  await hearing.start();

  // Whoever may have been missed has a while to be heard of again; that is all.
  const verdicts: string[] = [];
  for (let looks = 0; looks < 300 && verdicts.at(-1) !== 'lost'; looks++) {
    verdicts.push(await verdictIn(engine));
    await sleep(100);
  }
  expect(new Set(verdicts)).toEqual(new Set(['running', 'lost']));
  await hearing.stop();
  await dispose();
});

test('who was lost stays so, however soon Rollcall is away again', async () => {
  const { engine, dispose } = await openTemporaryEngine();
  const upUntil = async (agoS: number): Promise<void> =>
    engine.command(
      `INSERT INTO ingest_alive (instance, since, until) SELECT 'here:1', now64(3) - INTERVAL 2 HOUR, now64(3) - {agoS:UInt32}`,
      { agoS },
    );
  await engine.command(
    `INSERT INTO ingest_absences (instance, process, reason, absent_from, absent_until, written_at)
     SELECT 'here:1', 'process', 'away', now64(3) - 40, now64(3) - 25, now64(3) - 25`,
  );
  // Silent while it was away, and for its fifteen seconds after that.
  await putSilentRun(engine, { silentS: 35, patienceS: 3 });
  expect(await verdictIn(engine)).toBe('lost');
  await upUntil(5);
  const hearing = openHearing(engine);
  await hearing.start();

  expect(await verdictIn(engine)).toBe('lost');
  await hearing.stop();
  await dispose();
});

test('absences one right after the other are one, however many', async () => {
  const { engine, dispose } = await openTemporaryEngine();
  await engine.command(
    `INSERT INTO ingest_absences (instance, process, reason, absent_from, absent_until, written_at)
     SELECT 'here:1', toString(number), 'away', now64(3) - 3000, now64(3) - 3000 + 10 * number, now64(3) FROM numbers(1, 299)`,
  );
  await engine.command(
    `INSERT INTO ingest_alive (instance, since, until) SELECT 'here:1', now64(3) - INTERVAL 2 HOUR, now64(3) - 4`,
  );
  await putSilentRun(engine, { silentS: 3_010, patienceS: 1_000 });
  const hearing = openHearing(engine);
  await hearing.start();

  expect(await verdictIn(engine)).toBe('running');
  await hearing.stop();
  await dispose();
});

test('a clock that was ahead and is set back hides no absence', async () => {
  const { engine, dispose } = await openTemporaryEngine();
  // It was up until ten minutes ago, and, as it believed, in a year.
  await engine.command(
    `INSERT INTO ingest_alive (instance, since, until)
     SELECT 'here:1', now64(3) - INTERVAL 2 HOUR, now64(3) - INTERVAL 10 MINUTE
     UNION ALL SELECT 'here:1', now64(3) + INTERVAL 1 YEAR, now64(3) + INTERVAL 1 YEAR`,
  );
  await putSilentRun(engine, { silentS: 660, patienceS: 300 });
  const hearing = openHearing(engine);
  expect(await verdictIn(engine)).toBe('lost');
  await hearing.start();

  expect(await verdictIn(engine)).toBe('running');
  await hearing.stop();
  await dispose();
});

test('it was up until it stopped listening, however long it takes to stop', async () => {
  const folder = await temporaryFolder();
  const service = await startProcess(folder.path);
  const socket = connect(Number(new URL(service.url).port), '127.0.0.1');
  socket.on('error', () => undefined);
  await once(socket, 'connect');
  socket.write(
    'POST /v1/traces HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\nContent-Length: 1000\r\nExpect: 100-continue\r\n\r\n',
  );
  // The service has begun to read the request: it is not closed as idle.
  await once(socket, 'data');
  const drip = setInterval(() => socket.write(' '), 100);
  await service.stop();
  const stoppedMs = Date.now();
  clearInterval(drip);
  socket.destroy();

  const again = await startProcess(folder.path);
  const [up] = await ask<{ until: string }>(
    again.url,
    `SELECT toString(toUnixTimestamp64Milli(max(until))) AS until FROM ingest_alive WHERE toUnixTimestamp64Milli(since) < ${stoppedMs}`,
  );
  // The sender was cut off after three seconds.
  expect(stoppedMs - Number(up?.until)).toBeGreaterThan(2_500);
  await again.stop();
  await folder.remove();
});

async function startHanging(
  url: string,
  heartbeatMs: number,
): Promise<{ child: ChildProcess; runId: string }> {
  const child = spawnScript(HANG, [], {
    OTEL_EXPORTER_OTLP_ENDPOINT: url,
    ROLLCALL_HEARTBEAT_INTERVAL_MS: String(heartbeatMs),
  });
  const [line] = (await once(child.stdout as NodeJS.ReadableStream, 'data')) as [Buffer];
  return { child, runId: line.toString().trim() };
}

function openHearing(engine: Engine): Hearing {
  return new Hearing({
    engine,
    instance: 'here:1',
    behindMs: () => 0,
    log: { warn: (...told: unknown[]) => expect(told).toBe('no warning') },
  });
}

async function putSilentRun(
  engine: Engine,
  { silentS, patienceS }: { silentS: number; patienceS: number },
): Promise<void> {
  await engine.command(
    `INSERT INTO run_summaries (project_id, run_id, origin, job_name, last_sign_at, lost_ms, heartbeat_interval_ms)
     SELECT 'default', '261125-000000', 'a', 'job', now64(9) - {silentS:UInt32}, toUnixTimestamp64Milli(now64(3)) - 1000 * ({silentS:UInt32} - {patienceS:UInt32}), 1000`,
    { silentS, patienceS },
  );
}

async function verdictIn(engine: Engine): Promise<string> {
  const [run] = await engine.rows<{ verdict: string }>('SELECT verdict FROM job_runs');
  return run?.verdict ?? 'none';
}
