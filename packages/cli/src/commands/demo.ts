/** `rollcall demo`: a real job on real data, and the proof that its numbers are right. */

import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import type { Service } from '@rollcall/ingest';
import { watchRun } from '../demo/watch-run.ts';
import { UsageError } from '../print/failure.ts';
import { drawNumber } from '../print/numbers.ts';
import { drawRun } from '../print/run.ts';
import { drawTable } from '../print/table.ts';
import { bold, dim, drawVerdict } from '../print/verdict.ts';
import type { MetricRow } from '../reader/read-run.ts';
import { loadConfig, openReader, type GlobalOptions } from '../reader/reader.ts';
import { nextStopSignal, printWhere, serveUntil, start } from './up.ts';

const SETTLE_MS = 30_000;

interface DemoOptions extends GlobalOptions {
  readonly once?: boolean;
  readonly pace: string;
  readonly port?: string;
}

/**
 * Runs the demo against the service that holds the data folder, or against one that it starts and, without `once`,
 * keeps serving. Exits with 1 where the numbers disagree.
 */
export async function demo({ once: isOnce = false, pace, ...options }: DemoOptions): Promise<void> {
  if (!/^\d{1,4}$/.test(pace))
    throw new UsageError(`Unusable pace '${pace}'; use milliseconds from 0 to 9999.`);
  const stopSignal = nextStopSignal();
  const { service, url, key } = await findOrStart(options);
  try {
    if (service !== null) printWhere(service);
    const outcome = await Promise.race([runAndCompare({ ...options, url, pace, key }), stopSignal]);
    if (typeof outcome === 'string')
      throw new UsageError(`Stopped by ${outcome} in the middle; the run will show as lost in 15 seconds.`);
    if (!outcome.agrees) process.exitCode = 1;
    printNext(url, outcome.runId);
    if (service !== null && !isOnce) await serveUntil(stopSignal, service);
  } finally {
    await service?.close();
  }
}

async function findOrStart(
  options: GlobalOptions & { port?: string },
): Promise<{ service: Service | null; url: string; key: string | undefined }> {
  const key = process.env['ROLLCALL_API_KEY'];
  if (options.url !== undefined) return { service: null, url: options.url, key };
  const { findService } = await import('@rollcall/ingest');
  const config = await loadConfig(options);
  const running = await findService(config.dataDir);
  if (running !== null) console.log(dim(`Rollcall already runs at ${running.url}: using it.`));
  if (running !== null) return { service: null, url: running.url, key: key ?? running.localKey };
  const which = config.clickhouseUrl === undefined ? 'its embedded ClickHouse' : 'a ClickHouse server';
  console.log(dim(`Starting the service with ${which} …`));
  const service = await start({ ...config, logLevel: process.env['ROLLCALL_LOG_LEVEL'] ?? 'warn' });
  return { service, url: service.url, key: service.localKey };
}

async function runAndCompare({
  url,
  key,
  pace,
  ...options
}: GlobalOptions & { url: string; key: string | undefined; pace: string }): Promise<{
  runId: string;
  agrees: boolean;
}> {
  console.log(`\n${bold('A real job:')} flight_delays counts 20,000 flights. A client is an airport.`);
  console.log(dim('481 airports are expected, one is never visited. Three have a delay that'));
  console.log(dim('needs review: their flights count up to it.\n'));
  const truth = computeTruth();
  // Ctrl-C ends it too, before anybody waits for it.
  truth.catch(() => undefined);
  const child = spawn(process.execPath, [...process.execArgv, script('flight-delays-job'), pace], {
    stdio: ['ignore', 'pipe', 'inherit'],
    env: {
      ...process.env,
      OTEL_EXPORTER_OTLP_ENDPOINT: url,
      OTEL_SERVICE_NAME: 'rollcall-demo',
      ...(key === undefined ? {} : { ROLLCALL_API_KEY: key }),
    },
  });
  const ended = once(child, 'exit') as Promise<[number | null, NodeJS.Signals | null]>;
  const runId = await Promise.race([firstLine(child.stdout), ended.then(() => null)]);
  if (runId === null) throw new UsageError("The demo's job ended before it began; the lines above say why.");

  console.log(`${dim('Watch it live:')} ${runAddress(url, runId)}\n`);
  const reader = await openReader(options.dataDir === undefined ? {} : { dataDir: options.dataDir });
  try {
    const details = await watchRun(reader, runId, { ended, settleMs: SETTLE_MS });
    if (details === null) throw new UsageError(`Nothing of run ${runId} has arrived at ${url}.`);
    console.log(`${bold('As Rollcall sees it')}\n`);
    console.log(drawRun(details));
    return { runId, agrees: compare(details.metrics, await truth) };
  } finally {
    await reader.close();
  }
}

function compare(metrics: readonly MetricRow[], truth: Record<string, number>): boolean {
  const rows = Object.entries(truth).map(([name, expected]) => {
    const seen = metrics.find(({ metric }) => metric === name)?.value;
    const agrees = seen === expected;
    return {
      agrees,
      cells: [
        name,
        seen === undefined ? 'none' : drawNumber(seen),
        drawNumber(expected),
        agrees ? drawVerdict('completed', 'agree') : drawVerdict('failed', 'differ'),
      ],
    };
  });
  console.log(`\n${bold('The same six numbers, straight from the file by one SQL statement')}\n`);
  console.log(
    drawTable(
      ['metric', 'Rollcall', 'the file', ''],
      rows.map(({ cells }) => cells),
      { align: ['left', 'right', 'right', 'left'] },
    ),
  );
  const allAgree = rows.length === 6 && metrics.length === 6 && rows.every(({ agrees }) => agrees);
  console.log(`\n${bold(allAgree ? 'All six agree.' : 'They do not agree.')}`);
  return allAgree;
}

async function computeTruth(): Promise<Record<string, number>> {
  const { stdout } = await promisify(execFile)(process.execPath, [...process.execArgv, script('truth')]);
  const numbers = JSON.parse(stdout) as Record<string, string | number>;
  return Object.fromEntries(Object.entries(numbers).map(([name, value]) => [name, Number(value)]));
}

async function firstLine(stream: NodeJS.ReadableStream): Promise<string | null> {
  for await (const line of createInterface({ input: stream })) return line;
  return null;
}

/** TypeScript in the repository, JavaScript where it is installed. */
function script(name: string): string {
  const extension = import.meta.url.endsWith('.ts') ? 'ts' : 'js';
  return fileURLToPath(new URL(`../demo/${name}.${extension}`, import.meta.url));
}

function runAddress(url: string, runId: string): string {
  return `${url.replace(/\/$/, '')}/runs/${runId}`;
}

function printNext(url: string, runId: string): void {
  const command = process.env['ROLLCALL_COMMAND'] ?? 'rollcall';
  console.log(`
${bold('Where to look')}
  ${runAddress(url, runId)}   this run in the console
  ${command} show latest     this run again
  ${command} runs            all runs
  ${command} verify          recompute every total from the raw rows
  ${command} sql "SELECT client_id, verdict, error_message FROM client_runs WHERE verdict = 'failed'"
`);
}
