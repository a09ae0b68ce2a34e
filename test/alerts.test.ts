/** Alerts from end to end: a job fails, and the API, the command and SQL say the same of it, until a limit is set. */

import { readFile } from 'node:fs/promises';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { ALERT_RULES } from '../packages/ingest/src/alerts/conditions.ts';
import {
  ask,
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
  path: string,
  body?: unknown,
): Promise<{ status: number; body: Record<string, unknown> }> {
  const response = await fetch(`${service.url}/api/v1/alerts${path}`, {
    method: body === undefined ? 'GET' : 'PUT',
    headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json' },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  return { status: response.status, body: (await response.json()) as Record<string, unknown> };
}

test('the API, the command and SQL say the same of a job that failed, and a limit silences it', async () => {
  const run = await rollcall([
    'exec',
    '--data-dir',
    folder.path,
    '--job',
    'nightly',
    '--',
    'sh',
    '-c',
    'exit 3',
  ]);
  expect(run.code).toBe(3);
  const [row] = await askUntil<{ summary: string; run_id: string }>(
    service.url,
    "SELECT summary, run_id FROM alert_conditions WHERE rule = 'job_failed'",
    (rows) => rows.length > 0,
  );
  expect(row?.summary).toMatch(/^nightly failed in run \d{6}-\d{6}: /);

  // Its first failure ever is a new kind, too.
  await request('/settings/new_failure_group', { enabled: false });
  const { body } = await request('');
  expect(body['conditions']).toMatchObject([
    {
      rule: 'job_failed',
      severity: 'critical',
      job: 'nightly',
      runId: row?.run_id,
      value: 1,
      threshold: 1,
      summary: row?.summary,
    },
  ]);
  const listed = await rollcall(['alerts', '--json', '--data-dir', folder.path]);
  expect(JSON.parse(listed.stdout)).toEqual(body['conditions']);
  expect((await rollcall(['alerts', '--data-dir', folder.path])).stdout).toContain('nightly failed');

  const set = await request('/settings/job_failed', { job: 'nightly', value: 2 });
  expect(set).toMatchObject({
    status: 200,
    body: {
      settings: [
        { rule: 'job_failed', job: 'nightly', value: 2, enabled: true },
        { rule: 'new_failure_group', job: null, value: null, enabled: false },
      ],
    },
  });
  expect((await request('')).body).toEqual({ conditions: [] });
  expect((await rollcall(['alerts', '--data-dir', folder.path])).stdout).toBe(
    'Nothing deserves attention.\n',
  );
  await request('/settings/job_failed', { job: 'nightly' });
  expect((await request('')).body['conditions']).toHaveLength(1);
  await request('/settings/job_failed', { enabled: false });
  // What was said of the job counts first.
  expect((await request('')).body['conditions']).toHaveLength(1);
});

test('a rule or a field that nobody knows is refused by name', async () => {
  const unknown = await request('/settings/job_exploded', { value: 1 });
  expect(unknown.status).toBe(400);
  expect(JSON.stringify(unknown.body)).toContain('job_failed');
  expect((await request('/settings/job_failed', { valeu: 1 })).status).toBe(400);
  expect((await request('/settings/job_failed', { value: -1 })).status).toBe(400);
});

test('each rule has a view of its name, and the views together are alert_conditions', async () => {
  const views = await ask<{ name: string; query: string }>(
    service.url,
    "SELECT name, create_table_query AS query FROM system.tables WHERE database = currentDatabase() AND name LIKE 'alert_%' AND engine = 'View'",
  );
  const queries = new Map(views.map(({ name, query }) => [name, query]));
  for (const rule of ALERT_RULES) {
    const query = queries.get(`alert_${rule}`) ?? '';
    // Some are read together with others of their kind.
    const base = /FROM rollcall\.(alert_of_\w+)\s+WHERE rule = '(\w+)'/.exec(query);
    if (base !== null) expect(base[2]).toBe(rule);
    expect(queries.get('alert_conditions'), rule).toMatch(
      new RegExp(`FROM rollcall\\.${base?.[1] ?? `alert_${rule}`}\\b`),
    );
  }
  const others = ['alert_runs', 'alert_jobs', 'alert_of_runs', 'alert_of_schedules', 'alert_conditions'];
  expect([...queries.keys()].toSorted()).toEqual(
    [...ALERT_RULES.map((rule) => `alert_${rule}`), ...others].toSorted(),
  );
});
