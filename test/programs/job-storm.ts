/** Starts JOBS jobs at once when told to, and prints their run IDs. */

import { once } from 'node:events';
import { job, startRollcall } from '@rollcall/sdk';

const rollcall = startRollcall();
process.stdout.write('ready\n');
await once(process.stdin, 'data');
const runIds = await Promise.all(
  Array.from({ length: Number(process.env['JOBS']) }, () =>
    job(process.env['JOB'] ?? 'storm', (run) => run.runId),
  ),
);
process.stdout.write(`${JSON.stringify(runIds)}\n`);
process.stdin.destroy();
await rollcall.shutdown();
