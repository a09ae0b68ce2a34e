/**
 * The engine alone, fed with files of Native blocks that were made before, of the rows that the service gets; on a core of
 * its own. Its disk is synced as often as the service's: the engine spends less on its files then, so it is the harder
 * rival.
 */
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { openEngine } from '../../packages/ingest/src/store/engine.ts';
import { migrate } from '../../packages/ingest/src/store/migrate.ts';
import { DiskSync } from '../../packages/ingest/src/store/sync-disk.ts';
import { Transcoder } from '../../packages/ingest/src/rows/transcode.ts';
import { fill, templateOf } from './load.ts';
import { SPANS, spansRequests } from './telemetry.ts';

const [dataDir = '', batchRows = '100000', batches = '8', warmUpRows = '0', measureMs = '10000'] =
  process.argv.slice(2);
const DISTINCT_BODIES = 100;
const SYNC_EVERY_MS = 1_000;

await mkdir(dataDir, { recursive: true });
// As in the service, before the engine takes memory.
const disk = new DiskSync(dataDir);
const engine = await openEngine({ dataDir, database: 'rollcall' });
await migrate(engine, { rawRetentionDays: 90 });
const paths = await makeFiles();
const rows = Number(batchRows);

let inserted = 0;
const fed = new AbortController();
const syncs = syncWhileFed();
while (inserted * rows < Number(warmUpRows)) await insertNext();
process.send?.({ rate: await insertFor(Number(measureMs)) });
fed.abort();
await syncs;
disk.stop();
await engine.close();
process.disconnect();

async function syncWhileFed(): Promise<void> {
  while (!fed.signal.aborted) await Promise.all([disk.sync(), pause(SYNC_EVERY_MS)]);
}

/** Returns rows per second. */
async function insertFor(durationMs: number): Promise<number> {
  const startedMs = performance.now();
  const before = inserted;
  while (performance.now() - startedMs < durationMs) await insertNext();
  return ((inserted - before) * rows * 1_000) / (performance.now() - startedMs);
}

async function insertNext(): Promise<void> {
  const path = paths[inserted % paths.length] ?? '';
  await engine.insertFile({ table: 'otel_traces', path, format: 'Native', token: `bench-${inserted}` });
  inserted++;
}

async function makeFiles(): Promise<string[]> {
  const folder = join(dataDir, 'prebuilt');
  await mkdir(folder, { recursive: true });
  const transcoder = new Transcoder();
  const requests = Number(batchRows) / SPANS;
  const templates = spansRequests(DISTINCT_BODIES).map(({ protobuf }) => templateOf(protobuf));
  const files: string[] = [];
  for (let file = 0; file < Number(batches); file++) {
    for (let request = 0; request < requests; request++) {
      const template = templates[(file * requests + request) % templates.length];
      if (template === undefined) continue;
      transcoder.add('traces', 'protobuf', fill(template), {
        projectId: 'default',
        receivedAtMs: Date.now(),
      });
    }
    const [block] = transcoder.take();
    const path = join(folder, `${file}.native`);
    await writeFile(path, block?.bytes ?? '');
    files.push(path);
  }
  return files;
}
