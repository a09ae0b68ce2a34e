/** A receiver that is unwell is its own trouble. */

import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { openTemporaryEngine } from '../../../test/temporary-engine.ts';
import type { Engine } from '../../store/engine.ts';
import { readConditionsOf, type AlertCondition } from '../conditions.ts';
import type { Change } from './message.ts';
import { Notifier } from './notifier.ts';
import { keyOf, readTold, writeTold } from './told.ts';
import { readWebhooks } from './webhook-file.ts';

let engine: Engine;
let dispose: () => Promise<void>;

beforeAll(async () => {
  ({ engine, dispose } = await openTemporaryEngine());
});

afterAll(async () => dispose());

test('a receiver that never answers does not hold up the stop', async () => {
  await engine.command(
    "INSERT INTO ingest_alive (instance, since, until) SELECT 'here:1', now64(3) - INTERVAL 2 HOUR, now64(3) - INTERVAL 1 HOUR",
  );
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const warnings: unknown[] = [];
  const notifier = new Notifier({
    engine,
    webhooks: [{ name: 'deaf', url: `http://127.0.0.1:${port}/`, format: 'generic', rules: ['ingest_down'] }],
    intervalMs: 50,
    clock: Date.now,
    log: { warn: (...told: unknown[]) => warnings.push(told), info: () => undefined },
  });
  notifier.start();
  const [, response] = (await once(server, 'request')) as [unknown, ServerResponse];
  const stoppedMs = performance.now();
  await notifier.stop();

  // The request itself would be given up after ten seconds.
  expect(performance.now() - stoppedMs).toBeLessThan(5_000);
  expect(response.writableEnded).toBe(false);
  expect(warnings).toEqual([]);
  server.closeAllConnections();
  server.close();
});

test('thousands of changes are remembered in statements that a server takes', async () => {
  const longest = { value: 0 };
  const changes = Array.from({ length: 3_000 }, (_, index): Change => ({
    status: 'firing',
    condition: condition(`client-${index}`),
  }));
  await writeTold(
    {
      ...engine,
      command: async (sql, parameters = {}) => {
        longest.value = Math.max(longest.value, encodeURIComponent(JSON.stringify(parameters)).length);
        await engine.command(sql, parameters);
      },
    },
    'pager',
    changes,
  );

  // https://clickhouse.com/docs/operations/settings/settings#http_max_field_value_size
  expect(longest.value).toBeLessThan(131_072);
  expect((await readTold(engine, 'pager')).size).toBe(changes.length);
});

test.each([
  ['that is not JSON', '{"webhooks":[{"name":"x","url":"https://hooks.example/","secret": hush-hush}]}'],
  ['that is cut off', '{"webhooks":[{"name":"x","secret":"hush-hush'],
  ['with a password in a URL', '{"webhooks":[{"name":"x","url":"https://me:hush-hush@hooks.example/"}]}'],
])('a file %s is refused without its secrets', async (_, content) => {
  const folder = await mkdtemp(join(tmpdir(), 'rollcall-webhooks-'));
  const path = join(folder, 'webhooks.json');
  await writeFile(path, content);
  const error = await readWebhooks(path).catch((thrown: unknown) => thrown as Error);

  expect(error).toMatchObject({ code: 'invalid_webhooks_file' });
  expect((error as Error).message).not.toMatch(/hush/);
  await rm(folder, { recursive: true });
});

test('a job that fails again and again stays one condition, however often', async () => {
  const fail = async (first: number, runs: number): Promise<void> =>
    engine.command(
      `INSERT INTO run_summaries (project_id, run_id, origin, job_name, started_at, last_sign_at, declared_end_at, declared_status, error_type)
       WITH now64(9) - INTERVAL 10 HOUR + toIntervalMinute(number) AS at
       SELECT 'default', formatDateTime(at, '%y%m%d-%H%i%S'), 'a', 'endless', at, at, at, 'failed', 'TimeoutError' FROM numbers({first:UInt32}, {runs:UInt32})`,
      { first, runs },
    );
  const keys = new Set<string>();
  await fail(0, 100);
  for (let more = 0; more < 3; more++) {
    const found = await readConditionsOf(engine, ['job_failed']);
    expect(found.map(({ job, value }) => [job, value])).toEqual([['endless', 100]]);
    for (const one of found) keys.add(keyOf(one));
    await fail(100 + more, 1);
  }
  expect(keys.size).toBe(1);
});

function condition(clientId: string): AlertCondition {
  return {
    project: 'default',
    rule: 'client_failing',
    severity: 'warning',
    job: 'billing',
    runId: '261125-000000',
    clientId,
    subject: '',
    since: '2026-11-25T00:00:00Z',
    value: 3,
    threshold: 3,
    summary: `${clientId} of 'billing' has failed three times in a row: TimeoutError: no answer – ${'ü'.repeat(100)}`,
  };
}
