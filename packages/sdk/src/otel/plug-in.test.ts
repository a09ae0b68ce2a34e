import { expect, test } from 'vitest';
import { Receiver } from '../../test/receiver.ts';
import { runProgram } from '../../test/watched.ts';

interface Report {
  runId: string;
  complaints: string[];
  spans: { name: string; attributes: Record<string, unknown> }[];
  logs: unknown[];
}

async function runWithOwnProviders(receiver: Receiver, mode: string): Promise<Report> {
  const env = { OTEL_EXPORTER_OTLP_ENDPOINT: receiver.endpoint };
  const exit = await runProgram('own-providers.ts', { args: [mode], env });
  expect(exit).toMatchObject({ code: 0, stderr: '' });
  return JSON.parse(exit.stdout) as Report;
}

test("an application's own providers go on as before, and hear nothing of Rollcall", async () => {
  await using receiver = await Receiver.start();
  const report = await runWithOwnProviders(receiver, 'beside');

  expect(report.complaints).toEqual([]);
  expect(report.spans).toEqual([
    { name: 'query', attributes: {} },
    { name: 'request', attributes: {} },
    { name: 'afterwards', attributes: {} },
  ]);
  expect(report.logs).toEqual(['queried']);
  expect(receiver.spans.map(({ name }) => name)).toEqual(['inside']);
  expect(receiver.named('rollcall.run.ended')).toHaveLength(1);
});

test("with Rollcall's processors, the application's spans and log records join the run and arrive with it", async () => {
  await using receiver = await Receiver.start();
  const report = await runWithOwnProviders(receiver, 'joined');

  const query = receiver.spans.find(({ name }) => name === 'query');
  const run = receiver.spans.find(({ name }) => name === 'inside');
  expect(receiver.spans.map(({ name }) => name)).toEqual(['query', 'inside']);
  expect(query).toMatchObject({
    parentSpanId: run?.spanId,
    traceId: run?.traceId,
    attributes: { 'rollcall.run.id': report.runId, 'rollcall.job.name': 'inside' },
  });
  const queried = receiver.events.find(({ body }) => body === 'queried');
  expect(queried).toMatchObject({ spanId: run?.spanId, attributes: { 'rollcall.run.id': report.runId } });
  expect(report.spans.map(({ name }) => name)).toEqual(['query', 'request', 'afterwards']);
  expect(report.logs).toEqual(['queried']);
  expect(report.complaints).toEqual([]);
});
