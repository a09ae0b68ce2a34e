/** `npm test`: sets up, then runs every test; the last line is `N passed, N failed`. */

import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { node, setUp } from './setup.mjs';

setUp();
const root = fileURLToPath(new URL('..', import.meta.url));
const folder = mkdtempSync(join(tmpdir(), 'rollcall-test-'));
const report = join(folder, 'report.json');
const { status } = spawnSync(
  node,
  [
    `${root}node_modules/vitest/vitest.mjs`,
    'run',
    '--reporter=default',
    '--reporter=json',
    `--outputFile.json=${report}`,
    ...process.argv.slice(2),
  ],
  {
    cwd: root,
    stdio: 'inherit',
    // The tests start hundreds of processes, of the same sources.
    env: { NODE_COMPILE_CACHE: `${root}node_modules/.cache/node`, ...process.env },
  },
);
const line = summary();
rmSync(folder, { recursive: true, force: true });
process.stdout.write(`${line}\n`);
process.exit(status ?? 1);

function summary() {
  try {
    const { numPassedTests, numFailedTests, numPendingTests, numFailedTestSuites } = JSON.parse(
      readFileSync(report, 'utf8'),
    );
    // A file that can not even be loaded has no failed test, and has failed all the same.
    const failed = Math.max(numFailedTests, numFailedTestSuites > 0 ? 1 : 0, status === 0 ? 0 : 1);
    return `${numPassedTests} passed, ${failed} failed${numPendingTests > 0 ? `, ${numPendingTests} skipped` : ''}`;
  } catch {
    return '0 passed, 1 failed';
  }
}
