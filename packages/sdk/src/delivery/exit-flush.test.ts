import net from 'node:net';
import { once } from 'node:events';
import { expect, test } from 'vitest';
import { Receiver } from '../../test/receiver.ts';
import { runProgram } from '../../test/watched.ts';

test.each([
  ['natural-end.ts', 0],
  ['exit-after-job.ts', 3],
  ['not-awaited.ts', 0],
])('%s loses nothing', async (program, code) => {
  await using receiver = await Receiver.start();

  const exit = await runProgram(program, { env: { OTEL_EXPORTER_OTLP_ENDPOINT: receiver.endpoint } });

  expect(exit).toMatchObject({ code, stderr: '' });
  expect(receiver.named('rollcall.run.ended')).toHaveLength(1);
  const [run] = receiver.spans.filter(({ attributes }) => attributes['rollcall.span.kind'] === 'job_run');
  expect(run?.attributes['rollcall.event.count']).toBe(receiver.events.length);
  expect(receiver.points.filter(({ attributes }) => attributes['rollcall.metric.final'])).not.toEqual([]);
});

test('without an ingest the job works at full speed, and the program ends within 5 s', async () => {
  const exit = await runProgram('natural-end.ts', {
    env: { OTEL_EXPORTER_OTLP_ENDPOINT: 'http://127.0.0.1:9', OTEL_LOG_LEVEL: 'warn' },
  });

  expect(exit.code).toBe(0);
  expect(exit.stdout).toContain('result 42');
  expect(Number(/worked (\d+) ms/.exec(exit.stdout)?.[1])).toBeLessThan(1_000);
  expect(exit.tookMs).toBeLessThan(5_000);
  expect(exit.stderr).toMatch(/Could not deliver events, will retry: .*ECONNREFUSED/);
  expect(exit.stderr).toMatch(/Exiting with \d+ records undelivered/);
});

test('an ingest that accepts connections and never answers does not hold the program either', async () => {
  const server = net.createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as net.AddressInfo;

  const exit = await runProgram('natural-end.ts', {
    env: { OTEL_EXPORTER_OTLP_ENDPOINT: `http://127.0.0.1:${port}` },
  });

  expect(exit).toMatchObject({ code: 0, stderr: '' });
  expect(exit.stdout).toContain('result 42');
  expect(exit.tookMs).toBeLessThan(5_000);
  server.close();
});

test('an endpoint that is no URL is named, and the job runs', async () => {
  const exit = await runProgram('natural-end.ts', {
    env: { OTEL_EXPORTER_OTLP_ENDPOINT: 'ingest:4318', OTEL_LOG_LEVEL: 'warn' },
  });
  expect(exit.code).toBe(0);
  expect(exit.stdout).toContain('result 42');
  expect(exit.stderr).toContain("not a URL: 'ingest:4318'");
});
