/** Measures whether memory and pace stay the same under full load for minutes. */

import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { sendFor, templateOf } from '../ingest/load.ts';
import { withServer } from '../ingest/suite.ts';
import { SPANS, spansRequests } from '../ingest/telemetry.ts';
import { median, stayOnCore } from '../machine.ts';
import { table, type Suite } from '../report.ts';

/** Other lengths by BENCH_SOAK_MINUTES. */
const MINUTES = Number(process.env['BENCH_SOAK_MINUTES'] ?? 10);
const SENDER_CORE = 1;
const SAMPLE_MS = 10_000;

interface Sample {
  readonly memoryMiB: number;
  readonly spansPerSecond: number;
}

export const soakSuite: Suite = {
  name: 'soak',
  title: 'Soak',
  run: async (say) => {
    stayOnCore(SENDER_CORE);
    const folder = await mkdtemp(join(tmpdir(), 'rollcall-bench-'));
    const bodies = spansRequests(100).map(({ protobuf }) => templateOf(protobuf));
    try {
      const samples: Sample[] = [];
      const peak = await withServer('whole', folder, async (url, ask) => {
        const load = {
          url,
          bodies,
          spansPerBody: SPANS,
          headers: { 'content-type': 'application/x-protobuf' },
        };
        for (let at = 0; at < MINUTES * 60_000; at += SAMPLE_MS) {
          const startedMs = performance.now();
          const spans = await sendFor(load, SAMPLE_MS);
          const { memoryBytes } = await ask('usage');
          const seconds = (performance.now() - startedMs) / 1_000;
          samples.push({ memoryMiB: memoryBytes / 1024 ** 2, spansPerSecond: spans / seconds });
          if (at % 60_000 === 0) say(`${at / 60_000} min: ${samples.at(-1)?.memoryMiB.toFixed(0)} MiB`);
        }
        return (await ask('flush')).peakBytes / 1024 ** 2;
      });
      return report(samples, peak);
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  },
};

/** The first minute warms up; of the rest the first and the last third are compared. */
function report(samples: readonly Sample[], peakMiB: number): string {
  const warm = samples.slice(6);
  const third = Math.floor(warm.length / 3);
  const of = (part: readonly Sample[], what: keyof Sample): number =>
    median(part.map((sample) => sample[what]));
  const [first, last] = [warm.slice(0, third), warm.slice(-third)];
  const rows = (['memoryMiB', 'spansPerSecond'] as const).map((what) => [
    what === 'memoryMiB' ? 'memory of the service, engine included, MiB' : 'spans acknowledged per second',
    of(first, what).toFixed(0),
    of(last, what).toFixed(0),
    (of(last, what) / of(first, what)).toFixed(2),
  ]);
  const tenths = [...Array(10).keys()].map((tenth) =>
    of(
      samples.slice((tenth * samples.length) / 10, ((tenth + 1) * samples.length) / 10),
      'memoryMiB',
    ).toFixed(0),
  );
  return `Full load for ${MINUTES} minutes, the service on one core. Medians of samples every ${SAMPLE_MS / 1_000} s; the first minute does not count. The peak was ${peakMiB.toFixed(0)} MiB. Tenth by tenth of the time, from its beginning, the memory was ${tenths.join(', ')} MiB.\n\n${table(['what', 'first third', 'last third', 'ratio'], rows)}`;
}
