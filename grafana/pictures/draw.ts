/** `npm run grafana:pictures`: draws the dashboards with the answers of their queries into docs/images. No Grafana is needed. */

import { readFile, stat, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import type { Dashboard, Panel } from '@grafana/grafana-foundation-sdk/dashboard';
import type { Engine } from '@rollcall/ingest';
import { openTemporaryEngine } from '../../packages/ingest/test/temporary-engine.ts';
import { findChromium, startBrowser } from '../../test/browser.ts';
import UPNG from 'upng-js';
import { BOARDS } from '../boards/index.ts';
import type { QueryContext } from '../test/expand-query.ts';
import { fillFortnight, keepAlive } from '../test/fortnight.fixture.ts';
import { FAULTS, PLANTED } from '../test/plan-fortnight.ts';
import { askPanel, panelsOf } from '../test/run-queries.ts';

const LARGEST_BYTES = 200_000;
const SPANS_MS: Record<string, number> = {
  'now-24h': 86_400_000,
  'now-7d': 7 * 86_400_000,
  'now-14d': 14 * 86_400_000,
};
const INTERVALS_MS = [1, 5, 10, 15, 30, 60, 120, 180, 360, 720].map((minutes) => minutes * 60_000);

const nowMs = Date.now();
const chromium = findChromium();
if (chromium === null) process.exit(1);
const { engine, dispose } = await openTemporaryEngine();
const browser = await startBrowser(chromium);
try {
  await fillFortnight(engine, { project: 'default', hasFaults: true, size: 'small', nowMs });
  const html = await page();
  const canvas = await browser.open('about:blank', { viewport: { width: 1400, height: 900 } });
  await canvas.setContent(html);
  for (const [name, board] of Object.entries(BOARDS)) {
    const dashboard = JSON.parse(JSON.stringify(board())) as Dashboard;
    await keepAlive(engine, nowMs);
    const picture = await prepare(dashboard, await choiceOf(engine, name));
    await canvas.evaluate(`drawDashboard(${JSON.stringify(picture)})`);
    const png = shrink(await canvas.screenshot({ fullPage: true }));
    const path = new URL(`../../docs/images/grafana-${name}.png`, import.meta.url);
    await writeFile(path, png);
    const { size } = await stat(path);
    process.stdout.write(`${name}: ${Math.round(size / 1000)} KB\n`);
    if (size > LARGEST_BYTES)
      throw new Error(`The picture of '${name}' has ${size} bytes; ${LARGEST_BYTES} are allowed`);
  }
} finally {
  await browser.close();
  await dispose();
}

/** With a palette of 128 colours: a third of the bytes, and nobody sees it. */
function shrink(png: Buffer): Buffer {
  const image = UPNG.decode(new Uint8Array(png).buffer);
  return Buffer.from(UPNG.encode(UPNG.toRGBA8(image), image.width, image.height, 128));
}

async function page(): Promise<string> {
  const uPlot = createRequire(import.meta.url).resolve('uplot');
  const read = async (path: string | URL): Promise<string> => readFile(path, 'utf8');
  const script = await read(uPlot.replace(/uPlot\.[a-z.]+$/, 'uPlot.iife.min.js'));
  const styles = await read(uPlot.replace(/uPlot\.[a-z.]+$/, 'uPlot.min.css'));
  const own = await read(new URL('page.js', import.meta.url));
  const ownStyles = await read(new URL('page.css', import.meta.url));
  return `<!doctype html><style>${styles}${ownStyles}</style><body></body><script>${script}</script><script>${own}</script>`;
}

/** What somebody looks at: the job that gets slower, the client that fails, the run with a new kind of error. */
async function choiceOf(from: Engine, board: string): Promise<Record<string, string>> {
  if (board === 'job') return { job: FAULTS.leak };
  if (board === 'client') return { client: PLANTED.failingClient };
  if (board !== 'run') return {};
  const [row] = await from.rows<{ run: string }>(
    'SELECT max(run_id) AS run FROM run_summaries WHERE job_name = {job:String}',
    { job: FAULTS.newError },
  );
  return { job: FAULTS.newError, run: row?.run ?? '' };
}

/** The panels with the answers to their queries. */
async function prepare(dashboard: Dashboard, choice: Record<string, string>): Promise<object> {
  const spanMs = SPANS_MS[dashboard.time?.from ?? ''] ?? 86_400_000;
  const variables = { project: ['$__all'], job: ['$__all'], ...choice };
  const panels: object[] = [];
  for (const panel of panelsOf(dashboard)) {
    const context: QueryContext = {
      variables,
      fromMs: nowMs - spanMs,
      toMs: nowMs,
      intervalMs: intervalOf(panel, spanMs),
    };
    panels.push({ ...panel, fromMs: context.fromMs, answer: await askPanel(engine, panel, context) });
  }
  return {
    title: dashboard.title,
    choice: [
      ['Project', 'All'],
      ...Object.entries(choice),
      ['Time', `last ${(dashboard.time?.from ?? '').replace('now-', '')}`],
    ],
    panels,
    nowMs,
  };
}

/** As Grafana does it: fine enough for the width, and not finer than the panel wants. */
function intervalOf(panel: Panel, spanMs: number): number {
  const wanted = panel.interval === undefined ? 0 : 3_600_000;
  return Math.max(wanted, INTERVALS_MS.find((interval) => interval >= spanMs / 100) ?? 86_400_000);
}
