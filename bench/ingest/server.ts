/** The service under load, on a core of its own: whole, or without spool and engine. */
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { pino } from 'pino';
import { readConfig, startService } from '../../packages/ingest/src/index.ts';
import { listenWithoutInsert } from '../../packages/ingest/test/listen-without-insert.ts';

const [mode = 'whole', dataDir = ''] = process.argv.slice(2);

/** Questions come as messages: `usage`, and `flush`, after which everything is in ClickHouse; `stop` ends it. */
const service = mode === 'whole' ? await startWhole() : await startBare();
process.send?.({ url: service.url });
for (;;) {
  const [question] = (await once(process, 'message')) as [string];
  if (question === 'flush') await service.flush();
  if (question === 'stop') break;
  const { user, system } = process.cpuUsage();
  process.send?.({
    peakBytes: await peakBytes(),
    memoryBytes: process.memoryUsage.rss(),
    cpuSeconds: (user + system) / 1e6,
  });
}
await service.close();
process.disconnect();

async function startWhole(): Promise<{
  url: string;
  flush: () => Promise<void>;
  close: () => Promise<void>;
}> {
  const config = readConfig({ ROLLCALL_DATA_DIR: dataDir, ROLLCALL_PORT: '0', ROLLCALL_SQL_PORT: 'off' });
  return startService(config, { log: pino({ level: 'error' }, pino.destination(2)) });
}

/** Everything of HTTP, but the blocks are thrown away. */
async function startBare(): Promise<{ url: string; flush: () => Promise<void>; close: () => Promise<void> }> {
  const server = await listenWithoutInsert();
  return { ...server, flush: async () => undefined };
}

/** The most memory that the process ever had, the engine included. */
async function peakBytes(): Promise<number> {
  const status = await readFile('/proc/self/status', 'utf8').catch(() => '');
  return Number(/VmHWM:\s+(\d+) kB/.exec(status)?.[1] ?? 0) * 1024;
}
