/** `rollcall exec` with real programs: what the terminal sees, how it exits, what is told of it. */

import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest';
import { Receiver } from '../packages/sdk/test/receiver.ts';
import { finished, spawnScript, type Finished } from './rollcall-process.ts';

const MAIN = fileURLToPath(new URL('../packages/cli/src/main.ts', import.meta.url));
const PROGRAMS = fileURLToPath(new URL('./programs/', import.meta.url));

let receiver: Receiver;
let folder: string;
const children = new Set<ChildProcess>();

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'rollcall-exec-test-'));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));
beforeEach(async () => {
  receiver = await Receiver.start();
});
afterEach(async () => {
  for (const child of children) child.kill('SIGKILL');
  children.clear();
  await receiver[Symbol.asyncDispose]();
});

function settings(more: Record<string, string> = {}): Record<string, string> {
  return {
    OTEL_EXPORTER_OTLP_ENDPOINT: receiver.endpoint,
    OTEL_EXPORTER_OTLP_PROTOCOL: 'http/json',
    ROLLCALL_SPOOL_DIR: join(folder, 'spool'),
    ...more,
  };
}

function start(args: readonly string[], env: Record<string, string> = {}): ChildProcess {
  const child = spawnScript(MAIN, ['exec', ...args], settings(env));
  children.add(child);
  return child;
}

async function exec(args: readonly string[], env: Record<string, string> = {}): Promise<Finished> {
  return finished(start(args, env));
}

/** What the run's end says. */
function ending(event = 'rollcall.run.ended'): Record<string, unknown> {
  const [end, ...others] = receiver.named(event);
  expect(others).toEqual([]);
  return end?.attributes ?? {};
}

function programEnd(): { body: unknown; attributes: Record<string, unknown> } {
  const [end] = receiver.named('rollcall.program.ended');
  expect(end).toBeDefined();
  return { body: end?.body, attributes: end?.attributes ?? {} };
}

/** Lines of output that were told. */
function told(): unknown[] {
  return receiver.events.filter(({ eventName }) => eventName === '').map(({ body }) => body);
}

test('a program that ends well is a completed run, and its output is untouched', async () => {
  const { code, stdout, stderr } = await exec(['--job', 'greet', '--', 'sh', '-c', 'echo out; echo err >&2']);

  expect({ code, stdout, stderr }).toEqual({ code: 0, stdout: 'out\n', stderr: 'err\n' });
  expect(ending()).toMatchObject({ 'rollcall.job.name': 'greet', 'rollcall.status': 'completed' });
  expect(programEnd().attributes).toMatchObject({
    'process.exit.code': 0,
    'rollcall.program.last_lines': ['out', 'err'],
  });
  expect(new Set(told())).toEqual(new Set(['err', 'out']));
});

test.each([1, 3, 77, 255])('exit code %i stays the exit code, and fails the run', async (wanted) => {
  const { code } = await exec([
    '--job',
    'fail',
    '--',
    'sh',
    '-c',
    `echo "no such table" >&2; exit ${wanted}`,
  ]);

  expect(code).toBe(wanted);
  expect(ending()).toMatchObject({
    'rollcall.status': 'failed',
    'exception.type': `exit_${wanted}`,
    'exception.message': expect.stringContaining(`ended with code ${wanted}: no such table`),
  });
  const [failure] = receiver.named('rollcall.failure');
  expect(failure?.attributes['exception.stacktrace']).toContain('| no such table');
});

test('a program killed with -9 is told with its signal, its last lines and its memory', async () => {
  // It stays as it is for longer than the longest time between two looks at it.
  const program =
    'import os, signal; data = bytearray(80_000_000); data[::4096] = b"x" * len(data[::4096]); print("step 7", flush=True); import time; time.sleep(2.5); os.kill(os.getpid(), signal.SIGKILL)';
  const { code } = await exec(['--job', 'killed', '--', 'python3', '-c', program]);

  expect(code).toBe(137);
  expect(ending()).toMatchObject({ 'rollcall.status': 'failed', 'exception.type': 'SIGKILL' });
  const { attributes } = programEnd();
  expect(attributes).toMatchObject({
    'rollcall.program.signal': 'SIGKILL',
    'rollcall.program.last_lines': ['step 7'],
  });
  expect(Number(attributes['rollcall.program.memory.peak'])).toBeGreaterThan(80_000_000);
  const peak = receiver.points.find(({ name }) => name === 'process.memory.peak');
  expect(peak?.value).toBe(attributes['rollcall.program.memory.peak']);
});

test('a program that the kernel kills for want of memory says so', async ({ skip }) => {
  const group = memoryGroup();
  if (group === undefined) return skip('This machine lets nobody make a control group with a memory limit.');
  try {
    const hungry = 'chunks = []\nwhile True: chunks.append(bytearray(b"x" * 4_000_000))';
    const script = `echo $$ > ${group.procs}; sleep 0.4; exec python3 -c '${hungry}'`;
    const { code } = await exec(['--job', 'hungry', '--', 'sh', '-c', script]);

    expect(code).toBe(137);
    expect(ending()).toMatchObject({ 'rollcall.status': 'failed', 'exception.type': 'out_of_memory' });
  } finally {
    group.remove();
  }
});

test('processor time of the program and of what it started is told', async () => {
  const busy = 'i=0; while [ $i -lt 300000 ]; do i=$((i+1)); done';
  await exec(['--job', 'busy', '--', 'sh', '-c', `sh -c '${busy}'; true`]);

  expect(Number(programEnd().attributes['rollcall.program.cpu.time'])).toBeGreaterThan(0.05);
});

test.each([
  ['SIGTERM', 143],
  ['SIGINT', 130],
  ['SIGHUP', 129],
] as const)('%s is passed on, and the run is cancelled', async (signal, wanted) => {
  const child = start(['--job', 'stopped', '--', 'sh', '-c', 'echo ready; sleep 60']);
  const end = finished(child);
  await once(child.stdout as NodeJS.ReadableStream, 'data');
  child.kill(signal);
  const { code } = await end;

  expect(code).toBe(wanted);
  expect(ending()).toMatchObject({
    'rollcall.status': 'cancelled',
    'rollcall.status.reason': `${signal} was sent to rollcall exec`,
  });
  expect(receiver.named('rollcall.failure')).toEqual([]);
});

test('Ctrl-C in a terminal reaches the program once', async () => {
  const counting =
    'n=0; trap "n=\\$((n+1))" INT; echo ready; while [ $n = 0 ]; do sleep 0.02; done; sleep 0.5; echo heard $n; exit 8';
  const command = [process.execPath, '--conditions=rollcall-source', MAIN, 'exec', '--job', 'terminal', '--'];
  const child = spawn('python3', [`${PROGRAMS}in-terminal.py`, ...command, 'sh', '-c', counting], {
    env: { ...process.env, ...settings() },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  children.add(child);
  const { code, stdout } = await finished(child);

  expect(stdout).toContain('heard 1\r\n');
  expect(code).toBe(8);
  expect(ending()).toMatchObject({ 'rollcall.status': 'cancelled' });
});

test('a program may clean up after a signal, and its exit code counts', async () => {
  const child = start([
    '--job',
    'tidy',
    '--',
    'sh',
    '-c',
    'trap "echo tidied; exit 9" TERM; echo ready; while :; do sleep 0.05; done',
  ]);
  const end = finished(child);
  await once(child.stdout as NodeJS.ReadableStream, 'data');
  child.kill('SIGTERM');
  const { code, stdout } = await end;

  expect(code).toBe(9);
  expect(stdout).toBe('ready\ntidied\n');
  expect(ending()).toMatchObject({ 'rollcall.status': 'cancelled' });
});

test('a timeout ends the program and everything it started, even what does not listen', async () => {
  const pidFile = join(folder, 'stubborn.pid');
  const stubborn = `sh -c 'trap "" TERM; echo $$ > ${pidFile}; echo hanging; while :; do sleep 0.1; done' & wait`;
  const { code } = await exec([
    '--job',
    'slow',
    '--timeout',
    '700ms',
    '--grace',
    '300ms',
    '--',
    'sh',
    '-c',
    stubborn,
  ]);

  expect(code).toBe(124);
  expect(ending()).toMatchObject({
    'rollcall.status': 'timed_out',
    'rollcall.status.reason': expect.stringContaining('ran for longer than 700 ms'),
  });
  expect(isAlive(Number(readFileSync(pidFile, 'utf8')))).toBe(false);
  const [failure] = receiver.named('rollcall.failure');
  expect(failure?.attributes).toMatchObject({
    'exception.type': 'TimeoutError',
    'exception.stacktrace': expect.stringContaining('| hanging'),
  });
});

test('a failed program is tried again as the next attempt of the same run', async () => {
  const script = 'echo "attempt $ROLLCALL_ATTEMPT of $ROLLCALL_RUN_ID"; [ "$ROLLCALL_ATTEMPT" -ge 3 ]';
  const { code, stdout } = await exec([
    '--job',
    'flaky',
    '--retries',
    '5',
    '--retry-delay',
    '50ms',
    '--',
    'sh',
    '-c',
    script,
  ]);

  expect(code).toBe(0);
  const ends = receiver.named('rollcall.run.ended').map(({ attributes }) => attributes);
  expect(ends.map((end) => [end['rollcall.attempt'], end['rollcall.status']])).toEqual([
    [1, 'failed'],
    [2, 'failed'],
    [3, 'completed'],
  ]);
  expect(new Set(ends.map((end) => end['rollcall.run.id'])).size).toBe(1);
  expect(new Set(ends.map((end) => end['rollcall.run.origin'])).size).toBe(1);
  expect(stdout).toBe(
    [1, 2, 3].map((attempt) => `attempt ${attempt} of ${String(ends[0]?.['rollcall.run.id'])}\n`).join(''),
  );
});

test('after the last retry the exit code is that of the last attempt', async () => {
  const { code } = await exec([
    '--job',
    'hopeless',
    '--retries',
    '1',
    '--retry-delay',
    '10ms',
    '--',
    'sh',
    '-c',
    'exit $((ROLLCALL_ATTEMPT + 10))',
  ]);

  expect(code).toBe(12);
});

test('a signal during the pause before a retry ends it at once', async () => {
  const child = start([
    '--job',
    'waiting',
    '--retries',
    '3',
    '--retry-delay',
    '1m',
    '--',
    'sh',
    '-c',
    'exit 1',
  ]);
  const end = finished(child);
  await receiver.until(() => receiver.named('rollcall.run.started').length === 2);
  child.kill('SIGTERM');
  const { code } = await end;

  expect(code).toBe(143);
  expect(receiver.named('rollcall.run.ended').at(-1)?.attributes).toMatchObject({
    'rollcall.status': 'cancelled',
    'rollcall.attempt': 2,
  });
});

test('a program that is not there ends with 127, one that can not be executed with 126, and neither is tried again', async () => {
  const file = join(folder, 'plain.txt');
  writeFileSync(file, 'no program', { mode: 0o644 });
  const missing = await exec(['--job', 'typo', '--retries', '3', '--', 'no-such-program-here']);
  const plain = await exec(['--job', 'plain', '--', file]);

  expect([missing.code, plain.code]).toEqual([127, 126]);
  expect(
    receiver
      .named('rollcall.run.ended')
      .map(({ attributes }) => [attributes['exception.type'], attributes['rollcall.attempt']]),
  ).toEqual([
    ['command_not_found', 1],
    ['not_executable', 1],
  ]);
});

test.each([
  [['--', 'true'], 'A job needs a name'],
  [['--job', 'x'], "missing required argument 'command'"],
  [['--job', 'x', '--timeout', 'soon', '--', 'true'], "Unusable --timeout 'soon'"],
  [['--job', 'x', '--retries', '-1', '--', 'true'], "Unusable --retries '-1'"],
  [['--job', 'x', '--run-id', '42', '--', 'true'], "Unusable --run-id '42'"],
  [['--job', 'x', '--client', '', '--', 'true'], 'Unusable --client'],
])('%j is called wrongly: exit code 125, nothing is run', async (args, message) => {
  const { code, stderr } = await exec(args);

  expect(code).toBe(125);
  expect(stderr).toContain(message);
  expect(receiver.requests).toEqual([]);
});

test('lines report numbers, clients, progress, notes and the roster', async () => {
  const script = `cat <<'END'
::rollcall expect acme globex "umbrella corp"
::rollcall metric name=Files value=2
::rollcall client start id=acme
working on acme
::rollcall metric name="Leads Processed" value=10 unit={lead} client=acme
::rollcall metric name="Leads Processed" value=5 unit={lead} client=acme
::rollcall client end id=acme
::rollcall client start id=globex
::rollcall client end id=globex status=failed reason="no route to host"
::rollcall client end id=hooli status=cancelled reason="not today"
::rollcall client end id=initech status=timed_out
::rollcall metric name=Largest agg=max value=7 client=piper
::rollcall client start id=forgotten
::rollcall progress done=3 total=4
::rollcall note 2 rows had no date
::rollcall bogus
::rollcall metric name=x value=many
::rollcall metric name=late value=1 client=acme
END`;
  const { code, stdout } = await exec(['--job', 'lines', '--', 'sh', '-c', script]);

  expect(code).toBe(0);
  expect(stdout.split('\n').filter((line) => line.startsWith('::rollcall'))).toHaveLength(17);
  expect(receiver.named('rollcall.run.roster')[0]?.attributes['rollcall.clients.expected']).toEqual([
    'acme',
    'globex',
    'umbrella corp',
  ]);
  const clients = receiver
    .named('rollcall.client_run.ended')
    .map(({ attributes }) => [
      attributes['rollcall.client.id'],
      attributes['rollcall.status'],
      attributes['rollcall.status.reason'] ?? attributes['exception.message'],
    ]);
  expect(clients.toSorted(([a], [b]) => (String(a) < String(b) ? -1 : 1))).toEqual([
    ['acme', 'completed', undefined],
    ['forgotten', 'failed', 'Nothing was said of how forgotten ended: the program ended well'],
    ['globex', 'failed', 'no route to host'],
    ['hooli', 'cancelled', 'not today'],
    ['initech', 'timed_out', 'timed out'],
    ['piper', 'completed', undefined],
  ]);
  const last = (name: string) => receiver.points.findLast((point) => point.name === name);
  expect(last('Files')).toMatchObject({ value: 2 });
  expect(last('Leads Processed')).toMatchObject({
    value: 15,
    unit: '{lead}',
    attributes: { 'rollcall.client.id': 'acme' },
  });
  expect(last('Largest')).toMatchObject({
    value: 7,
    attributes: { 'rollcall.client.id': 'piper', 'rollcall.metric.aggregation': 'max' },
  });
  expect(ending()).toMatchObject({
    'rollcall.status': 'completed',
    'rollcall.progress.done': 3,
    'rollcall.progress.total': 4,
  });
  const notes = receiver.named('rollcall.note').map(({ attributes }) => attributes['rollcall.note.text']);
  expect(notes).toEqual([
    '2 rows had no date',
    expect.stringContaining("unknown verb 'bogus'"),
    "value is a number, not 'many'",
    'Client acme had ended when a line came for it',
  ]);
  // While one client alone is at work, what is printed is about it.
  const about = receiver.events.find(({ body }) => body === 'working on acme');
  expect(about?.attributes['rollcall.client.id']).toBe('acme');
});

test('a failing program fails the clients that it left open', async () => {
  await exec(['--job', 'crash', '--', 'sh', '-c', 'echo "::rollcall client start id=acme"; exit 4']);

  expect(ending('rollcall.client_run.ended')).toMatchObject({
    'rollcall.status': 'failed',
    'exception.type': 'not_ended',
  });
});

test('a skip line ends the run as nothing to do', async () => {
  await exec(['--job', 'idle', '--', 'sh', '-c', 'echo "::rollcall skip reason=\\"no files\\""']);

  expect(ending()).toMatchObject({
    'rollcall.status': 'nothing_to_do',
    'rollcall.status.reason': 'no files',
  });
});

test('--client runs the program as a client run, and its numbers are the client’s', async () => {
  await exec([
    '--job',
    'sync',
    '--client',
    "O'Brien",
    '--',
    'sh',
    '-c',
    'echo "::rollcall metric name=Rows value=0"; exit 2',
  ]);

  expect(ending('rollcall.client_run.ended')).toMatchObject({
    'rollcall.client.id': "O'Brien",
    'rollcall.status': 'failed',
  });
  expect(ending()).toMatchObject({ 'rollcall.status': 'failed' });
  const [rows] = receiver.points.filter(({ name }) => name === 'Rows');
  expect(rows).toMatchObject({ value: 0, attributes: { 'rollcall.client.id': "O'Brien" } });
});

test('--quiet-lines takes the lines from the terminal, and nothing else', async () => {
  const { stdout } = await exec([
    '--job',
    'quiet',
    '--quiet-lines',
    '--',
    'printf',
    'a\n::rollcall progress done=1\n::b\nc',
  ]);

  expect(stdout).toBe('a\n::b\nc');
  expect(ending()).toMatchObject({ 'rollcall.progress.done': 1 });
});

test('the roster comes from a file; one that can not be read is noted, and the program runs all the same', async () => {
  const file = join(folder, 'roster.txt');
  writeFileSync(file, '# clients\nacme\n\n globex \n');
  await exec(['--job', 'roll', '--expect', file, '--', 'true']);
  const missing = await exec(['--job', 'roll', '--expect', join(folder, 'nowhere.txt'), '--', 'echo', 'ran']);

  expect(
    receiver.named('rollcall.run.roster').map(({ attributes }) => attributes['rollcall.clients.expected']),
  ).toEqual([['acme', 'globex']]);
  expect(missing).toMatchObject({ code: 0, stdout: 'ran\n' });
  expect(receiver.named('rollcall.note')[0]?.attributes['rollcall.note.code']).toBe('roster_unreadable');
});

test('an inner exec with the same job joins the run, and runs a client of it', async () => {
  const inner = `${process.execPath} --conditions=rollcall-source ${MAIN} exec --client acme -- sh -c 'echo "::rollcall metric name=Rows value=4"; exit 5' || true`;
  const { code } = await exec(['--job', 'outer', '--', 'sh', '-c', inner]);

  expect(code).toBe(0);
  expect(receiver.named('rollcall.run.started')).toHaveLength(1);
  const run = ending();
  expect(run).toMatchObject({ 'rollcall.status': 'completed' });
  expect(ending('rollcall.client_run.ended')).toMatchObject({
    'rollcall.run.id': run['rollcall.run.id'],
    'rollcall.client.id': 'acme',
    'exception.type': 'exit_5',
  });
});

test('an inner exec of another job is a run of its own in the same trace', async () => {
  const inner = `${process.execPath} --conditions=rollcall-source ${MAIN} exec --job inner -- true`;
  await exec(['--job', 'outer', '--', 'sh', '-c', inner]);

  const ends = receiver.named('rollcall.run.ended');
  expect(ends.map(({ attributes }) => attributes['rollcall.job.name'])).toEqual(['inner', 'outer']);
  expect(new Set(ends.map(({ attributes }) => attributes['rollcall.run.id'])).size).toBe(2);
  expect(new Set(ends.map(({ traceId }) => traceId)).size).toBe(1);
});

test('a job of an inner Rollcall SDK joins the run', async () => {
  const { code } = await exec([
    '--job',
    'steps',
    '--',
    process.execPath,
    '--conditions=rollcall-source',
    `${PROGRAMS}inner-job.ts`,
  ]);

  expect(code).toBe(0);
  expect(receiver.named('rollcall.run.started')).toHaveLength(1);
  const run = ending();
  expect(ending('rollcall.client_run.ended')).toMatchObject({
    'rollcall.run.id': run['rollcall.run.id'],
    'rollcall.client.id': 'acme',
  });
  const program = receiver.spans.find(({ attributes }) => attributes['rollcall.step.name'] === 'node');
  const joined = receiver.spans.find(({ name }) => name === 'steps joined');
  expect(joined).toMatchObject({ traceId: program?.traceId, parentSpanId: program?.spanId });
});

test('an OpenTelemetry SDK in the program is told where to send, below which span, and of which run', async () => {
  const script = 'env';
  const { stdout } = await exec(['--job', 'other tools', '--client', 'a,b', '--', script], {
    ROLLCALL_API_KEY: 'secret key',
    OTEL_RESOURCE_ATTRIBUTES: 'team=data,rollcall.run.id=old',
    OTEL_EXPORTER_OTLP_HEADERS: 'x-tenant=7',
  });

  const env = Object.fromEntries(
    stdout.split('\n').map((line) => [line.slice(0, line.indexOf('=')), line.slice(line.indexOf('=') + 1)]),
  );
  const run = ending();
  const span = receiver.spans.find(({ name }) => name === 'env');
  expect(env).toMatchObject({
    TRACEPARENT: `00-${span?.traceId}-${span?.spanId}-01`,
    BAGGAGE: expect.stringContaining(`rollcall.run.id=${String(run['rollcall.run.id'])}`),
    ROLLCALL_RUN_ID: run['rollcall.run.id'],
    ROLLCALL_CLIENT_ID: 'a,b',
    ROLLCALL_ATTEMPT: '1',
    OTEL_EXPORTER_OTLP_ENDPOINT: receiver.endpoint,
    OTEL_EXPORTER_OTLP_HEADERS: 'x-tenant=7,authorization=Bearer%20secret%20key',
    OTEL_RESOURCE_ATTRIBUTES: `team=data,rollcall.run.id=${String(run['rollcall.run.id'])},rollcall.run.origin=${String(run['rollcall.run.origin'])},rollcall.job.name=other%20tools,rollcall.client.id=a%2Cb`,
  });
});

test('where both streams lead to one place, their order is kept', async () => {
  const file = join(folder, 'both.log');
  const script = 'for i in 1 2 3 4 5 6 7 8; do echo out $i; echo err $i >&2; done';
  const command = `exec "$@" > ${file} 2>&1`;
  const child = spawn(
    'sh',
    [
      '-c',
      command,
      'sh',
      process.execPath,
      '--conditions=rollcall-source',
      MAIN,
      'exec',
      '--job',
      'order',
      '--',
      'sh',
      '-c',
      script,
    ],
    {
      env: { ...process.env, ...settings() },
      stdio: 'ignore',
    },
  );
  await once(child, 'exit');

  const expected = Array.from({ length: 8 }, (_, index) => `out ${index + 1}\nerr ${index + 1}\n`).join('');
  expect(readFileSync(file, 'utf8')).toBe(expected);
  expect(told()).toEqual(expected.trimEnd().split('\n'));
});

test('a program can open its own standard streams by name', async () => {
  const { code, stdout, stderr } = await exec([
    '--job',
    'named',
    '--',
    'sh',
    '-c',
    'echo a > /dev/stdout; echo b > /dev/stderr',
  ]);

  expect({ code, stdout, stderr }).toEqual({ code: 0, stdout: 'a\n', stderr: 'b\n' });
});

test('binary output passes byte by byte, and is counted instead of kept', async () => {
  const source = join(folder, 'bytes.bin');
  let state = 1;
  const next = (): number => (state = (state * 48_271) % 2_147_483_647) & 0xff;
  const bytes = Buffer.from(Array.from({ length: 300_000 }, next));
  writeFileSync(source, bytes);
  const child = start(['--job', 'binary', '--', 'cat', source]);
  const chunks: Buffer[] = [];
  child.stdout?.on('data', (chunk: Buffer) => chunks.push(chunk));
  await once(child, 'close');

  expect(Buffer.concat(chunks).equals(bytes)).toBe(true);
  expect(receiver.named('rollcall.note').map(({ attributes }) => attributes['rollcall.note.code'])).toContain(
    'output_binary',
  );
});

test('a program that closes its output goes on, and so does one that reads its input', async () => {
  const closed = await exec([
    '--job',
    'closed',
    '--',
    'sh',
    '-c',
    'echo before; exec >&- 2>&-; sleep 0.3; exit 6',
  ]);
  const child = spawn(
    process.execPath,
    ['--conditions=rollcall-source', MAIN, 'exec', '--job', 'input', '--', 'cat'],
    {
      env: { ...process.env, ...settings() },
    },
  );
  child.stdin.end('from outside\n');

  expect(closed).toMatchObject({ code: 6, stdout: 'before\n' });
  expect(await finished(child)).toMatchObject({ code: 0, stdout: 'from outside\n' });
});

test('what the program leaves running is not waited for', async () => {
  const startedMs = performance.now();
  const { code, stdout } = await exec(['--job', 'daemon', '--', 'sh', '-c', 'sleep 30 & echo started']);

  expect({ code, stdout }).toEqual({ code: 0, stdout: 'started\n' });
  expect(performance.now() - startedMs).toBeLessThan(15_000);
});

test('a reader that goes away ends the program, as it would without rollcall', async () => {
  const script = `"$0" --conditions=rollcall-source ${MAIN} exec --job piped -- sh -c 'while :; do echo y; done' | head -n 2`;
  const child = spawn('sh', ['-c', script, process.execPath], {
    env: { ...process.env, ...settings() },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const { stdout } = await finished(child);

  expect(stdout).toBe('y\ny\n');
  await receiver.until(() => receiver.named('rollcall.run.ended').length === 1);
  expect(ending()).toMatchObject({ 'exception.type': expect.stringMatching(/^(SIGPIPE|exit_\d+)$/) });
});

test('100 MB of output pass in bounded memory, and its last lines are kept', async () => {
  const script = `i=0; head -c 100000000 /dev/zero | tr '\\0' 'x' | fold -w 99; echo; echo the end`;
  const child = start(['--job', 'loud', '--', 'sh', '-c', script]);
  let sizeBytes = 0;
  let peakKib = 0;
  child.stdout?.on('data', (chunk: Buffer) => {
    sizeBytes += chunk.length;
    if (sizeBytes % 16 === 0) peakKib = Math.max(peakKib, residentKib(child.pid ?? 0));
  });
  const [code] = (await once(child, 'close')) as [number];

  expect(code).toBe(0);
  expect(sizeBytes).toBe(100_000_000 + Math.floor((100_000_000 - 1) / 99) + 1 + 'the end\n'.length);
  expect(peakKib).toBeGreaterThan(0);
  expect(peakKib).toBeLessThan(400 * 1024);
  expect(told().at(-1)).toBe('the end');
  expect(told().length).toBeLessThan(30_000);
  expect(receiver.named('rollcall.note').map(({ attributes }) => attributes['rollcall.note.code'])).toContain(
    'output_left_out',
  );
});

test('with Rollcall away the program runs all the same, and little later', async () => {
  const startedMs = performance.now();
  const { code, stdout } = await exec(['--job', 'alone', '--', 'sh', '-c', 'echo ran; exit 3'], {
    OTEL_EXPORTER_OTLP_ENDPOINT: 'http://127.0.0.1:9',
  });

  expect({ code, stdout }).toEqual({ code: 3, stdout: 'ran\n' });
  // One second for a run ID, five for the exit, and what starting Node takes on a busy machine.
  expect(performance.now() - startedMs).toBeLessThan(6_000 + 9_000);
});

test('--no-capture leaves the streams to the program', async () => {
  const { code, stdout } = await exec([
    '--job',
    'own',
    '--no-capture',
    '--',
    'sh',
    '-c',
    'echo "::rollcall progress done=1"; exit 3',
  ]);

  expect({ code, stdout }).toEqual({ code: 3, stdout: '::rollcall progress done=1\n' });
  expect(told()).toEqual([]);
  expect(ending()['rollcall.progress.done']).toBeUndefined();
});

test('what rollcall exec is told twice, it does once: the run ID that is given is the one that is used', async () => {
  const { stdout } = await exec([
    '--job',
    'given',
    '--run-id',
    '261123-100000',
    '--',
    'sh',
    '-c',
    'echo $ROLLCALL_RUN_ID',
  ]);

  expect(stdout).toBe('261123-100000\n');
  expect(ending()['rollcall.run.id']).toBe('261123-100000');
});

/** A process that has died and that nobody has asked about yet is dead all the same. */
function isAlive(pid: number): boolean {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
    return !/^[ZX]/.test(stat.slice(stat.lastIndexOf(')') + 2));
  } catch {
    return false;
  }
}

function residentKib(pid: number): number {
  try {
    return Number(/^VmRSS:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1] ?? 0);
  } catch {
    return 0;
  }
}

/** A control group with 64 MB, of whichever version the machine has. */
function memoryGroup(): { procs: string; remove: () => void } | undefined {
  const name = `rollcall-test-${process.pid}`;
  const own = readFileSync('/proc/self/cgroup', 'utf8');
  const legacy = /^\d+:memory:(.*)$/m.exec(own)?.[1];
  const parent = legacy === undefined ? '/sys/fs/cgroup' : `/sys/fs/cgroup/memory${legacy}`;
  const [limit, swap] =
    legacy === undefined ? ['memory.max', 'memory.swap.max'] : ['memory.limit_in_bytes', 'memory.swappiness'];
  const path = `${parent}/${name}`;
  const made = spawnSync(
    'sh',
    [
      '-c',
      `mkdir ${path} && echo 67108864 > ${path}/${limit}; echo 0 > ${path}/${swap}; test -w ${path}/cgroup.procs -a -e ${path}/${limit}`,
    ],
    { stdio: 'ignore' },
  );
  const remove = (): void => void spawnSync('rmdir', [path]);
  if (made.status === 0 && readFileSync(`${path}/${limit}`, 'utf8').trim() === '67108864')
    return { procs: `${path}/cgroup.procs`, remove };
  remove();
  return undefined;
}
