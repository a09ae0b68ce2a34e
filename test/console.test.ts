/** The console in a real browser, on a real service, with real jobs. */

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import type { Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { findChromium, startBrowser, violations, type TestBrowser } from './browser.ts';
import {
  askUntil,
  rollcall,
  spawnScript,
  startProcess,
  temporaryFolder,
  type RunningService,
} from './rollcall-process.ts';

const DEMO_JOB = fileURLToPath(new URL('../packages/cli/src/demo/flight-delays-job.ts', import.meta.url));
const chromium = findChromium();

describe.skipIf(chromium === null)('the console', () => {
  let folder: Awaited<ReturnType<typeof temporaryFolder>>;
  let service: RunningService;
  let browser: TestBrowser;
  let runId: string;

  /** Starts the demo's job and returns once its run has an ID. */
  async function startJob(paceMs: number, settings: Record<string, string> = {}) {
    const child = spawnScript(DEMO_JOB, [String(paceMs)], {
      OTEL_EXPORTER_OTLP_ENDPOINT: service.url,
      ...settings,
    });
    const [line] = (await once(child.stdout as NodeJS.ReadableStream, 'data')) as [Buffer];
    return { child, runId: line.toString().trim(), ended: once(child, 'exit') };
  }

  beforeAll(async () => {
    folder = await temporaryFolder();
    [service, browser] = await Promise.all([startProcess(folder.path), startBrowser(chromium ?? '')]);
    const job = await startJob(0);
    runId = job.runId;
    await job.ended;
    await askUntil<{ verdict: string }>(
      service.url,
      `SELECT verdict FROM job_runs WHERE run_id = '${runId}' AND telemetry = 'complete'`,
      ([run]) => run?.verdict === 'completed_with_errors',
    );
  }, 120_000);

  afterAll(async () => {
    await browser.close();
    await service.stop();
    await folder.remove();
  });

  afterEach(() => {
    expect(browser.complaints()).toEqual([]);
  });

  const open = (path: string, options = {}): Promise<Page> => browser.open(`${service.url}${path}`, options);

  /** A program that starts jobs when it is told to, and asks nobody for their IDs. */
  function startStorm(settings: Record<string, string>) {
    const program = fileURLToPath(new URL('./programs/job-storm.ts', import.meta.url));
    const endpoint = { OTEL_EXPORTER_OTLP_ENDPOINT: service.url, ROLLCALL_CLAIM_TIMEOUT_MS: '0' };
    return spawn(process.execPath, ['--conditions=rollcall-source', program], {
      env: { PATH: process.env['PATH'], ...endpoint, ...settings },
      stdio: ['pipe', 'ignore', 'inherit'],
    });
  }

  describe('every page', () => {
    const pages = (): [path: string, words: string][] => [
      ['/', 'Latest runs'],
      ['/runs', 'flight_delays'],
      ['/runs?verdict=failed', 'No such runs'],
      [`/runs/${runId}`, '3 failed'],
      [`/runs/${runId}?client=BMI`, 'All runs of this client'],
      [`/runs/${runId}/timeline`, 'spans'],
      [`/runs/${runId}/metrics`, 'median'],
      [`/runs/${runId}/failures`, 'To run again: 4'],
      [`/runs/${runId}/logs`, 'run ended'],
      [`/runs/${runId}/attempts`, 'Nothing was tried twice'],
      ['/jobs', '1 job'],
      ['/jobs/flight_delays', 'Clients, run by run'],
      ['/clients/BMI', 'needs review'],
      ['/failures', 'delay of'],
      ['/runs/250101-000000', 'There is no such run'],
      ['/nowhere', 'nothing at this address'],
    ];

    test.each([
      ['light', 1366],
      ['dark', 390],
    ] as const)(
      'shows what it is for, has no fault that axe finds, and fits the screen: %s, %i px',
      async (colorScheme, width) => {
        const page = await open('/', { colorScheme, viewport: { width, height: 800 } });
        for (const [path, words] of pages()) {
          await page.goto(`${service.url}${path}`);
          await page.getByText(words).first().waitFor();
          expect(await violations(page), path).toEqual([]);
          await expect
            .poll(() => page.evaluate('document.documentElement.scrollWidth - innerWidth'), { message: path })
            .toBeLessThanOrEqual(0);
        }
        // The browser notes the answer for the address that names no run; the page says it in words.
        expect(browser.complaints().filter((one) => !one.includes('404'))).toEqual([]);
        await page.context().close();
      },
      120_000,
    );
  });

  test('says the same of the demo as the data', async () => {
    const page = await open(`/runs/${runId}`);

    await page.getByText('completed with errors').first().waitFor();
    for (const words of ['3 failed', '1 never started', '260 nothing to do', '217 completed'])
      await page.getByRole('button', { name: words }).waitFor();
    expect(await page.locator('.totals').innerText()).toContain('Flights Processed');
    await page.getByRole('button', { name: 'never started' }).click();
    await page.getByText('1 of 481 clients').waitFor();
    expect(await page.locator('.client-row').allInnerTexts()).toEqual([expect.stringContaining('ZZZ')]);
    await page.context().close();
  });

  test('a cell of the roll call opens its client, at an address of its own', async () => {
    const page = await open(`/runs/${runId}`);
    const canvas = page.locator('.grid-box canvas');
    await canvas.click({ position: { x: 8, y: 8 } });
    const sheet = page.locator('aside.client-sheet');
    await sheet.waitFor();
    const client = await sheet.getByRole('heading', { level: 2 }).innerText();

    expect(page.url()).toContain(`client=${client}`);
    await page.reload();
    await sheet.getByRole('heading', { name: client }).waitFor();
    await page.keyboard.press('Escape');
    await sheet.waitFor({ state: 'detached' });
    expect(page.url()).not.toContain('client=');
    await page.context().close();
  });

  test('the timeline goes closer and shows all again by keys', async () => {
    const page = await open(`/runs/${runId}/timeline`);
    const all = page.getByRole('button', { name: 'All', exact: true });
    await page.locator('.timeline').focus();
    expect(await all.isDisabled()).toBe(true);
    await page.keyboard.press('+');
    await page.keyboard.press('ArrowRight');
    expect(await all.isDisabled()).toBe(false);
    await page.keyboard.press('0');
    expect(await all.isDisabled()).toBe(true);
    await page.context().close();
  });

  test('everything is reached by keys, and the back button works', async () => {
    const page = await open('/');
    await page.getByText('Latest runs').waitFor();

    await page.keyboard.press('j');
    await page.keyboard.press('Enter');
    await page.waitForURL(`**/runs/${runId}`);
    await page.locator('.tabs').waitFor();
    await page.keyboard.press('4');
    await page.waitForURL(`**/runs/${runId}/failures`);
    await page.goBack();
    await page.goBack();
    await page.getByText('Latest runs').waitFor();

    await page.keyboard.press('/');
    await page.keyboard.type('needs review');
    await page.getByRole('option').first().waitFor();
    await page.keyboard.press('Enter');
    await page.waitForURL('**/failures/flight_delays/*');

    await page.keyboard.press('g');
    await page.keyboard.press('j');
    await page.waitForURL('**/jobs');
    await page.keyboard.press('?');
    await page.getByRole('dialog').getByText('light or dark').waitFor();
    await page.keyboard.press('Escape');
    await page.getByRole('dialog').waitFor({ state: 'hidden' });
    await page.context().close();
  });

  test.each([
    ['a run ID', () => runId, () => `/runs/${runId}`],
    ['a client', () => 'BMI', () => '/clients/BMI'],
    ['a job', () => 'flight_d', () => '/jobs/flight_delays'],
  ])('search finds %s', async (_, text, address) => {
    const page = await open('/');
    await page.getByRole('combobox').fill(text());
    await page.getByRole('option').first().waitFor();
    await page.keyboard.press('Enter');
    await page.waitForURL(`**${address()}`);
    await page.context().close();
  });

  test('times are in the zone of the viewer, with UTC beside them', async () => {
    const page = await open(`/runs/${runId}`);
    const time = page.locator('.facts time').first();
    await time.waitFor();
    const iso = (await time.getAttribute('datetime')) ?? '';

    expect(await time.getAttribute('title')).toBe(`${iso.replace('T', ' ').slice(0, 19)} UTC`);
    expect(await time.innerText()).toContain(
      new Date(iso).toLocaleTimeString('en-GB', { timeZone: 'Europe/Berlin', hourCycle: 'h23' }),
    );
    await page.context().close();
  });

  test('a batch shows up, moves on and ends on an open page, without a reload', async () => {
    const page = await open('/');
    await page.getByText('live', { exact: true }).waitFor();
    await page.evaluate('globalThis.isSamePage = true');

    const job = await startJob(30);
    const card = page.locator('.card', { hasText: job.runId });
    await card.waitFor();
    const shareDone = async (): Promise<number> =>
      Number(/^(\d+) %$/.exec(await card.locator('.big').innerText())?.[1] ?? 0);
    await expect.poll(shareDone, { timeout: 45_000, interval: 100 }).toBeGreaterThan(0);
    const before = await shareDone();
    await expect.poll(shareDone, { timeout: 45_000, interval: 100 }).toBeGreaterThan(before);
    await job.ended;
    await page.locator('.run-row', { hasText: job.runId }).getByText('completed with errors').waitFor();

    expect(await card.count()).toBe(0);
    expect(await page.evaluate('globalThis.isSamePage')).toBe(true);
    await page.context().close();
  });

  test('a run killed with -9 turns lost on screen, and so does the client it was at', async () => {
    const job = await startJob(300, { ROLLCALL_HEARTBEAT_INTERVAL_MS: '500' });
    const page = await open(`/runs/${job.runId}`);
    await page.getByRole('button', { name: /running/ }).waitFor();

    job.child.kill('SIGKILL');
    await job.ended;
    await page.locator('.run-title').getByText('lost', { exact: true }).waitFor();
    await page.getByRole('button', { name: '1 lost' }).waitFor();
    await page.getByText('silent for three heartbeats').first().waitFor();
    await page.context().close();
  });

  test('a job that is due and does not start is overdue on the first page, and its own page says when it is due', async () => {
    const page = await open('/');
    const declared = await fetch(`${service.url}/api/v1/jobs/nightly_sync/schedule`, {
      method: 'PUT',
      headers: { 'Content-Type': 'application/json' },
      body: JSON.stringify({ schedule: { everyMs: 1_000 }, lateAfterMs: 1_000 }),
    });
    expect(declared.status).toBe(200);
    await fetch(`${service.url}/api/v1/jobs/flight_delays/schedule`, {
      method: 'PUT',
      headers: { 'Content-Type': 'application/json' },
      body: JSON.stringify({ schedule: { cron: '0 2 * * *' } }),
    });

    await expect
      .poll(
        async () => {
          await page.reload();
          await page.getByText('Latest runs').waitFor();
          return page.locator('.overdue-row').allInnerTexts();
        },
        { timeout: 60_000, interval: 1_000 },
      )
      .toEqual([expect.stringContaining('nightly_sync')]);
    await page.goto(`${service.url}/jobs/flight_delays`);
    await page.getByText('Next due').waitFor();
    await page.context().close();
  });

  test('asks no other host, lets nobody frame it, and keeps assets for ever', async () => {
    const home = await fetch(`${service.url}/`, { headers: { Accept: 'text/html' } });
    const html = await home.text();
    const asset = /src="(\/assets\/[^"]+\.js)"/.exec(html)?.[1] ?? '';
    const script = await fetch(`${service.url}${asset}`);
    const deep = await fetch(`${service.url}/runs/${runId}/logs`, { headers: { Accept: 'text/html' } });
    const unknown = await fetch(`${service.url}/api/v1/nowhere`, { headers: { Accept: 'text/html' } });

    expect(home.headers.get('content-security-policy')).toContain("default-src 'none'");
    expect(home.headers.get('content-security-policy')).toContain("frame-ancestors 'none'");
    expect(home.headers.get('content-security-policy')).not.toContain('unsafe');
    expect(home.headers.get('cache-control')).toBe('no-cache');
    expect(html).not.toMatch(/https?:\/\//);
    expect(script.status).toBe(200);
    expect(script.headers.get('cache-control')).toContain('immutable');
    expect(script.headers.get('content-encoding')).toBe('gzip');
    expect(await deep.text()).toBe(html);
    expect(unknown.status).toBe(404);
    expect(unknown.headers.get('content-type')).toContain('application/problem+json');
  });

  test('runs that share a run ID are opened one by one', async () => {
    const programs = ['first_of_two', 'second_of_two'].map((name) => startStorm({ JOB: name, JOBS: '1' }));
    await sleep(2_000);
    // In the middle of a second, so that the same one is meant.
    await sleep(1_200 - (Date.now() % 1_000));
    for (const { stdin } of programs) stdin?.write('go\n');
    await Promise.all(programs.map(async (child) => once(child, 'exit')));
    const runs = await askUntil<{ job_name: string; run_id: string; origin: string }>(
      service.url,
      "SELECT job_name, run_id, origin FROM job_runs WHERE endsWith(job_name, '_of_two') AND conflicts = 1 ORDER BY job_name",
      (found) => found.length === 2,
    );
    const page = await open('/runs?job=second_of_two');
    await page.locator('main').getByText('second_of_two').first().click();
    await page.getByRole('heading', { name: 'second_of_two' }).waitFor();

    expect(new URL(page.url()).pathname).toBe(`/runs/${runs[1]?.run_id}~${runs[1]?.origin.slice(0, 8)}`);
    await page.getByRole('link', { name: 'Logs' }).click();
    await page.getByText('run ended').waitFor();
    await page.goto(`${service.url}/runs/${runs[0]?.run_id}~${runs[0]?.origin.slice(0, 8)}`);
    await page.getByRole('heading', { name: 'first_of_two' }).waitFor();
    // By the ID alone it is the one that began first; the address then says which.
    await page.goto(`${service.url}/runs/${runs[0]?.run_id}`);
    await page.waitForURL(/~[\da-f]{8}$/);
    await page.context().close();
  });

  test('a page that stays open while many runs come and go holds no more than before', async () => {
    const page = await open('/');
    await page.getByText('Latest runs').waitFor();
    const session = await page.context().newCDPSession(page);
    const measure = async () => {
      for (let times = 0; times < 3; times++) await session.send('HeapProfiler.collectGarbage');
      const { usedSize } = await session.send('Runtime.getHeapUsage');
      const { nodes, jsEventListeners } = await session.send('Memory.getDOMCounters');
      return { usedSize, nodes, jsEventListeners };
    };
    const work = async (name: string, runs: number) => {
      const child = startStorm({ JOB: name, JOBS: String(runs) });
      child.stdin?.write('go\n');
      await once(child, 'exit');
      await page.getByText(name).first().waitFor();
      await sleep(2_000);
    };

    await work('warm_up', 100);
    const before = await measure();
    await work('steady', 300);
    const after = await measure();

    expect(after.nodes).toBeLessThan(before.nodes * 1.2);
    expect(after.jsEventListeners).toBeLessThan(before.jsEventListeners * 1.2 + 20);
    expect(after.usedSize).toBeLessThan(before.usedSize * 1.2 + 500_000);
    // And what it shows is what is so.
    const shown = await page.locator('main li.row, main li a.row').allInnerTexts();
    expect(shown.length).toBeGreaterThan(10);
    const { latest } = (await (await fetch(`${service.url}/api/v1/now`)).json()) as {
      latest: { runId: string }[];
    };
    for (const run of latest.slice(0, 10)) expect(shown.join(' ')).toContain(run.runId);
    await page.context().close();
  }, 180_000);

  describe('where keys are configured', () => {
    let keyed: RunningService;
    let key: string;
    let keyedFolder: Awaited<ReturnType<typeof temporaryFolder>>;

    beforeAll(async () => {
      keyedFolder = await temporaryFolder();
      const added = await rollcall([
        '--data-dir',
        keyedFolder.path,
        'keys',
        'add',
        '--project',
        'acme',
        '--scopes',
        'read',
      ]);
      key = /\brc_\S+|[\w-]{40,}/.exec(added.stdout)?.[0] ?? '';
      keyed = await startProcess(keyedFolder.path);
    });

    afterAll(async () => {
      await keyedFolder.remove();
    });

    test('it asks for the key, keeps it for the tab, shows how to begin, and says when the service is gone', async () => {
      const page = await browser.open(`${keyed.url}/`);
      const field = page.getByLabel('API key');
      await field.fill('not-a-key');
      await page.keyboard.press('Enter');
      await page.getByText('not known here').waitFor();
      expect(await violations(page)).toEqual([]);

      await field.fill(key);
      await page.keyboard.press('Enter');
      await page.getByText('No runs yet').waitFor();
      await page.getByText('live', { exact: true }).waitFor();
      expect(await violations(page)).toEqual([]);
      await page.reload();
      await page.getByText('No runs yet').waitFor();
      expect(await page.evaluate('[sessionStorage.length, localStorage.length]')).toEqual([1, 0]);

      await keyed.stop();
      await page.getByText('offline', { exact: true }).waitFor();
      // Refused and cut connections are what this test is about.
      browser.complaints();
      await page.context().close();
      browser.complaints();
    });
  });
});
