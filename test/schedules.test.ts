/** Schedules from end to end: declared by a program, by a command and over HTTP; shown by the command. */

import { readFile } from 'node:fs/promises';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { startRollcall } from '@rollcall/sdk';
import {
  askUntil,
  rollcall,
  startProcess,
  temporaryFolder,
  type RunningService,
} from './rollcall-process.ts';

let folder: Awaited<ReturnType<typeof temporaryFolder>>;
let service: RunningService;
let key: string;

beforeAll(async () => {
  folder = await temporaryFolder();
  service = await startProcess(folder.path);
  ({ localKey: key } = JSON.parse(await readFile(`${folder.path}/service.json`, 'utf8')) as {
    localKey: string;
  });
});

afterAll(async () => {
  await service.stop();
  await folder.remove();
});

async function request(
  method: string,
  job: string,
  body?: unknown,
): Promise<{ status: number; body: Record<string, unknown> }> {
  const response = await fetch(`${service.url}/api/v1/jobs/${encodeURIComponent(job)}/schedule`, {
    method,
    headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json' },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  return { status: response.status, body: (await response.json()) as Record<string, unknown> };
}

interface Row {
  readonly schedule: string;
  readonly expression: string;
  readonly state: string;
  readonly last_verdict: string | null;
  readonly late_after_ms: string;
  readonly max_runtime_ms: string;
}

async function expected(job: string, isEnough: (row: Row) => boolean): Promise<Row> {
  const [row] = await askUntil<Row>(
    service.url,
    `SELECT schedule, expression, state, last_verdict, toString(late_after_ms) AS late_after_ms, toString(max_runtime_ms) AS max_runtime_ms
     FROM expected_runs WHERE job_name = '${job}'`,
    ([found]) => found !== undefined && isEnough(found),
    { withinMs: 45_000 },
  );
  return row as Row;
}

test('a schedule is declared over HTTP, read back, changed and taken away', async () => {
  const before = await request('GET', 'nightly billing');
  const declared = await request('PUT', 'nightly billing', {
    schedule: { cron: '0 2 * * *', timeZone: 'Europe/Berlin' },
    lateAfterMs: 600_000,
    maxRuntimeMs: 7_200_000,
  });
  const changed = await request('PUT', 'nightly billing', { schedule: { everyMs: 900_000 } });
  const read = await request('GET', 'nightly billing');
  const gone = await request('PUT', 'nightly billing', { schedule: null });

  expect(before).toMatchObject({ status: 404, body: { code: 'job_not_found' } });
  expect(declared).toMatchObject({
    status: 200,
    body: {
      job: 'nightly billing',
      schedule: 'declared',
      expression: '0 2 * * * (Europe/Berlin)',
      state: 'on_time',
      lastRunId: null,
      lateAfterMs: 600_000,
      maxRuntimeMs: 7_200_000,
    },
  });
  expect(Date.parse(String(declared.body['nextDueAt'])) - Date.now()).toBeGreaterThan(0);
  expect(changed.body).toMatchObject({ expression: 'every 15 min', maxRuntimeMs: null });
  expect(Date.parse(String(changed.body['nextDueAt'])) - Date.now()).toBeLessThanOrEqual(900_000);
  expect(read.body).toEqual(changed.body);
  expect(gone.body).toMatchObject({ schedule: 'none', state: 'none', nextDueAt: null });
});

test.each([
  [{ schedule: { cron: '99 2 * * *' } }, 'invalid_schedule', '99 2 * * *'],
  [{ schedule: { cron: '0 2 * * *', timeZone: 'Mars/Olympus' } }, 'invalid_schedule', 'Mars/Olympus'],
  [{ schedule: { everyMs: 5 } }, 'invalid_schedule', '5 ms'],
  [{}, 'invalid_request', 'schedule'],
  [{ schedule: null, when: 'never' }, 'invalid_request', 'when'],
])('%j is refused with what is wrong', async (body, code, shown) => {
  const { status, body: problem } = await request('PUT', 'refused', body);

  expect(status).toBe(400);
  expect(problem['code']).toBe(code);
  expect(problem['detail']).toContain(shown);
});

test('the description of the API tells of schedules', async () => {
  const description = (await (await fetch(`${service.url}/api/openapi.json`)).json()) as {
    paths: Record<string, Record<string, { responses: object }>>;
  };
  const path = description.paths['/jobs/{job}/schedule'];

  expect(Object.keys(path ?? {}).toSorted((a, b) => (a < b ? -1 : 1))).toEqual(['get', 'put']);
  expect(Object.keys(path?.['put']?.responses ?? {})).toEqual(['200', '400', '404', '503']);
});

test('a job of the SDK and a command declare their schedules with their runs', async () => {
  const sdk = startRollcall({ endpoint: service.url, apiKey: key, registerGlobals: false });
  await sdk.job('harvest', () => undefined, { schedule: { cron: '*/5 * * * *' }, lateAfterMs: 120_000 });
  await sdk.shutdown();
  await rollcall([
    'exec',
    '--data-dir',
    service.dataDir,
    '--job',
    'sync',
    '--schedule',
    '30 3 * * 1-5',
    '--tz',
    'America/New_York',
    '--late-after',
    '10m',
    '--max-runtime',
    '2h',
    '--',
    'true',
  ]);
  await rollcall([
    'exec',
    '--data-dir',
    service.dataDir,
    '--job',
    'typo',
    '--schedule',
    '61 * * * *',
    '--',
    'true',
  ]);

  expect(await expected('harvest', ({ schedule }) => schedule !== 'none')).toMatchObject({
    expression: '*/5 * * * * (UTC)',
    late_after_ms: '120000',
  });
  expect(
    await expected(
      'sync',
      ({ schedule, last_verdict: verdict }) => schedule !== 'none' && verdict !== 'running',
    ),
  ).toEqual({
    schedule: 'declared',
    expression: '30 3 * * 1-5 (America/New_York)',
    state: 'on_time',
    last_verdict: 'completed',
    late_after_ms: '600000',
    max_runtime_ms: '7200000',
  });
  await expected('typo', ({ state }) => state === 'invalid');

  const table = await rollcall(['schedules', '--data-dir', service.dataDir]);
  const json = await rollcall(['schedules', '--data-dir', service.dataDir, '--job', 'sync', '--json']);

  expect(table).toMatchObject({ code: 0, stderr: '' });
  expect(table.stdout).toMatch(
    /sync +✔ on time +30 3 \* \* 1-5 \(America\/New_York\) +\d{4}-\d\d-\d\d \d\d:30:00 +.*✔ completed/,
  );
  expect(table.stdout).toContain("typo: '61 * * * *' in 'UTC' is no schedule");
  expect(JSON.parse(json.stdout)).toMatchObject([
    { job: 'sync', state: 'on_time', missed: 0, runningTooLong: false },
  ]);
});

test('a run that should have come by now is late on the command line', async () => {
  await rollcall([
    'exec',
    '--data-dir',
    service.dataDir,
    '--job',
    'pulse',
    '--every',
    '2s',
    '--late-after',
    '1s',
    '--',
    'true',
  ]);
  await expected('pulse', ({ state }) => state === 'missed');

  const { stdout } = await rollcall(['schedules', '--data-dir', service.dataDir, '--job', 'pulse']);

  expect(stdout).toMatch(/pulse: \d+ runs? did not come, the first was due at/);
});

test.each([
  [['--schedule', '0 2 * * *', '--every', '5m'], 'not both'],
  [['--tz', 'UTC'], '--tz says where'],
  [['--every', 'often'], "Unusable --every 'often'"],
])('rollcall exec %j is called wrongly', async (args, message) => {
  const { code, stderr } = await rollcall(['exec', '--job', 'x', ...args, '--', 'true']);

  expect(code).toBe(125);
  expect(stderr).toContain(message);
});
