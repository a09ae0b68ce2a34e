/** Runs a test program with all schedulers and queues instrumented, and sums up what it told. */
import { fileURLToPath } from 'node:url';
import { expect } from 'vitest';
import { Receiver, type ReceivedEvent } from './receiver.ts';
import { runFile } from './watched.ts';

const FOLDER = new URL('programs/schedulers/', import.meta.url);

/** An attempt of a job run, as its events tell it. */
export interface Told {
  job: unknown;
  runId: unknown;
  attempt: unknown;
  status: unknown;
  attributes: Record<string, unknown>;
}

export interface Scheduled<Printed> {
  printed: Printed;
  receiver: Receiver;
  /** By the order of their start. */
  runs: Told[];
}

/** The program's output must be JSON, and it must end well. */
export async function runScheduled<Printed>(
  name: string,
  env: Record<string, string> = {},
): Promise<Scheduled<Printed>> {
  await using receiver = await Receiver.start();
  const exit = await runFile(fileURLToPath(new URL(`${name}.ts`, FOLDER)), {
    env: { OTEL_EXPORTER_OTLP_ENDPOINT: receiver.endpoint, ...env },
    nodeArgs: ['--import', new URL('instrument.ts', FOLDER).href],
  });
  expect(exit).toMatchObject({ code: 0 });
  const runs = receiver.named('rollcall.run.started').map((started) => toldOf(started, receiver));
  return { printed: JSON.parse(exit.stdout || 'null') as Printed, receiver, runs };
}

function toldOf({ attributes }: ReceivedEvent, receiver: Receiver): Told {
  const key = ['rollcall.run.id', 'rollcall.run.origin', 'rollcall.attempt'];
  const ended = receiver
    .named('rollcall.run.ended')
    .find((event) => key.every((name) => event.attributes[name] === attributes[name]));
  return {
    job: attributes['rollcall.job.name'],
    runId: attributes['rollcall.run.id'],
    attempt: attributes['rollcall.attempt'],
    status: ended?.attributes['rollcall.status'],
    attributes,
  };
}

/** What became of each try of each client run. */
export function clientsOf(receiver: Receiver): unknown[][] {
  return receiver
    .named('rollcall.client_run.ended')
    .map(({ attributes }) => [
      attributes['rollcall.run.id'],
      attributes['rollcall.client.id'],
      attributes['rollcall.attempt'],
      attributes['rollcall.status'],
    ]);
}

/** The last value of a sum. */
export function totalOf(receiver: Receiver, metric: string, runId: unknown): number {
  const last = new Map<string, number>();
  for (const { name, value, attributes, startNs } of receiver.points) {
    if (name !== metric || attributes['rollcall.run.id'] !== runId) continue;
    const { 'rollcall.client.id': client, 'rollcall.attempt': attempt } = attributes;
    last.set(JSON.stringify([client, attempt, startNs]), value);
  }
  return [...last.values()].reduce((total, value) => total + value, 0);
}
