/** A job that runs 50,000 clients with ten metrics each as fast as it can, and reports its memory. */
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { startRollcall } from '@rollcall/sdk';

setFlagsFromString('--expose-gc');
const gc = runInNewContext('gc') as () => void;
const clients = Number(process.argv[2]);
const rollcall = startRollcall();

async function runAll(count: number): Promise<void> {
  await rollcall.job('many_clients', async (run) => {
    for (let index = 0; index < count; index++) {
      await run.client(`client-${index}`, (client) => {
        for (let metric = 0; metric < 10; metric++) client.count(`Metric ${metric}`, index + metric);
      });
    }
  });
  await rollcall.flush(60_000);
}

function heapMb(): number {
  gc();
  return process.memoryUsage().heapUsed / 1e6;
}

await runAll(1_000);
const before = heapMb();
const startedMs = performance.now();
await runAll(clients);
const tookMs = performance.now() - startedMs;
process.stdout.write(JSON.stringify({ before, after: heapMb(), tookMs }));
await rollcall.shutdown();
