/** However a process dies, its run is seen for what it is, soon. */

import { once } from 'node:events';
import { availableParallelism, loadavg } from 'node:os';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { CuttableProxy } from './cuttable-proxy.ts';
import {
  ask,
  askUntil,
  finished,
  spawnScript,
  startProcess,
  temporaryFolder,
  type Finished,
  type RunningService,
} from './rollcall-process.ts';

const HEARTBEAT_MS = 1_000;
/** Where others crowd the processors, everything takes as many times as long. */
const crowding = () => Math.max(1, (2 * (loadavg()[0] ?? 0)) / availableParallelism());
/** For what can report. */
const soonMs = () => 3_000 * crowding();
/** For what cannot: of a second each, three heartbeats are less than one and five seconds. */
const PATIENCE_MS = HEARTBEAT_MS + 5_000;
/** And what it takes on a busy machine to notice and to look. */
const lostMs = () => PATIENCE_MS + 3_000 * crowding();

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

interface Seen {
  verdict: string;
  reason: string;
  error_type: string;
  telemetry: string;
  done: string;
  doomed: string;
  doomed_reason: string;
  waiting: string;
  leads: number;
  failures: string[];
}

type Facts = Partial<Seen> & { code: number };

function look(runId: string): string {
  const client = (column: string, id: string) =>
    `(SELECT ${column} FROM client_runs WHERE run_id = '${runId}' AND client_id = '${id}')`;
  return `SELECT verdict, reason, error_type, telemetry,
      ${client('verdict', 'done')} AS done,
      ${client('verdict', 'doomed')} AS doomed,
      ${client('reason', 'doomed')} AS doomed_reason,
      ${client('verdict', 'waiting')} AS waiting,
      (SELECT value FROM job_metrics WHERE run_id = '${runId}' AND metric = 'Leads Processed') AS leads,
      (SELECT groupArray(concat(client_id, '/', step, ': ', error_type)) FROM failures WHERE run_id = '${runId}') AS failures
    FROM job_runs WHERE run_id = '${runId}'`;
}

interface Dying {
  runId: string;
  /** Resolves to when it announced its end, or stood ready to be ended. */
  announced: Promise<number>;
  end: Promise<Finished & { atMs: number }>;
  kill(signal: NodeJS.Signals): void;
}

async function start(
  way: string,
  { args = [], url = service.url, node = [] }: StartOptions = {},
): Promise<Dying> {
  const program = fileURLToPath(new URL('./programs/dies.ts', import.meta.url));
  const child = spawnScript(
    program,
    [way, ...args],
    { OTEL_EXPORTER_OTLP_ENDPOINT: url, ROLLCALL_HEARTBEAT_INTERVAL_MS: String(HEARTBEAT_MS) },
    node,
  );
  const runId = Promise.withResolvers<string>();
  const announced = Promise.withResolvers<number>();
  let printed = '';
  child.stdout?.on('data', (chunk: Buffer) => {
    printed += chunk.toString();
    const [, id] = /^(\d{6}-\d{6})\n/.exec(printed) ?? [];
    if (id !== undefined) runId.resolve(id);
    const [, at] = /^now (\d+)\n/m.exec(printed) ?? [];
    if (at !== undefined) announced.resolve(Number(at));
  });
  const exited = once(child, 'exit').then(() => Date.now());
  const end = finished(child).then(async (result) => ({ ...result, atMs: await exited }));
  void end.then(({ stderr }) => runId.reject(new Error(stderr)));
  return {
    runId: await runId.promise,
    announced: announced.promise,
    end,
    kill: (signal) => child.kill(signal),
  };
}

interface StartOptions {
  args?: string[];
  url?: string;
  /** Options of Node. */
  node?: string[];
}

/** The whole picture takes the service six times as long. */
async function untilVerdict(runId: string, verdict: string): Promise<void> {
  await askUntil<Pick<Seen, 'verdict'>>(
    service.url,
    `SELECT verdict FROM job_runs WHERE run_id = '${runId}'`,
    ([found]) => found?.verdict === verdict,
  );
}

/** Looks until the run has the verdict, says how long after `sinceMs` that was, and then waits for the rest of the picture. */
async function seenAs(
  runId: string,
  verdict: string,
  sinceMs: number,
  leads?: number,
): Promise<Seen & { afterMs: number }> {
  await untilVerdict(runId, verdict);
  const afterMs = Date.now() - sinceMs;
  const [seen] = await askUntil<Seen>(
    service.url,
    look(runId),
    ([found]) =>
      found?.verdict === verdict &&
      (verdict === 'lost' ? found.doomed === 'lost' : found.telemetry === 'complete') &&
      (leads === undefined || found.leads === leads),
  );
  return { ...(seen as Seen), afterMs };
}

/** A process that adds more than this to its own end was held up by the SDK. */
const longestEndMs = () => 1_000 + 1_000 * crowding();

test.each([
  [
    'normal',
    'completed',
    { code: 0, done: 'completed', doomed: 'completed', waiting: 'completed', leads: 15 },
  ],
  [
    'throw-in-job',
    'failed',
    { code: 1, error_type: 'RangeError', doomed: 'never_started', leads: 10, failures: ['/: RangeError'] },
  ],
  [
    'throw-in-client',
    'failed',
    {
      code: 1,
      error_type: 'TypeError',
      doomed: 'failed',
      waiting: 'completed',
      failures: ['doomed/the fatal step: TypeError'],
    },
  ],
  [
    'rejection',
    'failed',
    {
      code: 1,
      reason: 'The process died of an unhandled rejection: TypeError: nobody caught this',
      doomed: 'failed',
      waiting: 'cancelled',
      failures: ['doomed/the fatal step: TypeError'],
    },
  ],
  [
    'uncaught',
    'failed',
    {
      code: 1,
      reason: 'The process died of an uncaught error: TypeError: thrown by a timer',
      doomed: 'failed',
      waiting: 'cancelled',
      failures: ['doomed/the fatal step: TypeError'],
    },
  ],
  [
    'exit',
    'failed',
    {
      code: 3,
      reason: 'process.exit(3) was called before the run had ended',
      doomed: 'failed',
      waiting: 'cancelled',
      leads: 15,
    },
  ],
  [
    'exit-0',
    'cancelled',
    { code: 0, reason: 'process.exit(0) was called before the run had ended', doomed: 'cancelled' },
  ],
  [
    'dry',
    'failed',
    {
      code: 13,
      reason: 'The event loop ran dry: the run waits for something that can never happen',
      doomed: 'failed',
      waiting: 'failed',
    },
  ],
] satisfies [string, string, Facts][])(
  '%s: the run is %s, with the reason, within 3 s',
  async (way, verdict, given) => {
    const { code, ...facts }: Facts = given;
    const dying = await start(way);
    const sinceMs = await dying.announced;
    const seen = await seenAs(dying.runId, verdict, sinceMs, facts.leads);
    const end = await dying.end;

    expect(end).toMatchObject({ code, signal: null });
    expect(end.atMs - sinceMs).toBeLessThan(longestEndMs());
    expect(seen).toMatchObject({ telemetry: 'complete', ...facts });
    expect(seen.afterMs).toBeLessThan(soonMs());
  },
);

test.each(['SIGTERM', 'SIGINT', 'SIGHUP'] as const)(
  '%s: the run is cancelled within 3 s, and the process dies of the signal',
  async (signal) => {
    const dying = await start('waits');
    await dying.announced;
    const sinceMs = Date.now();
    dying.kill(signal);
    const seen = await seenAs(dying.runId, 'cancelled', sinceMs, 15);
    const end = await dying.end;

    expect(end).toMatchObject({ code: null, signal });
    expect(end.atMs - sinceMs).toBeLessThan(longestEndMs());
    expect(seen).toMatchObject({
      reason: `The process was ended by ${signal}`,
      telemetry: 'complete',
      done: 'completed',
      doomed: 'cancelled',
      doomed_reason: `The process was ended by ${signal}`,
      waiting: 'cancelled',
      leads: 15,
      failures: [],
    });
    expect(seen.afterMs).toBeLessThan(soonMs());
  },
);

test('SIGKILL: the run is lost when its patience is over', async () => {
  const dying = await start('waits');
  await dying.announced;
  const [alive] = await askUntil<Seen>(
    service.url,
    look(dying.runId),
    ([found]) => found?.leads === 15 && found.doomed === 'running',
  );
  const sinceMs = Date.now();
  dying.kill('SIGKILL');
  const seen = await seenAs(dying.runId, 'lost', sinceMs);

  expect(alive).toMatchObject({ verdict: 'running', doomed: 'running', waiting: 'running' });
  expect(await dying.end).toMatchObject({ code: null, signal: 'SIGKILL' });
  expect(seen).toMatchObject({ done: 'completed', doomed: 'lost', waiting: 'lost', telemetry: 'incomplete' });
  expect(seen.afterMs).toBeLessThan(lostMs());
});

test('out of memory: the run is lost when its patience is over, and its last sign of life tells of the full heap', async () => {
  const dying = await start('oom', { node: ['--max-old-space-size=60'] });
  const { atMs, signal, stderr } = await dying.end;
  const seen = await seenAs(dying.runId, 'lost', atMs);
  const [heap] = await ask<{ share: number }>(
    service.url,
    `SELECT max(toFloat64OrZero(LogAttributes['v8js.memory.heap.used']) / toFloat64OrZero(LogAttributes['v8js.memory.heap.limit'])) AS share
      FROM otel_logs WHERE RunId = '${dying.runId}' AND EventName = 'rollcall.run.heartbeat'`,
  );

  expect(signal).toBe('SIGABRT');
  expect(stderr).toContain('out of memory');
  expect(seen).toMatchObject({ done: 'completed', doomed: 'lost', waiting: 'lost' });
  expect(seen.afterMs).toBeLessThan(lostMs());
  expect(heap?.share).toBeGreaterThan(0);
});

test('cut off from the network, the run is lost when its patience is over; when the network is back, it runs, and ends complete', async () => {
  await using proxy = await CuttableProxy.start(service.url);
  const dying = await start('deaf', { url: proxy.url, args: [String(2 * PATIENCE_MS + 4_000)] });
  await dying.announced;
  await untilVerdict(dying.runId, 'running');

  const cutMs = Date.now();
  await proxy.cut();
  const lost = await seenAs(dying.runId, 'lost', cutMs);
  const mendedMs = Date.now();
  await proxy.mend();
  await untilVerdict(dying.runId, 'running');
  const backAfterMs = Date.now() - mendedMs;
  const end = await dying.end;
  const seen = await seenAs(dying.runId, 'completed', end.atMs, 15);

  expect(lost.afterMs).toBeLessThan(lostMs());
  expect(backAfterMs).toBeLessThan(soonMs());
  expect(end).toMatchObject({ code: 0, stderr: '' });
  expect(seen).toMatchObject({ telemetry: 'complete', done: 'completed', doomed: 'completed', leads: 15 });
});

test('a main thread that is busy for longer than its patience is not lost, and its delay is told', async () => {
  const dying = await start('busy', { args: [String(PATIENCE_MS + 2_000)] });
  const verdicts = new Set<string>();
  const over = new AbortController();
  void dying.end.then(() => over.abort());
  while (!over.signal.aborted) {
    const [seen] = await ask<Seen>(service.url, look(dying.runId));
    if (seen !== undefined) verdicts.add(seen.verdict);
    await new Promise((resolve) => setTimeout(resolve, 200));
  }
  const [delays] = await ask<{ longest: number; beats: number }>(
    service.url,
    `SELECT max(toFloat64OrZero(LogAttributes['rollcall.event_loop.delay_ms'])) AS longest, toUInt32(count()) AS beats
      FROM otel_logs WHERE RunId = '${dying.runId}' AND EventName = 'rollcall.run.heartbeat'`,
  );

  expect(verdicts).toContain('running');
  expect(verdicts).not.toContain('lost');
  expect(delays?.longest).toBeGreaterThan(PATIENCE_MS);
  expect(delays?.beats).toBeGreaterThanOrEqual(4);
});

test("a program's own SIGTERM handler decides how it ends, and the run says that it was told to", async () => {
  const dying = await start('own-handler');
  await dying.announced;
  dying.kill('SIGTERM');
  const seen = await seenAs(dying.runId, 'cancelled', Date.now());

  expect(await dying.end).toMatchObject({ code: 7, signal: null });
  expect(seen).toMatchObject({
    reason: 'The process was told to end by SIGTERM, and exited with code 7',
    doomed: 'cancelled',
  });
});

test('a program that does not heed SIGTERM goes on, and its run as well', async () => {
  const dying = await start('deaf', { args: ['500'] });
  await dying.announced;
  dying.kill('SIGTERM');
  const end = await dying.end;
  const seen = await seenAs(dying.runId, 'completed', end.atMs);

  expect(end).toMatchObject({ code: 0, signal: null });
  expect(end.stdout).toContain('heard');
  expect(seen).toMatchObject({ reason: '', doomed: 'completed' });
});

test('a step that its process did not live to end is there, and says why', async () => {
  const { runId, end } = await start('exit');
  await end;

  const [step] = await askUntil<{ status: string; message: string; client: string }>(
    service.url,
    `SELECT StatusCode AS status, StatusMessage AS message, ClientId AS client FROM otel_traces WHERE RunId = '${runId}' AND SpanName = 'the fatal step'`,
    (found) => found.length > 0,
  );
  expect(step).toEqual({
    status: 'Error',
    message: 'process.exit(3) was called before the run had ended',
    client: 'doomed',
  });
});
