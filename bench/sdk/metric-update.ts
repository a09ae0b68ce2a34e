/** What one metric update costs: of a client with five metrics that all exist. Run it alone: `node --conditions=rollcall-source bench/sdk/metric-update.ts`. */

import { startRollcall } from '@rollcall/sdk';
import { median } from '../machine.ts';
import { report } from './figures.ts';
import { startSink } from './sink.ts';

const UPDATES = 2_000_000;
const METRICS = ['Leads Processed', 'Posts Processed', 'Total Tokens', 'Profiles Examined', 'Posts Examined'];

await using sink = await startSink();
const rollcall = startRollcall({ endpoint: sink.url, claimTimeoutMs: 0 });
const rounds: number[] = [];
await rollcall.job('bench', async (run) => {
  await run.client('acme', (client) => {
    for (let round = 0; round < 7; round++) {
      const startedMs = performance.now();
      for (let update = 0; update < UPDATES; update++)
        client.count(METRICS[update % METRICS.length] ?? '', 1);
      rounds.push(((performance.now() - startedMs) * 1_000) / UPDATES);
    }
  });
});
await rollcall.shutdown();
report('metric update', { 'µs (at most 1)': median(rounds) });
