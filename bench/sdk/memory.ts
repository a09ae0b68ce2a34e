/** Whether memory stays flat over a million client runs, in a hundred job runs one after another. Run it alone: `node --expose-gc --conditions=rollcall-source bench/sdk/memory.ts`. */

import { startRollcall } from '@rollcall/sdk';
import { report } from './figures.ts';
import { startSink } from './sink.ts';

const RUNS = Number(process.env['RUNS'] ?? 100);
const CLIENTS_PER_RUN = 10_000;

await using sink = await startSink();
const rollcall = startRollcall({ endpoint: sink.url, claimTimeoutMs: 0 });
const heapMb: number[] = [];
for (let run = 0; run < RUNS; run++) {
  await rollcall.job('bench', async (open) => {
    for (let index = 1; index <= CLIENTS_PER_RUN; index++) {
      await open.client(`client-${index}`, (client) => client.count('Leads Processed', index));
    }
  });
  await rollcall.flush(60_000);
  globalThis.gc?.();
  heapMb.push(process.memoryUsage().heapUsed / 1e6);
}
await rollcall.shutdown();
report('memory', {
  'client runs': RUNS * CLIENTS_PER_RUN,
  'heap after a tenth, MB': heapMb[Math.floor(RUNS / 10)] ?? Number.NaN,
  'heap after half, MB': heapMb[Math.floor(RUNS / 2)] ?? Number.NaN,
  'heap after all, MB': heapMb.at(-1) ?? Number.NaN,
});
