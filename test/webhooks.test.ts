/** Webhooks hear of what begins and of what is over: once, signed, and not in the night. */

import { createHmac } from 'node:crypto';
import { once } from 'node:events';
import { writeFile } from 'node:fs/promises';
import { createServer, type IncomingHttpHeaders } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { rollcall, startProcess, temporaryFolder, type RunningService } from './rollcall-process.ts';
import { trackingClient } from './tracking-client.ts';

const LOOK_MS = 300;
const SECRET = 'a secret of at least sixteen characters';

interface Heard {
  readonly path: string;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

interface Alert {
  readonly status: string;
  readonly rule: string;
  readonly job: string;
  readonly severity: string;
  readonly summary: string;
}

/** Somebody who is told things, and may be unwell. */
class Listener implements AsyncDisposable {
  readonly heard: Heard[] = [];
  readonly refused: Heard[] = [];
  isUnwell = false;
  readonly #server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const told = {
        path: request.url ?? '',
        headers: request.headers,
        body: Buffer.concat(chunks).toString(),
      };
      (this.isUnwell ? this.refused : this.heard).push(told);
      response.writeHead(this.isUnwell ? 503 : 200).end();
    });
  }).listen(0, '127.0.0.1');

  async url(): Promise<string> {
    if (!this.#server.listening) await once(this.#server, 'listening');
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  at(path: string): Heard[] {
    return this.heard.filter((told) => told.path === path);
  }

  alertsAt(path: string): Alert[] {
    return this.at(path).flatMap(({ body }) => (JSON.parse(body) as { alerts: Alert[] }).alerts);
  }

  async until(condition: () => boolean): Promise<void> {
    for (let looks = 0; looks < 200 && !condition(); looks++) await sleep(100);
    expect(condition(), JSON.stringify(this.heard.map(({ path, body }) => [path, body]))).toBe(true);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.closeAllConnections();
    this.#server.close();
  }
}

describe('webhooks', () => {
  let folder: Awaited<ReturnType<typeof temporaryFolder>>;
  let service: RunningService;
  const listener = new Listener();

  /** A run that ends as it is told. */
  async function run(job: string, status: 'completed' | 'failed'): Promise<void> {
    const api = trackingClient(service.url);
    const { body } = await api<{ runId: string }>('POST', '/runs', { job });
    const error = { type: 'TimeoutError', message: 'no answer from <db> & co' };
    await api('POST', `/runs/${body.runId}/complete`, { status, ...(status === 'failed' ? { error } : {}) });
  }

  async function start(): Promise<void> {
    service = await startProcess(folder.path, {
      ROLLCALL_ALERT_INTERVAL_MS: String(LOOK_MS),
      ROLLCALL_LOG_LEVEL: 'warn',
    });
  }

  beforeAll(async () => {
    folder = await temporaryFolder();
    const url = await listener.url();
    const hour = (shift: number): string =>
      new Date(Date.now() + shift * 3_600_000).toISOString().slice(11, 16);
    await writeFile(
      join(folder.path, 'webhooks.json'),
      JSON.stringify({
        webhooks: [
          { name: 'chat', url: `${url}/chat`, format: 'slack', rules: ['job_failed'] },
          { name: 'pager', url: `${url}/pager`, secret: SECRET, severities: ['critical'] },
          { name: 'night', url: `${url}/night`, quietHours: { from: hour(-1), until: hour(1) } },
          { name: 'day', url: `${url}/day` },
          { name: 'other', url: `${url}/other`, project: 'somebody-else' },
        ],
      }),
    );
    await start();
  });

  afterAll(async () => {
    await service.stop();
    await listener[Symbol.asyncDispose]();
    await folder.remove();
  });

  test('a failed job is told once to each that it concerns, and again when it is over', async () => {
    await run('billing', 'failed');
    await listener.until(() => listener.at('/chat').length > 0 && listener.at('/pager').length > 0);
    await sleep(5 * LOOK_MS);

    expect(listener.at('/chat').map(({ body }) => (JSON.parse(body) as { text: string }).text)).toEqual([
      expect.stringMatching(
        /^:x: \*job_failed\*: .*billing.*TimeoutError: no answer from &lt;db&gt; &amp; co/,
      ),
    ]);
    expect(listener.alertsAt('/pager')).toMatchObject([
      { status: 'firing', rule: 'job_failed', job: 'billing', severity: 'critical' },
    ]);
    expect(listener.at('/other')).toEqual([]);

    await run('billing', 'completed');
    await listener.until(() => listener.at('/chat').length > 1 && listener.at('/pager').length > 1);
    await sleep(5 * LOOK_MS);

    expect((JSON.parse(listener.at('/chat')[1]?.body ?? '') as { text: string }).text).toMatch(
      /^:white_check_mark: \*over\* job_failed: .*billing/,
    );
    expect(listener.alertsAt('/pager').map(({ status }) => status)).toEqual(['firing', 'resolved']);
  });

  test('what is sent is signed, and each message has an ID', () => {
    for (const { headers, body } of listener.at('/pager')) {
      const [, time, signature] =
        /^t=(\d+),v1=([\da-f]{64})$/.exec(String(headers['x-rollcall-signature'])) ?? [];
      expect(signature).toBe(createHmac('sha256', SECRET).update(`${time}.${body}`).digest('hex'));
      expect(Math.abs(Number(time) - Date.now() / 1000)).toBeLessThan(120);
      expect(headers['x-rollcall-delivery']).toBe((JSON.parse(body) as { id: string }).id);
    }
    expect(listener.at('/chat')[0]?.headers).not.toHaveProperty('x-rollcall-signature');
  });

  test('in its quiet hours a webhook hears of nothing but what is critical', async () => {
    const night = listener.alertsAt('/night');
    expect(night.length).toBeGreaterThan(0);
    expect(new Set(night.map(({ severity }) => severity))).toEqual(new Set(['critical']));
    expect(listener.alertsAt('/day').map(({ severity }) => severity)).toContain('warning');
  });

  test('a receiver that is unwell is told when it is well, and a restart tells nobody twice', async () => {
    listener.isUnwell = true;
    await run('harvest', 'failed');
    await listener.until(() => listener.refused.filter(({ path }) => path === '/pager').length >= 2);
    const ids = new Set(
      listener.refused
        .filter(({ path }) => path === '/pager')
        .map(({ headers }) => headers['x-rollcall-delivery']),
    );
    expect(ids.size).toBe(1);
    listener.isUnwell = false;
    const tellsOf = (path: string) => listener.alertsAt(path).filter(({ job }) => job === 'harvest');
    await listener.until(() => tellsOf('/pager').length > 0 && tellsOf('/night').length > 0);

    await service.stop();
    await start();
    await sleep(8 * LOOK_MS);
    expect(tellsOf('/pager').map(({ status }) => status)).toEqual(['firing']);

    await run('harvest', 'completed');
    await listener.until(() => tellsOf('/pager').length > 1);
    expect(tellsOf('/pager').map(({ status }) => status)).toEqual(['firing', 'resolved']);
    const metrics = await (await fetch(`${service.url}/metrics`)).text();
    expect(metrics).toMatch(/rollcall_webhook_messages_total\{webhook="pager",outcome="delivered"\} [1-9]/);
  });
});

test('rollcall webhooks lists them without what is secret, and tries them', async () => {
  await using listener = new Listener();
  const folder = await temporaryFolder();
  const url = `${await listener.url()}/hush-hush`;
  const nowhere = 'http://127.0.0.1:1/hush-hush';
  await writeFile(
    join(folder.path, 'webhooks.json'),
    JSON.stringify({
      webhooks: [
        { name: 'chat', url, format: 'slack' },
        { name: 'gone', url: nowhere },
      ],
    }),
  );
  const ask = async (...args: string[]) => rollcall(['--data-dir', folder.path, 'webhooks', ...args]);
  const listed = await ask();
  const one = await ask('--test', 'chat');
  const all = await ask('--test');
  const unknown = await ask('--test', 'chta');

  expect(listed).toMatchObject({ code: 0, stderr: '' });
  expect(listed.stdout).toContain('chat');
  expect(listed.stdout).not.toContain('hush');
  expect(one).toMatchObject({ code: 0, stdout: 'chat: has it\n' });
  expect(all.code).toBe(1);
  expect(all.stdout).toMatch(/chat: has it\ngone: .*ECONNREFUSED|gone: .*bad port/);
  expect(unknown).toMatchObject({ code: 2, stdout: '' });
  expect(unknown.stderr).toContain('chat, gone');
  expect(listener.heard.map(({ body }) => body)).toEqual([
    expect.stringContaining('test of Rollcall'),
    expect.stringContaining('test of Rollcall'),
  ]);
  await folder.remove();
});

test('without webhooks the list says how to name some, and a test has nobody to reach', async () => {
  const folder = await temporaryFolder();
  const ask = async (...args: string[]) => rollcall(['--data-dir', folder.path, 'webhooks', ...args]);
  const listed = await ask();
  const tested = await ask('--test');

  expect(listed).toMatchObject({ code: 0, stderr: '' });
  expect(listed.stdout).toContain('docs/webhooks.md');
  expect(tested).toMatchObject({ code: 2, stdout: '' });
  expect(tested.stderr).toContain('docs/webhooks.md');
  await folder.remove();
});

test('a file of webhooks that can not be used stops the service, and its secrets are not shown', async () => {
  const folder = await temporaryFolder();
  await writeFile(
    join(folder.path, 'webhooks.json'),
    JSON.stringify({
      webhooks: [
        {
          name: 'x',
          url: 'http://127.0.0.1:1/hush-hush',
          rules: ['no_such_rule'],
          quietHours: { from: '25:00', until: '06:00' },
        },
      ],
    }),
  );
  const { code, stderr } = await rollcall(['up', '--port', '0', '--data-dir', folder.path]);

  expect(code).not.toBe(0);
  expect(stderr).toContain('webhooks.json');
  expect(stderr).toContain('rules');
  expect(stderr).toContain('22:00');
  expect(stderr).not.toContain('hush-hush');
  await folder.remove();
});
