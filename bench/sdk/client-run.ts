/**
 * What a client run costs the job: one with five metrics and two steps, against the same three spans
 * through the bare OpenTelemetry SDK with its batch processor and its OTLP/protobuf exporter.
 * Each has processes of its own, in turn, so that neither clears away the other's garbage; both send to a receiver in
 * another. Run it alone: `node --conditions=rollcall-source bench/sdk/client-run.ts`.
 */

import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { context } from '@opentelemetry/api';
import { AsyncLocalStorageContextManager } from '@opentelemetry/context-async-hooks';
import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-proto';
import { BatchSpanProcessor, TracerProvider } from '@opentelemetry/sdk-trace';
import { startRollcall, type Rollcall } from '@rollcall/sdk';
import { startSink } from './sink.ts';
import { median } from '../machine.ts';
import { report } from './figures.ts';

const CLIENTS = Number(process.env['CLIENTS'] ?? 20_000);
const PAIRS = Number(process.env['PAIRS'] ?? 7);
const ROUNDS = Number(process.env['ROUNDS'] ?? 5);

/** What one client run costs. */
interface Cost {
  wallUs: number;
  cpuUs: number;
}

const SIDES = { rollcall: measureRollcall, bare: measureBareSdk };
type Side = keyof typeof SIDES;

const [side, sinkUrl] = process.argv.slice(2);
if (sinkUrl === undefined) await compare();
else console.log(JSON.stringify(await SIDES[side as Side](sinkUrl)));

async function compare(): Promise<void> {
  await using sink = await startSink();
  const pairs: Record<Side, Cost>[] = [];
  for (let pair = 0; pair < PAIRS; pair++) {
    pairs.push({ rollcall: await runAlone('rollcall', sink.url), bare: await runAlone('bare', sink.url) });
  }
  const medianOf = (figure: (pair: Record<Side, Cost>) => number) => median(pairs.map(figure));
  report('client run', {
    'CPU, µs': medianOf(({ rollcall }) => rollcall.cpuUs),
    'CPU of three bare spans, µs': medianOf(({ bare }) => bare.cpuUs),
    'CPU ratio (at most 1.5)': medianOf(({ rollcall, bare }) => rollcall.cpuUs / bare.cpuUs),
    'wall, µs': medianOf(({ rollcall }) => rollcall.wallUs),
    'wall of three bare spans, µs': medianOf(({ bare }) => bare.wallUs),
  });
}

async function runAlone(which: Side, url: string): Promise<Cost> {
  const program = fileURLToPath(import.meta.url);
  const args = ['--conditions=rollcall-source', program, which, url];
  const { stdout } = await promisify(execFile)(process.execPath, args);
  return JSON.parse(stdout) as Cost;
}

async function measureRollcall(url: string): Promise<Cost> {
  const rollcall = startRollcall({ endpoint: url, claimTimeoutMs: 0 });
  const cost = await measure(async () => withRollcall(rollcall));
  await rollcall.shutdown();
  return cost;
}

async function measureBareSdk(url: string): Promise<Cost> {
  context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable());
  const provider = new TracerProvider({
    spanProcessors: [
      new BatchSpanProcessor({
        exporter: new OTLPTraceExporter({ url: `${url}/v1/traces`, concurrencyLimit: 1_000 }),
        // Everything is kept and sent, as Rollcall does: by default it drops what comes faster than it exports.
        maxQueueSize: 1_000_000,
        maxExportBatchSize: 1_000,
      }),
    ],
  });
  const cost = await measure(async () => withBareSdk(provider));
  await provider.shutdown();
  return cost;
}

async function withRollcall(rollcall: Rollcall): Promise<void> {
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

async function withBareSdk(provider: TracerProvider): Promise<void> {
  const tracer = provider.getTracer('bench');
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

/** The median of rounds, after one to warm up. */
async function measure(round: () => Promise<void>): Promise<Cost> {
  await round();
  const costs: Cost[] = [];
  for (let count = 0; count < ROUNDS; count++) costs.push(await measureRound(round));
  return {
    wallUs: median(costs.map(({ wallUs }) => wallUs)),
    cpuUs: median(costs.map(({ cpuUs }) => cpuUs)),
  };
}

async function measureRound(round: () => Promise<void>): Promise<Cost> {
  const cpu = process.cpuUsage();
  const startedMs = performance.now();
  await round();
  const wallMs = performance.now() - startedMs;
  const { user, system } = process.cpuUsage(cpu);
  return { wallUs: (wallMs * 1_000) / CLIENTS, cpuUs: (user + system) / CLIENTS };
}
