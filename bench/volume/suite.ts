/** Measures whether reads cost the same however many raw rows lie below. */

import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { readConfig, startService, type Engine } from '@rollcall/ingest';
import { pino } from 'pino';
import { fillBigProject } from '../../test/big-project.fixture.ts';
import { choose, measure, time, type Measured } from '../reads/million-runs.ts';
import { table, type Suite } from '../report.ts';
import { addRawRows } from './raw-rows.ts';

/** Raw rows at which reads are timed, ascending; others by BENCH_RAW_ROWS, separated by commas. */
const STAGES = (process.env['BENCH_RAW_ROWS'] ?? '10000000,100000000').split(',').map(Number);
const RUNS = 100_000;
/** One a second, without a merge under way in any. */
const QUIET_LOOKS = 5;

export const volumeSuite: Suite = {
  name: 'volume',
  title: 'Volume',
  run: async (say) => {
    const folder = await mkdtemp(join(tmpdir(), 'rollcall-bench-'));
    const config = readConfig({ ROLLCALL_DATA_DIR: folder, ROLLCALL_PORT: '0', ROLLCALL_SQL_PORT: 'off' });
    const service = await startService(config, { log: pino({ level: 'silent' }) });
    try {
      say(`filling ${RUNS.toLocaleString('en')} runs`);
      const big = await fillBigProject(service.engine, { runs: RUNS, isRolledUp: true });
      const known = await choose(service.engine);
      const stages: Measured[][] = [];
      let rows = 0;
      let runIds: string[] | undefined;
      for (const stage of STAGES) {
        await addRawRows(service.engine, rows, stage, say);
        rows = stage;
        await service.flush();
        say('waiting until the parts are merged');
        await merged(service.engine);
        runIds ??= await runsWithRows(service.engine);
        const ofRun = async (part: string, round: number): Promise<void> => {
          const response = await fetch(`${service.url}/api/v1/runs/${runIds?.[round]}/${part}`);
          if (!response.ok) throw new Error(`${part}: ${await response.text()}`);
          await response.arrayBuffer();
        };
        stages.push([
          ...(await measure(service, big, known)),
          await time('raw: the steps of a run', 100, async (round) => ofRun('steps', round)),
          await time('raw: the logs of a run', 100, async (round) => ofRun('logs', round)),
        ]);
      }
      const [size] = await service.engine.rows<{ bytes: string }>(
        "SELECT formatReadableSize(sum(bytes_on_disk)) AS bytes FROM system.parts WHERE active AND database = currentDatabase() AND startsWith(table, 'otel_')",
      );
      const names = STAGES.map((stage) => `${(stage / 1e6).toLocaleString('en')} M rows`);
      const lines = (stages.at(-1) ?? []).map(({ read, limitMs }, index) => {
        const medians = stages.map((stage) => stage[index]?.medianMs ?? NaN);
        const ratio = (medians.at(-1) ?? NaN) / (medians[0] ?? NaN);
        return [read, ...medians.map((median) => `${median} ms`), ratio.toFixed(2), `≤ ${limitMs} ms`];
      });
      return `A project of ${RUNS.toLocaleString('en')} runs, and of raw spans and metric points that belong to them: seven spans of twelve attributes to three points. Medians. The raw tables take ${size?.bytes ?? '?'} in the end.\n\n${table(['read', ...names, 'last ÷ first', 'aim'], lines)}`;
    } finally {
      await service.close();
      await rm(folder, { recursive: true, force: true });
    }
  },
};

/** Reads are timed at rest: what is merged after so many rows at once says nothing of how reads grow. */
async function merged(engine: Pick<Engine, 'rows'>): Promise<void> {
  for (let quiet = 0; quiet < QUIET_LOOKS;) {
    await sleep(1_000);
    const [found] = await engine.rows<{ merges: number }>(
      'SELECT toUInt32(count()) AS merges FROM system.merges',
    );
    quiet = found?.merges === 0 ? quiet + 1 : 0;
  }
}

async function runsWithRows(engine: Pick<Engine, 'rows'>): Promise<string[]> {
  const rows = await engine.rows<{ run: string }>(
    'SELECT DISTINCT RunId AS run FROM otel_traces ORDER BY cityHash64(run) LIMIT 50',
  );
  return rows.map(({ run }) => run);
}
