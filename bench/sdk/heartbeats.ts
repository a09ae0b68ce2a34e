/**
 * What signs of life cost a process that does nothing else: the CPU of an idle job with the usual heartbeat,
 * less that of a process that only waits. Run it alone: `node --conditions=rollcall-source bench/sdk/heartbeats.ts`.
 */

import { setTimeout as sleep } from 'node:timers/promises';
import { startRollcall } from '@rollcall/sdk';
import { median } from '../machine.ts';
import { report } from './figures.ts';
import { startSink } from './sink.ts';

const SECONDS = Number(process.env['SECONDS'] ?? 15);
/** In one or two of them V8 tidies up what the start of a process left behind. */
const WINDOWS = 7;

await using sink = await startSink();
const idle = await cpuShare();
const rollcall = startRollcall({ endpoint: sink.url, claimTimeoutMs: 0 });
const beating = await rollcall.job('bench', async () => {
  // The thread starts and compiles in the first beats.
  await sleep(11_000);
  return cpuShare();
});
await rollcall.shutdown();
report('heartbeats', {
  'of a core, % (under 0.1)': (beating - idle) * 100,
  'of a core without Rollcall, %': idle * 100,
  seconds: SECONDS * WINDOWS,
});

/** The median share of a core that the whole process takes of some stretches of time. */
async function cpuShare(): Promise<number> {
  const shares: number[] = [];
  while (shares.length < WINDOWS) {
    const cpu = process.cpuUsage();
    const startedMs = performance.now();
    await sleep(SECONDS * 1_000);
    const { user, system } = process.cpuUsage(cpu);
    shares.push((user + system) / 1_000 / (performance.now() - startedMs));
  }
  return median(shares);
}
