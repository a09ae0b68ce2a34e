/** `rollcall up`: starts the service and keeps it until somebody stops it. */

import { pino } from 'pino';
import type { IngestConfig, Service } from '@rollcall/ingest';
import { bold, dim } from '../print/verdict.ts';
import { loadConfig, type GlobalOptions } from '../reader/reader.ts';

export async function up(options: GlobalOptions & { port?: string; host?: string }): Promise<void> {
  const config = await loadConfig(options);
  const stopSignal = nextStopSignal();
  const service = await start(config);
  printWhere(service);
  await serveUntil(stopSignal, service);
}

/** Starts the service; its own log goes to standard error. */
export async function start(config: IngestConfig): Promise<Service> {
  const { startService } = await import('@rollcall/ingest');
  // On a terminal the banner says what is needed; lines of JSON would only bury it.
  const level = process.stderr.isTTY && config.logLevel === 'info' ? 'warn' : config.logLevel;
  return startService(config, { log: pino({ level }, pino.destination(2)) });
}

export function printWhere(service: Service): void {
  const { engine, url, keyCount, sql } = service;
  console.log(bold('Rollcall is up.'));
  console.log(`  console     ${url}`);
  console.log(`  OTLP/HTTP   ${url}/v1/traces, /v1/metrics, /v1/logs`);
  if (sql !== null) {
    const password =
      sql.passwordFile === undefined ? 'the password that you set' : `password in ${sql.passwordFile}`;
    console.log(`  SQL         ${sql.url} ${dim(`(ClickHouse clients; user rollcall, ${password})`)}`);
  }
  console.log(
    `  data        ${engine.place} ${dim(engine.kind === 'embedded' ? '(embedded ClickHouse)' : '(ClickHouse server)')}`,
  );
  console.log(
    keyCount === 0 ? '  keys        none: only this machine is let in' : `  keys        ${keyCount}`,
  );
  if (!url.endsWith(':4318')) {
    console.log(`  your jobs   need to be told: export OTEL_EXPORTER_OTLP_ENDPOINT=${url}`);
  }
  console.log(dim('  Ctrl-C stops it.'));
}

/** Listens for SIGINT and SIGTERM from now on: one that comes while the service starts is not lost either. */
export async function nextStopSignal(): Promise<NodeJS.Signals> {
  return new Promise((resolve) => {
    // Listeners that stay: libraries that restore the terminal end the process when they believe themselves alone.
    process.on('SIGINT', resolve);
    process.on('SIGTERM', resolve);
  });
}

/** Serves until the signal, then brings everything accepted into ClickHouse. A second Ctrl-C ends at once. */
export async function serveUntil(stopSignal: Promise<NodeJS.Signals>, service: Service): Promise<void> {
  const signal = await stopSignal;
  console.log(dim(`\n${signal}: bringing in what was accepted …`));
  // A statement in flight would hold up an ordinary exit; what was accepted is on disk.
  process.on('SIGINT', () => process.kill(process.pid, 'SIGKILL'));
  await service.close();
  console.log(dim('Stopped. Nothing accepted was lost.'));
}
