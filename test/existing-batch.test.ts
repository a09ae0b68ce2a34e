/** Existing batch programs that know nothing of Rollcall, tracked by a config file alone. */
import { dirname } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { FLIGHTS_PATH } from '../packages/cli/src/demo/flight-data.ts';
import {
  ask,
  askUntil,
  finished,
  spawnScript,
  startProcess,
  temporaryFolder,
  type Finished,
  type RunningService,
} from './rollcall-process.ts';

const EXAMPLES = fileURLToPath(new URL('../examples/existing-batch/', import.meta.url));
const DATA = dirname(FLIGHTS_PATH);
const TRUTH = fileURLToPath(new URL('../packages/cli/src/demo/truth.ts', import.meta.url));
const REGISTER = '--import=@rollcall/sdk/register';

let folder: Awaited<ReturnType<typeof temporaryFolder>>;
let service: RunningService;
let truth: Record<string, number>;

beforeAll(async () => {
  folder = await temporaryFolder();
  service = await startProcess(folder.path);
  const { stdout } = await finished(spawnScript(TRUTH, []));
  const numbers = JSON.parse(stdout) as Record<string, string | number>;
  truth = Object.fromEntries(Object.entries(numbers).map(([name, value]) => [name, Number(value)]));
}, 120_000);

afterAll(async () => {
  await service.stop();
  await folder.remove();
});

describe.each([
  { kind: 'CommonJS', script: 'commonjs/batch.js', job: 'flight_delays', errorType: 'Error' },
  { kind: 'ES modules', script: 'esm/src/main.js', job: 'flight_delays_esm', errorType: 'RangeError' },
])('a program of $kind', ({ script, job, errorType }) => {
  let plain: Finished;
  let tracked: Finished;
  let runId: string;

  beforeAll(async () => {
    const path = EXAMPLES + script;
    plain = await finished(spawnScript(path, [DATA]));
    tracked = await finished(
      spawnScript(path, [DATA], {
        NODE_OPTIONS: REGISTER,
        OTEL_EXPORTER_OTLP_ENDPOINT: service.url,
        ROLLCALL_SPOOL_DIR: `${folder.path}/sdk-spool`,
        ROLLCALL_CLAIM_TIMEOUT_MS: '20000',
      }),
    );
    const [run] = await askUntil<{ run_id: string }>(
      service.url,
      `SELECT run_id FROM job_runs WHERE job_name = '${job}' AND verdict != 'running' AND telemetry = 'complete'`,
      (rows) => rows.length > 0,
    );
    runId = run?.run_id ?? '';
  }, 120_000);

  test('prints what it printed before, and ends as it ended', () => {
    expect(plain.stdout).toBe('480 airports handled, 3 failed\n');
    expect(tracked).toEqual(plain);
  });

  test('has the six numbers that the file has', async () => {
    const metrics = await ask<{ metric: string; value: number }>(
      service.url,
      `SELECT metric, value FROM job_metrics WHERE run_id = '${runId}' AND job_name = '${job}'`,
    );

    expect(Object.keys(truth)).toHaveLength(6);
    expect(Object.fromEntries(metrics.map(({ metric, value }) => [metric, value]))).toEqual(truth);
  });

  test('has the verdict, the clients and the failures that the data makes it have', async () => {
    const [run] = await ask(
      service.url,
      `SELECT verdict, declared_status, toUInt32(clients_expected) AS expected, toUInt32(clients_started) AS started,
         toUInt32(clients_completed) AS completed, toUInt32(clients_nothing_to_do) AS nothing_to_do,
         toUInt32(clients_failed) AS failed, toUInt32(clients_never_started) AS never_started, telemetry, toString(notes) AS notes
       FROM job_runs WHERE run_id = '${runId}' AND job_name = '${job}'`,
    );
    const failures = await ask(
      service.url,
      `SELECT client_id, step, error_type, error_message FROM failures WHERE run_id = '${runId}' AND job_name = '${job}' ORDER BY client_id`,
    );

    expect(run).toEqual({
      verdict: 'completed_with_errors',
      declared_status: 'completed',
      expected: 481,
      started: 480,
      completed: 217,
      nothing_to_do: 260,
      failed: 3,
      never_started: 1,
      telemetry: 'complete',
      notes: '[]',
    });
    const step = 'count flights';
    expect(failures).toEqual(
      Object.entries({ BMI: 522, MCI: 509, TUL: 518 }).map(([clientId, delay]) => ({
        client_id: clientId,
        step,
        error_type: errorType,
        error_message: `delay of ${delay} min needs review`,
      })),
    );
  });
});
