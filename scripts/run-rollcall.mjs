/** Runs the command from its sources with the packaged Node 24. */

import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { node } from './setup.mjs';

const main = fileURLToPath(new URL('../packages/cli/src/main.ts', import.meta.url));

/** Request bodies die young: with little room for the young they go sooner, which spares some 200 MiB at full load. */
const SMALL_YOUNG_SPACE = '--max-semi-space-size=2';

/** Hands signals on, and ends as the command ends. */
export function runRollcall(args) {
  const child = spawn(node, [SMALL_YOUNG_SPACE, '--conditions=rollcall-source', main, ...args], {
    stdio: 'inherit',
    env: { ...process.env, ROLLCALL_COMMAND: './rollcall' },
  });
  // Ctrl-C reaches the whole group: the child ends by itself, and this process waits for it.
  process.on('SIGINT', () => undefined);
  process.on('SIGTERM', () => child.kill('SIGTERM'));
  child.on('exit', (code, signal) => {
    process.exitCode = code ?? (signal === 'SIGINT' ? 130 : 1);
  });
}
