import { expect, test } from 'vitest';
import { Receiver } from './receiver.ts';
import { inSequence, runProgram, sequenceOf } from './watched.ts';

const WARM_UP = 1_000;
const CLIENTS = 50_000;

test('50,000 client runs with ten metrics each: none lost, memory flat after they end', async () => {
  await using receiver = await Receiver.start();

  const exit = await runProgram('many-clients.ts', {
    args: [String(CLIENTS)],
    env: { OTEL_EXPORTER_OTLP_ENDPOINT: receiver.endpoint },
  });

  expect(exit).toMatchObject({ code: 0, stderr: '' });
  const memory = JSON.parse(exit.stdout) as { before: number; after: number };
  expect(memory.after - memory.before).toBeLessThan(5);

  const [, run] = receiver.spans.filter(({ name }) => name === 'many_clients');
  const ofRun = ({ attributes }: { attributes: Record<string, unknown> }) =>
    attributes['rollcall.run.id'] === run?.attributes['rollcall.run.id'];
  const ended = receiver.named('rollcall.client_run.ended').filter(ofRun);
  expect(new Set(ended.map(({ attributes }) => attributes['rollcall.client.id'])).size).toBe(CLIENTS);
  const numbers = inSequence(receiver.events.filter(ofRun)).map(sequenceOf);
  expect(numbers).toHaveLength(Number(run?.attributes['rollcall.event.count']));
  expect(numbers.at(-1)).toBe(numbers.length);

  const finals = receiver.points
    .filter(ofRun)
    .filter(({ attributes }) => attributes['rollcall.metric.final']);
  expect(finals).toHaveLength(CLIENTS * 10);
  const wrong = finals.filter(
    ({ name, value, attributes }) =>
      value !== Number(String(attributes['rollcall.client.id']).slice(7)) + Number(name.slice(7)),
  );
  expect(wrong).toEqual([]);
  expect(
    new Set(finals.map(({ name, attributes }) => `${name} ${String(attributes['rollcall.client.id'])}`)).size,
  ).toBe(CLIENTS * 10);
  expect(receiver.spans).toHaveLength(CLIENTS + WARM_UP + 2);
  expect(Math.max(...receiver.requests.map(({ size }) => size))).toBeLessThanOrEqual(5_000);
}, 120_000);
