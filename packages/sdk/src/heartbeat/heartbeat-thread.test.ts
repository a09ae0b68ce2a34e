import { expect, test } from 'vitest';
import { Receiver } from '../../test/receiver.ts';
import { inSequence, runProgram, sequenceOf } from '../../test/watched.ts';

const HASTY = { ROLLCALL_HEARTBEAT_INTERVAL_MS: '100', OTEL_LOG_LEVEL: 'warn' };

async function runBusy(receiver: Receiver, env: Record<string, string> = {}, args = ['1500', '0']) {
  return runProgram('busy.ts', {
    args,
    env: { ...HASTY, OTEL_EXPORTER_OTLP_ENDPOINT: receiver.endpoint, ...env },
  });
}

test('a main thread that does not let go is seen to live, with its delay, progress, memory and CPU', async () => {
  await using receiver = await Receiver.start();
  const { code, stderr } = await runBusy(receiver);

  const beats = receiver.named('rollcall.run.heartbeat');
  const [started] = receiver.named('rollcall.run.started');
  const [latest] = inSequence(beats).toReversed();
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  expect(beats.length).toBeGreaterThanOrEqual(4);
  expect(latest).toMatchObject({ traceId: started?.traceId, spanId: started?.spanId, severityText: 'INFO' });
  expect(latest?.resource).toEqual(started?.resource);
  expect(latest?.attributes).toMatchObject({
    'rollcall.run.id': started?.attributes['rollcall.run.id'],
    'rollcall.run.origin': started?.attributes['rollcall.run.origin'],
    'rollcall.job.name': 'busy',
    'rollcall.attempt': 1,
    'rollcall.progress.done': 3,
    'rollcall.progress.total': 9,
  });
  const vital = (name: string) => Math.max(...beats.map(({ attributes }) => Number(attributes[name])));
  expect(vital('rollcall.event_loop.delay_ms')).toBeGreaterThan(500);
  expect(vital('process.memory.usage')).toBeGreaterThan(20e6);
  expect(vital('process.cpu.utilization')).toBeGreaterThan(0);
  expect(vital('v8js.memory.heap.limit')).toBeGreaterThan(vital('v8js.memory.heap.used'));
  expect(receiver.events.map(sequenceOf).toSorted((a, b) => a - b)).toEqual(
    receiver.events.map((_, index) => index + 1),
  );
});

test("the application's own preloads do not run again in the thread", async () => {
  await using receiver = await Receiver.start();
  const { stdout } = await runBusy(receiver, {
    NODE_OPTIONS: `--import="data:text/javascript,process.stdout.write('preloaded ')"`,
  });

  expect(stdout.match(/preloaded/g)).toHaveLength(1);
  expect(receiver.named('rollcall.run.heartbeat').length).toBeGreaterThanOrEqual(4);
});

test('where no thread may start, the main thread beats, and says so', async () => {
  await using receiver = await Receiver.start();
  const { code, stderr } = await runBusy(
    receiver,
    { NODE_OPTIONS: '--permission --allow-fs-read=* --allow-fs-write=*' },
    ['0', '800'],
  );

  expect(code).toBe(0);
  expect(stderr).toContain('No heartbeat thread can start; the main thread beats');
  const [latest] = inSequence(receiver.named('rollcall.run.heartbeat')).toReversed();
  expect(latest?.attributes).toMatchObject({ 'rollcall.progress.done': 3 });
  expect(latest?.attributes['process.memory.usage']).toBeGreaterThan(20e6);
});

test('ROLLCALL_HEARTBEAT_THREAD=false leaves it to the main thread', async () => {
  await using receiver = await Receiver.start();
  const { stderr } = await runBusy(receiver, { ROLLCALL_HEARTBEAT_THREAD: 'false' }, ['0', '500']);

  expect(stderr).toBe('');
  expect(receiver.named('rollcall.run.heartbeat').length).toBeGreaterThanOrEqual(2);
});

test('an ingest that is away for a while costs no sign of life its number', async () => {
  await using receiver = await Receiver.start();
  let requests = 0;
  receiver.answer = () => (requests++ < 12 ? { status: 503 } : undefined);
  const { code } = await runBusy(receiver, { OTEL_LOG_LEVEL: '' }, ['0', '2500']);

  expect(code).toBe(0);
  const numbers = receiver.events.map(sequenceOf).toSorted((a, b) => a - b);
  expect(numbers).toEqual(numbers.map((_, index) => index + 1));
  expect(receiver.named('rollcall.run.ended')).toHaveLength(1);
});

test('the package signal-exit and the SDK do not wait for each other: the process dies of the signal', async () => {
  await using receiver = await Receiver.start();
  const { code, signal, stdout } = await runProgram('waits-for-signal.ts', {
    env: { OTEL_EXPORTER_OTLP_ENDPOINT: receiver.endpoint },
  });

  expect({ code, signal }).toEqual({ code: null, signal: 'SIGTERM' });
  expect(stdout).toContain('signal-exit saw SIGTERM');
  expect(receiver.named('rollcall.run.ended')[0]?.attributes).toMatchObject({
    'rollcall.status': 'cancelled',
    'rollcall.status.reason': 'The process was ended by SIGTERM',
  });
});
