/** Drives a real Chromium, and hands every page over with what it complained about. */

import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { chromium, type BrowserContext, type BrowserContextOptions, type Page } from 'playwright-core';

const PLACES = ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'];
/** Nothing that asks another host, and nothing that a container lacks. */
const FLAGS = [
  '--headless',
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
];

/** Where Chromium is. On Debian as root it is installed; elsewhere a missing one is said loudly, and null is returned. */
export function findChromium(): string | null {
  const found = PLACES.find((path) => existsSync(path));
  if (found !== undefined) return found;
  if (process.getuid?.() === 0 && existsSync('/usr/bin/apt-get')) {
    process.stderr.write('Installing Chromium for the tests of the console (once) …\n');
    const options = ['-o', 'DPkg::Lock::Timeout=300', '-qq'];
    spawnSync('apt-get', [...options, 'update'], { stdio: 'ignore' });
    spawnSync(
      'apt-get',
      [...options, 'install', '-y', '--no-install-recommends', 'chromium', 'fonts-dejavu-core'],
      {
        stdio: 'ignore',
        env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' },
      },
    );
    if (existsSync('/usr/bin/chromium')) return '/usr/bin/chromium';
  }
  process.stderr.write(
    `\nSKIPPED: the tests of the console need Chromium, and there is none at ${PLACES.join(', ')}. Install it: apt-get install chromium\n\n`,
  );
  return null;
}

export interface TestBrowser {
  /** A page of a fresh profile. What it complains about is kept until `complaints` is asked. */
  readonly open: (url: string, options?: BrowserContextOptions) => Promise<Page>;
  /** Errors of scripts, messages of the console, requests to other hosts; and forgets them. */
  readonly complaints: () => string[];
  readonly close: () => Promise<void>;
}

/** Starts Chromium; pages may ask no other host than loopback. */
export async function startBrowser(executablePath: string): Promise<TestBrowser> {
  const profile = await mkdtemp(join(tmpdir(), 'rollcall-chromium-'));
  const browser = await chromium.launch({ executablePath, args: [...FLAGS, `--crash-dumps-dir=${profile}`] });
  const complaints: string[] = [];
  const contexts = new Set<BrowserContext>();
  return {
    open: async (url, options = {}) => {
      const context = await browser.newContext({
        viewport: { width: 1366, height: 768 },
        locale: 'en-GB',
        timezoneId: 'Europe/Berlin',
        ...options,
      });
      contexts.add(context);
      const page = await context.newPage();
      page.on('pageerror', (error) => complaints.push(`script: ${error.message}`));
      page.on('console', (message) => {
        if (['error', 'warning'].includes(message.type())) complaints.push(`console: ${message.text()}`);
      });
      page.on('request', (request) => {
        const { protocol, hostname } = new URL(request.url());
        if (protocol !== 'data:' && hostname !== '127.0.0.1') complaints.push(`request to ${request.url()}`);
      });
      page.setDefaultTimeout(45_000);
      await page.goto(url);
      return page;
    },
    complaints: () => complaints.splice(0),
    close: async () => {
      await Promise.all([...contexts].map((context) => context.close()));
      await browser.close();
      await rm(profile, { recursive: true, force: true });
    },
  };
}

const RULES = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'];
const AXE = createRequire(import.meta.url).resolve('axe-core/axe.min.js');
let axeSource: string | undefined;

/** What axe-core finds wrong by WCAG 2.2 A and AA, in a line each. */
export async function violations(page: Page): Promise<string[]> {
  axeSource ??= await readFile(AXE, 'utf8');
  // Not as a script of the page: its policy forbids that.
  await page.evaluate(axeSource);
  return page.evaluate<string[]>(`axe
    .run(document, { runOnly: ${JSON.stringify(RULES)}, resultTypes: ['violations'] })
    .then(({ violations }) =>
      violations.flatMap(({ id, nodes }) =>
        nodes.slice(0, 3).map(({ html, failureSummary }) => id + ': ' + html.slice(0, 160) + ' ' + failureSummary.slice(0, 300)),
      ),
    )`);
}
