/**
 * What a client run costs the job: one with five metrics and two steps, against the same three spans
 * through the bare OpenTelemetry SDK with its batch processor and its OTLP/protobuf exporter.
 * Both send to a receiver in a process of its own. Run it alone: `node --conditions=rollcall-source bench/sdk/client-run.ts`.
 */

import { context } from '@opentelemetry/api';
import { AsyncLocalStorageContextManager } from '@opentelemetry/context-async-hooks';
import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-proto';
import { BatchSpanProcessor, TracerProvider } from '@opentelemetry/sdk-trace';
import { startRollcall } from '@rollcall/sdk';
import { startSink } from './sink.ts';
import { median } from '../machine.ts';
import { report } from './figures.ts';

const CLIENTS = Number(process.env['CLIENTS'] ?? 20_000);
const ROUNDS = Number(process.env['ROUNDS'] ?? 7);

await using sink = await startSink();

const rollcall = startRollcall({ endpoint: sink.url, claimTimeoutMs: 0, registerGlobals: false });
context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable());
const provider = new TracerProvider({
  spanProcessors: [
    new BatchSpanProcessor({
      exporter: new OTLPTraceExporter({ url: `${sink.url}/v1/traces`, concurrencyLimit: 1_000 }),
      // Everything is kept and sent, as Rollcall does: by default it drops what comes faster than it exports.
      maxQueueSize: 1_000_000,
      maxExportBatchSize: 1_000,
    }),
  ],
});
const tracer = provider.getTracer('bench');

async function withRollcall(): Promise<void> {
  await rollcall.job('bench', async (run) => {
    for (let index = 0; index < CLIENTS; index++) {
      await run.client(`client-${index}`, async (client) => {
        client.count('Leads Processed', 3);
        client.count('Posts Processed', 2);
        client.min('Start Time', index);
        client.max('End Time', index);
        await client.step('fetch', work);
        await client.step('score', work);
        client.last('Status', 1);
      });
    }
  });
  await rollcall.flush(60_000);
}

async function withBareSdk(): Promise<void> {
  await tracer.startActiveSpan('bench', async (root) => {
    for (let index = 0; index < CLIENTS; index++) {
      await tracer.startActiveSpan(
        'bench client',
        { attributes: { client: `client-${index}` } },
        async (span) => {
          await tracer.startActiveSpan('fetch', step);
          await tracer.startActiveSpan('score', step);
          span.end();
        },
      );
    }
    root.end();
  });
  await provider.forceFlush();
}

async function step(span: { end(): void }): Promise<void> {
  await work();
  span.end();
}

async function work(): Promise<void> {}

async function measure(what: () => Promise<void>): Promise<{ wallUs: number; cpuUs: number }> {
  const cpu = process.cpuUsage();
  const startedMs = performance.now();
  await what();
  const wallMs = performance.now() - startedMs;
  const { user, system } = process.cpuUsage(cpu);
  return { wallUs: (wallMs * 1_000) / CLIENTS, cpuUs: (user + system) / CLIENTS };
}

await measure(withRollcall);
await measure(withBareSdk);
const ours: { wallUs: number; cpuUs: number }[] = [];
const bare: { wallUs: number; cpuUs: number }[] = [];
for (let round = 0; round < ROUNDS; round++) {
  ours.push(await measure(withRollcall));
  bare.push(await measure(withBareSdk));
}
await rollcall.shutdown();
await provider.shutdown();

const cpuRatios = ours.map(({ cpuUs }, round) => cpuUs / (bare[round]?.cpuUs ?? Number.NaN));
report('client run', {
  'CPU, µs': median(ours.map(({ cpuUs }) => cpuUs)),
  'CPU of three bare spans, µs': median(bare.map(({ cpuUs }) => cpuUs)),
  'CPU ratio (at most 1.5)': median(cpuRatios),
  'wall, µs': median(ours.map(({ wallUs }) => wallUs)),
  'wall of three bare spans, µs': median(bare.map(({ wallUs }) => wallUs)),
});
