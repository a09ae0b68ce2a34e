/** A queue's job that outlives the process of its first attempt, seen by the real ingest. */
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { findServer, startRedis, type Server } from '../packages/sdk/test/servers.ts';
import {
  askUntil,
  finished,
  spawnScript,
  startProcess,
  temporaryFolder,
  type RunningService,
} from './rollcall-process.ts';

const redis = findServer('redis-server');
const reason = redis.status === 'missing' ? ` (skipped: ${redis.reason})` : '';
const WORKER = fileURLToPath(
  new URL('../packages/sdk/test/programs/schedulers/queue-worker.ts', import.meta.url),
);
const INSTRUMENT = new URL('../packages/sdk/test/programs/schedulers/instrument.ts', import.meta.url).href;

describe.skipIf(redis.status === 'missing')(`BullMQ and ingest${reason}`, () => {
  let folder: Awaited<ReturnType<typeof temporaryFolder>>;
  let service: RunningService;
  let server: Server;

  beforeAll(async () => {
    if (redis.status === 'missing') return;
    folder = await temporaryFolder();
    [service, server] = await Promise.all([startProcess(folder.path), startRedis(redis.path)]);
  }, 120_000);

  afterAll(async () => {
    await service.stop();
    await server.stop();
    await folder.remove();
  });

  test('the job of a killed worker goes on elsewhere as attempt 2 of the same run', async () => {
    const settings = {
      REDIS_URL: server.url,
      OTEL_EXPORTER_OTLP_ENDPOINT: service.url,
      ROLLCALL_CLAIM_TIMEOUT_MS: '20000',
      NODE_OPTIONS: `--import=${INSTRUMENT}`,
    };
    const first = spawnScript(WORKER, ['add'], settings);
    const [runId] = ((await once(first.stdout!, 'data')) as [Buffer]).map((line) => line.toString().trim());
    first.kill('SIGKILL');
    await once(first, 'exit');

    const second = await finished(spawnScript(WORKER, [], settings));

    expect(second).toMatchObject({ code: 0, stdout: `${runId}\n` });
    const [run] = await askUntil<Record<string, unknown>>(
      service.url,
      `SELECT run_id, attempt, verdict, clients_started, clients_completed,
         (SELECT max(value) FROM job_metrics WHERE run_id = '${runId}' AND metric = 'Invoices Sent') AS invoices
       FROM job_runs WHERE job_name = 'billing'`,
      ([row]) => row?.['verdict'] === 'completed' && Number(row['invoices']) === 4,
    );
    expect(run).toMatchObject({
      run_id: runId,
      attempt: 2,
      verdict: 'completed',
      clients_started: 1,
      clients_completed: 1,
    });
  }, 60_000);
});
