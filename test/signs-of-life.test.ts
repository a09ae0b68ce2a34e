/** A run that dies is seen for what it is. */

import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, test } from 'vitest';
import {
  askUntil,
  spawnScript,
  startProcess,
  temporaryFolder,
  type RunningService,
} from './rollcall-process.ts';

const HEARTBEAT_MS = 2_500;

let folder: Awaited<ReturnType<typeof temporaryFolder>>;
let service: RunningService;

beforeAll(async () => {
  folder = await temporaryFolder();
  service = await startProcess(folder.path);
});

afterAll(async () => {
  await service.stop();
  await folder.remove();
});

interface Seen {
  readonly job: string;
  readonly stuck: string;
  readonly never: string;
  readonly leads: number;
}

function look(runId: string): string {
  return `SELECT
      (SELECT verdict FROM job_runs WHERE run_id = '${runId}') AS job,
      (SELECT verdict FROM client_runs WHERE run_id = '${runId}' AND client_id = 'stuck') AS stuck,
      (SELECT verdict FROM client_runs WHERE run_id = '${runId}' AND client_id = 'never') AS never,
      (SELECT value FROM job_metrics WHERE run_id = '${runId}' AND metric = 'Leads Processed') AS leads`;
}

test('a job killed with -9 runs on screen until then, and is lost within three heartbeats', async () => {
  const program = fileURLToPath(new URL('./programs/hang.ts', import.meta.url));
  const child = spawnScript(program, [], {
    OTEL_EXPORTER_OTLP_ENDPOINT: service.url,
    ROLLCALL_HEARTBEAT_INTERVAL_MS: String(HEARTBEAT_MS),
  });
  const [chunk] = (await once(child.stdout as NodeJS.ReadableStream, 'data')) as [Buffer];
  const runId = chunk.toString().trim();
  // It lives for longer than the limit, so that only its heartbeats can keep it from being lost.
  const bornMs = Date.now();
  const [alive] = await askUntil<Seen>(
    service.url,
    look(runId),
    ([seen]) => seen?.leads === 31 && Date.now() - bornMs > 4 * HEARTBEAT_MS,
  );

  child.kill('SIGKILL');
  const killedMs = Date.now();
  // Each part of the question is answered at a moment of its own: one of them may still be just before the limit.
  const [dead] = await askUntil<Seen>(
    service.url,
    look(runId),
    ([seen]) => seen?.job === 'lost' && seen.stuck === 'lost' && seen.never === 'never_started',
  );
  const seenAfterMs = Date.now() - killedMs;

  expect(alive).toEqual({ job: 'running', stuck: 'running', never: 'pending', leads: 31 });
  expect(dead).toEqual({ job: 'lost', stuck: 'lost', never: 'never_started', leads: 31 });
  // Three intervals after its last sign, and what one look takes on a busy machine.
  expect(seenAfterMs).toBeLessThan(3 * HEARTBEAT_MS + 3_000);
});
