/** Many jobs that start in one second, in many processes: each has a run ID of its own. */

import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { CuttableProxy } from './cuttable-proxy.ts';
import {
  askUntil,
  rollcall,
  startProcess,
  temporaryFolder,
  type RunningService,
} from './rollcall-process.ts';

const PROGRAM = fileURLToPath(new URL('./programs/job-storm.ts', import.meta.url));
const PROCESSES = 10;
const JOBS = 50;

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

interface Program {
  readonly child: ChildProcess;
  readonly nextLine: () => Promise<string>;
}

function start(settings: Record<string, string>): Program {
  const child = spawn(process.execPath, ['--conditions=rollcall-source', PROGRAM], {
    env: {
      PATH: process.env['PATH'],
      JOBS: String(JOBS),
      ROLLCALL_SPOOL_DIR: join(folder.path, 'sdk-spool'),
      ...settings,
    },
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  const lines = createInterface({ input: child.stdout as NodeJS.ReadableStream })[Symbol.asyncIterator]();
  return { child, nextLine: async () => String((await lines.next()).value) };
}

/** All are ready before the first begins. */
async function storm(settings: Record<string, string>): Promise<string[]> {
  const programs = Array.from({ length: PROCESSES }, () => start(settings));
  for (const { nextLine } of programs) expect(await nextLine()).toBe('ready');
  for (const { child } of programs) child.stdin?.write('go\n');
  const answers = await Promise.all(programs.map(({ nextLine }) => nextLine()));
  await Promise.all(programs.map(async ({ child }) => child.exitCode ?? once(child, 'exit')));
  return answers.flatMap((answer) => JSON.parse(answer) as string[]);
}

test(`${PROCESSES * JOBS} jobs that start at once in ${PROCESSES} processes get as many run IDs`, async () => {
  const runIds = await storm({
    OTEL_EXPORTER_OTLP_ENDPOINT: service.url,
    // Ten starting processes on two cores: it is their own event loops that are late.
    ROLLCALL_CLAIM_TIMEOUT_MS: '20000',
  });

  expect(new Set(runIds).size).toBe(PROCESSES * JOBS);
  const [counted] = await askUntil<{ runs: number; ids: number; conflicts: number }>(
    service.url,
    `SELECT toUInt32(count()) AS runs, toUInt32(uniqExact(run_id)) AS ids, toUInt32(sum(conflicts)) AS conflicts
     FROM job_runs WHERE job_name = 'storm' AND verdict = 'completed'`,
    ([found]) => found?.runs === PROCESSES * JOBS,
    { withinMs: 30_000 },
  );
  expect(counted).toEqual({ runs: PROCESSES * JOBS, ids: PROCESSES * JOBS, conflicts: 0 });
}, 90_000);

test('with ingest away they keep apart under the IDs that they share, and each conflict is named once it is back', async () => {
  await using proxy = await CuttableProxy.start(service.url);
  await proxy.cut();
  const settings = {
    OTEL_EXPORTER_OTLP_ENDPOINT: proxy.url,
    ROLLCALL_SPOOL_DIR: join(folder.path, 'sdk-spool'),
  };
  const runIds = await storm({ ...settings, JOB: 'storm_in_the_dark' });
  await proxy.mend();
  const flushed = await rollcall(['flush'], settings);

  expect(flushed).toMatchObject({ code: 0, stderr: '' });
  expect(new Set(runIds).size).toBeLessThan(PROCESSES * JOBS);
  const [counted] = await askUntil<{ runs: number; ids: number; unnamed: number }>(
    service.url,
    `SELECT toUInt32(count()) AS runs, toUInt32(uniqExact(run_id)) AS ids,
         toUInt32(countIf(bearers > 1 AND conflicts != bearers - 1)) AS unnamed
     FROM (SELECT job_name, verdict, run_id, conflicts, count() OVER (PARTITION BY run_id) AS bearers FROM job_runs)
     WHERE job_name = 'storm_in_the_dark' AND verdict = 'completed'`,
    ([found]) => found?.runs === PROCESSES * JOBS && found.unnamed === 0,
    { withinMs: 30_000 },
  );
  expect(counted).toEqual({ runs: PROCESSES * JOBS, ids: new Set(runIds).size, unnamed: 0 });
}, 90_000);
