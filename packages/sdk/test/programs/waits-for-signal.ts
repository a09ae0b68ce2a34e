/** A job that waits for ever, in a program with the package signal-exit below it, as many command-line tools have. */
import { setTimeout as sleep } from 'node:timers/promises';
import { job } from '@rollcall/sdk';
import { onExit } from 'signal-exit';

onExit((_code, signal) => {
  process.stdout.write(`signal-exit saw ${signal}\n`);
});
await job('waits_for_signal', async () => {
  process.kill(process.pid, 'SIGTERM');
  await sleep(600_000);
});
