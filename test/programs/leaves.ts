/** A job that leaves early: by a return, or by process.exit in the middle of a client. */

import { job } from '@rollcall/sdk';

await job('leaving_job', async (run) => {
  process.stdout.write(`${run.runId}\n`);
  if (process.argv[2] === 'return') return;
  await run.client('a', () => process.exit(0));
});
