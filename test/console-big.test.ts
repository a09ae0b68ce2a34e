/** The console with a big project: 1,000 jobs, 100,000 runs, and a run of 5,000 clients. */

import { readdir, readFile, stat } from 'node:fs/promises';
import { availableParallelism, loadavg } from 'node:os';
import { join } from 'node:path';
import { consoleFolder } from '@rollcall/console';
import { readConfig, startService, type Service } from '@rollcall/ingest';
import { pino } from 'pino';
import type { Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { generateTypes, TYPES_FILE } from '../scripts/api-types.ts';
import { fillBigProject, type BigProject } from './big-project.fixture.ts';
import { findChromium, startBrowser, violations, type TestBrowser } from './browser.ts';
import { temporaryFolder } from './rollcall-process.ts';

const LARGEST_SCRIPTS_BYTES = 200_000;
/** Where others crowd the processors, everything takes as many times as long, and would say nothing of the console. */
const CROWDING = Math.max(1, (loadavg()[0] ?? 0) / availableParallelism());
const LARGEST_PAINT_MS = 1_000 * CROWDING;
/** How long `WORK` takes on a processor four times as slow as one of 2024. */
const SLOW_WORK_MS = 120;
const SLOWEST_INTERACTION_MS = 200 * CROWDING;

const chromium = findChromium();

test('all scripts of the console together are small', async () => {
  const names = (await readdir(join(consoleFolder, 'assets'))).filter((name) => name.endsWith('.js.gz'));
  const sizes = await Promise.all(
    names.map(async (name) => (await stat(join(consoleFolder, 'assets', name))).size),
  );

  expect(names.length).toBeGreaterThan(3);
  expect(sizes.reduce((sum, size) => sum + size, 0)).toBeLessThan(LARGEST_SCRIPTS_BYTES);
});

describe.skipIf(chromium === null)('with a big project', () => {
  let folder: Awaited<ReturnType<typeof temporaryFolder>>;
  let service: Service;
  let browser: TestBrowser;
  let big: BigProject;

  beforeAll(async () => {
    folder = await temporaryFolder();
    const config = readConfig({ ROLLCALL_DATA_DIR: folder.path, ROLLCALL_PORT: '0' });
    service = await startService(config, { log: pino({ level: 'silent' }) });
    [big, browser] = await Promise.all([
      fillBigProject(service.engine, { isRolledUp: true }),
      startBrowser(chromium ?? ''),
    ]);
  }, 180_000);

  afterAll(async () => {
    await browser.close();
    await service.close();
    await folder.remove();
  });

  const open = (path: string): Promise<Page> => browser.open(`${service.url}${path}`);

  test('the types of the console are those that the service describes', async () => {
    const description = (await (await fetch(`${service.url}/api/openapi.json`)).json()) as Parameters<
      typeof generateTypes
    >[0];
    const squeeze = (text: string): string => text.replaceAll(/[\s;,|]+/g, ' ');

    expect(squeeze(await readFile(TYPES_FILE, 'utf8'))).toBe(squeeze(await generateTypes(description)));
  });

  test('every page of it shows what is there, without a fault', async () => {
    const page = await open('/');
    for (const [path, words] of [
      ['/', 'Nothing runs at the moment.'],
      ['/runs', 'Older'],
      ['/jobs', '1,001 jobs'],
      ['/jobs/harvest_000', 'Records Processed'],
      ['/jobs/fleet_scoring', '5,000'],
      [`/runs/${big.bigRunId}`, '4,535 completed'],
      [`/runs/${big.bigRunId}/timeline`, '14,967 spans'],
      [`/runs/${big.bigRunId}/metrics`, '24,435,848'],
      [`/runs/${big.bigRunId}/failures`, 'To run again: 87'],
      [`/runs/${big.bigRunId}/logs`, 'Older'],
      ['/clients/client-002', 'in trouble'],
      ['/failures', 'RateLimitError'],
    ] as const) {
      await page.goto(`${service.url}${path}`);
      await page.getByText(words).first().waitFor();
    }
    await page.goto(`${service.url}/runs/${big.bigRunId}`);
    await page.getByText('4,535 completed').waitFor();
    expect(await violations(page)).toEqual([]);
    expect(browser.complaints()).toEqual([]);
    await page.context().close();
  });

  test('the largest contentful paint comes within a second, on a processor four times as slow', async () => {
    const paints: number[] = [];
    // Others may be at work on this machine: the best of a few is what the console can do.
    for (let round = 0; round < 8 && Math.min(...paints) >= LARGEST_PAINT_MS; round += 1) {
      const page = await browser.open('about:blank');
      const session = await page.context().newCDPSession(page);
      const speedMs = Math.min(
        await page.evaluate<number>(WORK),
        await page.evaluate<number>(WORK),
        await page.evaluate<number>(WORK),
      );
      await session.send('Emulation.setCPUThrottlingRate', { rate: Math.max(1, SLOW_WORK_MS / speedMs) });
      await page.goto(`${service.url}/`);
      await page.getByText('Latest runs').waitFor();
      paints.push(await page.evaluate<number>(LARGEST_PAINT));
      await page.context().close();
    }

    expect(Math.min(...paints)).toBeLessThan(LARGEST_PAINT_MS);
  });

  test('what a person does on the page of 5,000 clients is on screen at once', async () => {
    const rounds: number[] = [];
    for (let round = 0; round < 4 && Math.min(...rounds) >= SLOWEST_INTERACTION_MS; round += 1) {
      const page = await open(`/runs/${big.bigRunId}`);
      await page.getByText('4,535 completed').waitFor();
      await page.evaluate(WATCH_INTERACTIONS);
      await page.locator('.grid-box canvas').click({ position: { x: 100, y: 100 } });
      await page.locator('aside.client-sheet').waitFor();
      await page.keyboard.press('Escape');
      await page.getByRole('button', { name: '52 failed' }).click();
      await page.getByText('52 of 5,000 clients').waitFor();
      await page.getByRole('button', { name: '52 failed' }).click();
      await page.getByLabel('Filter clients').pressSequentially('tenant-04', { delay: 20 });
      await page.getByText('1,000 of 5,000 clients').waitFor();
      await page.getByLabel('Order of clients').selectOption('longest');
      await page.getByRole('link', { name: 'Timeline' }).click();
      await page.getByText('14,967 spans').waitFor();
      await page.locator('.timeline').focus();
      for (const key of ['+', '+', 'ArrowRight', '-', '0']) await page.keyboard.press(key);
      rounds.push(await page.evaluate<number>(SLOWEST_INTERACTION));
      await page.context().close();
    }

    expect(Math.min(...rounds)).toBeGreaterThan(0);
    expect(Math.min(...rounds)).toBeLessThan(SLOWEST_INTERACTION_MS);
  });

  test('only as much of a long list is in the page as is seen', async () => {
    const page = await open(`/runs/${big.bigRunId}`);
    const rows = page.locator('.client-row');
    await rows.first().waitFor();
    expect(await rows.count()).toBeLessThan(60);

    await page
      .locator('.client-rows')
      .evaluate((list: { scrollTo: (x: number, y: number) => void; scrollHeight: number }) =>
        list.scrollTo(0, list.scrollHeight),
      );
    await page.getByText('tenant-04999').waitFor();
    expect(await rows.count()).toBeLessThan(60);
    await page.context().close();
  });
});

/** Runs in the page, and tells for how many milliseconds: how fast this machine is at what pages do. */
const WORK = `(() => {
  const start = performance.now();
  const map = new Map();
  for (let i = 0; i < 200_000; i += 1) map.set('key ' + (i % 5_000), { i });
  return performance.now() - start;
})()`;

/** Runs in the page: when the largest of the paints so far came. */
const LARGEST_PAINT = `new Promise((resolve) => {
  new PerformanceObserver((list) => resolve(list.getEntries().at(-1).startTime))
    .observe({ type: 'largest-contentful-paint', buffered: true });
})`;

/** Runs in the page: from now on the slowest interaction is kept; 1 where all were too quick to be told. */
const WATCH_INTERACTIONS = `globalThis.slowest = 1;
new PerformanceObserver((list) => {
  for (const entry of list.getEntries()) globalThis.slowest = Math.max(globalThis.slowest, entry.duration);
}).observe({ type: 'event', durationThreshold: 16 });`;

/** Runs in the page, after the next paint: the last entry is told only then. */
const SLOWEST_INTERACTION = `new Promise((resolve) => {
  requestAnimationFrame(() => setTimeout(() => resolve(globalThis.slowest), 0));
})`;
