/* oxlint-disable no-console -- that is what it is about */
import { expect, onTestFinished, test } from 'vitest';
import { Receiver, type ReceivedEvent } from '../../test/receiver.ts';
import { runProgram, startWatched } from '../../test/watched.ts';
import { captureConsole, logContext } from '../index.ts';

async function talk(receiver: Receiver, captured: boolean, fields = '') {
  return runProgram('talks.ts', {
    args: [captured ? 'captured' : 'plain', fields],
    env: {
      OTEL_EXPORTER_OTLP_ENDPOINT: receiver.endpoint,
      ...(captured ? { ROLLCALL_CAPTURE_LOGS: 'console,pino' } : {}),
    },
  });
}

const lines = (receiver: Receiver) => receiver.events.filter(({ eventName }) => eventName === '');

function find(receiver: Receiver, text: string): ReceivedEvent | undefined {
  return lines(receiver).find(({ body }) => String(body).includes(text));
}

test('lines of console, pino and winston arrive as logs of their run, client and step, tied to the span', async () => {
  await using receiver = await Receiver.start();
  const { code, stderr } = await talk(receiver, true);

  expect(code).toBe(0);
  expect(stderr).toContain('RangeError: no such lead');
  const [run] = receiver.named('rollcall.run.started');
  const runId = run?.attributes['rollcall.run.id'];
  const spanOf = (name: string) => receiver.spans.find((span) => span.name === name)?.spanId;
  expect(lines(receiver).every(({ attributes }) => attributes['rollcall.run.id'] === runId)).toBe(true);
  expect(lines(receiver).every(({ traceId }) => traceId === run?.traceId)).toBe(true);
  expect(find(receiver, 'before any run')).toBeUndefined();
  expect(find(receiver, 'after the run')).toBeUndefined();
  expect(find(receiver, 'not enabled')).toBeUndefined();
  expect(find(receiver, 'in the run, 1 client')).toMatchObject({
    severityText: 'INFO',
    spanId: spanOf('talking'),
    attributes: { 'rollcall.job.name': 'talking' },
  });
  expect(find(receiver, 'RangeError: no such lead')).toMatchObject({
    severityText: 'ERROR',
    spanId: spanOf('talking client'),
    attributes: { 'rollcall.client.id': 'acme', 'exception.type': 'RangeError' },
  });
  expect(find(receiver, '4711')).toMatchObject({ attributes: { 'rollcall.step.name': 'score' } });
  expect(find(receiver, 'few leads')).toMatchObject({
    severityText: 'WARN',
    attributes: { 'rollcall.client.id': 'acme', leads: 3, password: '[Redacted]' },
  });
  expect(find(receiver, 'with its error')).toMatchObject({
    severityText: 'ERROR',
    spanId: spanOf('score'),
    attributes: { 'exception.type': 'TypeError', 'exception.message': 'pino error' },
  });
  expect(find(receiver, 'winston says hello')).toMatchObject({
    severityText: 'INFO',
    spanId: spanOf('score'),
    attributes: { 'rollcall.client.id': 'acme', 'rollcall.step.name': 'score', posts: 7 },
  });
  expect(find(receiver, 'from the child')).toMatchObject({
    severityText: 'WARN',
    attributes: { part: 'child' },
  });
});

test('the terminal shows the same lines, captured or not, but for the fields that were asked for', async () => {
  await using receiver = await Receiver.start();
  const plain = await talk(receiver, false);
  expect(lines(receiver)).toEqual([]);
  const captured = await talk(receiver, true);
  const withFields = await talk(receiver, true, 'fields');

  // Winston's lines carry the run, since its capture is asked for by name; of the others nothing has changed.
  // pino writes past the stream that console writes to, so only their own order is certain.
  const others = (text: string) =>
    text
      .split('\n')
      .filter((line) => !/winston says|from the child/.test(line))
      .toSorted();
  expect(others(captured.stdout)).toEqual(others(plain.stdout));
  expect(captured.stderr).toBe(plain.stderr);
  const runId = String(receiver.events.at(-1)?.attributes['rollcall.run.id']);
  const json = withFields.stdout.split('\n').filter((line) => line.startsWith('{'));
  const parsed = json.map((line) => JSON.parse(line) as Record<string, unknown>);
  expect(parsed.find(({ msg }) => msg === 'few leads')).toMatchObject({
    run: runId,
    job: 'talking',
    client: 'acme',
  });
  expect(parsed.find(({ message }) => message === 'winston says hello')).toMatchObject({
    run: runId,
    client: 'acme',
    step: 'score',
    trace_id: expect.stringMatching(/^[\da-f]{32}$/) as string,
  });
});

test('outside a run there is no context, and inside it names the place', async () => {
  await using watched = await startWatched();
  expect(logContext()).toEqual({});
  const seen = await watched.rollcall.job('placed', (run) =>
    run.client('acme', (client) => client.step('score', logContext)),
  );
  expect(seen).toMatchObject({ job: 'placed', client: 'acme', step: 'score' });
});

test('what console prints while a line is being sent is not sent in turn, and restoring brings the old console back', async () => {
  await using watched = await startWatched();
  const { rollcall, receiver } = watched;
  const before = console.log;
  const printed: unknown[] = [];
  console.log = (...words: unknown[]) => void printed.push(words);
  onTestFinished(() => void (console.log = before));
  const inner = console.log;
  const restore = captureConsole();

  await rollcall.job('echoing', () => {
    console.log({
      [Symbol.for('nodejs.util.inspect.custom')]: () => {
        console.log('from within');
        return 'odd';
      },
    });
  });
  restore();
  expect(console.log).toBe(inner);
  await rollcall.job('silent', () => console.log('after it was restored'));
  await rollcall.flush();

  expect(lines(receiver).map(({ body }) => body)).toEqual(['odd']);
  // The one that prints what it is given prints nothing else; the inspecting happens only for the line that is sent.
  expect(printed.flat()).toContain('from within');
  expect(printed.flat()).toContain('after it was restored');
});
