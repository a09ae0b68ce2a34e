/** A job whose main thread is busy for a while, then waits until it is told to end. */
import { setTimeout as sleep } from 'node:timers/promises';
import { job } from '@rollcall/sdk';

const [busyMs = '0', restMs = '0'] = process.argv.slice(2);
await job('busy', async (run) => {
  process.stdout.write(`${run.runId}\n`);
  run.progress(3, 9);
  const until = performance.now() + Number(busyMs);
  while (performance.now() < until);
  await sleep(Number(restMs));
});
