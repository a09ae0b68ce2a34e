/** What the documents say is so. */

import { existsSync } from 'node:fs';
import { readdir, readFile } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { openTemporaryEngine } from '../packages/ingest/test/temporary-engine.ts';
import type { Engine } from '../packages/ingest/src/store/engine.ts';

const ROOT = fileURLToPath(new URL('..', import.meta.url));

interface Page {
  readonly path: string;
  readonly text: string;
}

let pages: Page[];
let engine: Engine;
let dispose: () => Promise<void>;

beforeAll(async () => {
  const docs = (await readdir(`${ROOT}docs`)).filter((name) => name.endsWith('.md'));
  const paths = ['README.md', 'CONTRIBUTING.md', 'CHANGELOG.md', ...docs.map((name) => `docs/${name}`)];
  pages = await Promise.all(
    paths.map(async (path) => ({ path, text: await readFile(`${ROOT}${path}`, 'utf8') })),
  );
  ({ engine, dispose } = await openTemporaryEngine());
});

afterAll(async () => {
  await dispose();
});

test('every SQL statement in the documents runs', async () => {
  const statements = pages.flatMap(({ path, text }) =>
    [...text.matchAll(/```sql\n([\s\S]*?)```/g)].map(([, sql]) => ({ path, sql: sql ?? '' })),
  );
  expect(statements.length).toBeGreaterThan(2);
  for (const { path, sql } of statements) {
    const parameters = Object.fromEntries([...sql.matchAll(/\{(\w+):/g)].map(([, name]) => [name, 'x']));
    await expect(
      engine.readOnly(sql, { format: 'Null', parameters }),
      `${path}: ${sql}`,
    ).resolves.toBeDefined();
  }
});

test('every link and picture within the repository leads somewhere', () => {
  const dead = pages.flatMap(({ path, text }) =>
    [...text.matchAll(/\]\(([^)#\s]+)(?:#[^)]*)?\)/g)]
      .map(([, target]) => target ?? '')
      .filter((target) => !/^[a-z]+:/.test(target) && !existsSync(resolve(ROOT, dirname(path), target)))
      .map((target) => `${path} → ${target}`),
  );

  expect(dead).toEqual([]);
});

test('the settings page lists exactly the settings that are read', async () => {
  const config = await readFile(`${ROOT}packages/ingest/src/config.ts`, 'utf8');
  const read = new Set([...config.matchAll(/^ {2}(ROLLCALL_\w+):/gm)].map(([, name]) => name));
  const page = pages.find(({ path }) => path === 'docs/configuration.md')?.text ?? '';
  const listed = new Set([...page.matchAll(/^\| `(ROLLCALL_\w+)`/gm)].map(([, name]) => name));
  // Read by the command, not by the service.
  listed.delete('ROLLCALL_API_KEY');

  expect(listed).toEqual(read);
});

test('the contract page names every column-bearing view, and each view is there', async () => {
  const views = await engine.rows<{ name: string }>(
    "SELECT name FROM system.tables WHERE database = 'rollcall' AND engine = 'View'",
  );
  const page = pages.find(({ path }) => path === 'docs/sql.md')?.text ?? '';

  for (const name of [
    'job_runs',
    'client_runs',
    'client_metrics',
    'job_metrics',
    'failures',
    'failure_groups',
    'expected_runs',
  ]) {
    expect(views.map((view) => view.name)).toContain(name);
    expect(page).toContain(`\`${name}\``);
  }
});

test('the views have the columns of the contract', async () => {
  const contract: Record<string, string> = {
    job_runs:
      'project_id, job_name, run_id, trace_id, attempt, verdict, declared_status, started_at, ended_at, duration_ms, last_seen_at, progress, clients_expected, clients_started, clients_completed, clients_nothing_to_do, clients_failed, clients_lost, clients_never_started, telemetry, error_type, error_message, notes',
    client_runs:
      'project_id, job_name, run_id, client_id, client_run_id, trace_id, attempt, verdict, declared_status, started_at, ended_at, duration_ms, last_seen_at, progress, telemetry, error_type, error_message, fingerprint',
    client_metrics: 'project_id, job_name, run_id, client_id, metric, aggregation, value, updated_at',
    job_metrics: 'project_id, job_name, run_id, metric, aggregation, value, clients, updated_at',
    failures:
      'project_id, job_name, run_id, client_id, step, fingerprint, error_type, error_message, stacktrace, occurred_at, trace_id, span_id',
    expected_runs:
      'project_id, job_name, schedule, expression, problem, late_after_ms, max_runtime_ms, state, last_run_id, last_started_at, last_verdict, next_due_at, late, late_since, missed, missed_since, unknown, running_too_long, running_since',
    failure_groups:
      'project_id, job_name, fingerprint, error_type, sample_message, first_seen, last_seen, occurrences, runs, clients',
  };
  for (const [view, columns] of Object.entries(contract)) {
    await expect(engine.rows(`SELECT ${columns} FROM ${view} LIMIT 0`), view).resolves.toEqual([]);
  }
});
