/** A service over a project with so many raw rows, in a process of its own: fills it, then times the reads it is asked for. */

import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { readConfig, startService, type Engine, type Service } from '@rollcall/ingest';
import { pino } from 'pino';
import { fillBigProject } from '../../test/big-project.fixture.ts';
import { choose, readsOf, timed, type Read } from '../reads/million-runs.ts';
import { addRawRows } from './raw-rows.ts';

/** What a project says of itself once it is filled. */
export interface Filled {
  readonly reads: readonly { readonly name: string; readonly limitMs: number }[];
  /** Of the raw tables, on disk, as text. */
  readonly size: string;
}

/** A read to time, by its place among `Filled.reads`. */
export interface Question {
  readonly read: number;
  readonly round: number;
}

/** One a second, without a merge under way in any. */
const QUIET_LOOKS = 5;
/** More than there are rounds. */
const RUNS_READ = 50;

const [dataDir = '', runs = '0', rawRows = '0'] = process.argv.slice(2);
const config = readConfig({ ROLLCALL_DATA_DIR: dataDir, ROLLCALL_PORT: '0', ROLLCALL_SQL_PORT: 'off' });
const service = await startService(config, { log: pino({ level: 'silent' }) });
const reads = await fill(service);
const filled: Filled = {
  reads: reads.map(({ name, limitMs }) => ({ name, limitMs })),
  size: await sizeOf(service.engine),
};
process.send?.(filled);
for (;;) {
  const [question] = (await once(process, 'message')) as [Question | 'stop'];
  if (question === 'stop') break;
  process.send?.(await timed(async () => reads[question.read]?.work(question.round)));
}
await service.close();
process.disconnect();

async function fill(filling: Service): Promise<Read[]> {
  const { engine, url } = filling;
  const big = await fillBigProject(engine, { runs: Number(runs), isRolledUp: true });
  const known = await choose(engine);
  await addRawRows(engine, Number(rawRows), (line) => console.log(`  ${line}`));
  await filling.flush();
  console.log('  waiting until nothing is merged, and no run has just changed');
  await atRest(engine);
  const runIds = await runsWithRows(engine);
  const ofRun = (name: string, part: string): Read => ({
    name,
    limitMs: 100,
    work: async (round) => {
      const response = await fetch(`${url}/api/v1/runs/${runIds[round]}/${part}`);
      const text = await response.text();
      if (!response.ok) throw new Error(`${part}: ${text}`);
    },
  });
  return [
    ...readsOf(filling, big, known),
    ofRun('raw: the steps of a run', 'steps'),
    ofRun('raw: the logs of a run', 'logs'),
  ];
}

/**
 * Reads are timed at rest: what is merged after so many rows at once says nothing of how reads grow. All runs have just
 * changed at once, too; the engine merges the rollups of an upgrade within the hour, and here at once.
 */
async function atRest(engine: Pick<Engine, 'rows' | 'command'>): Promise<void> {
  const rollups = await engine.rows<{ name: string }>(
    "SELECT name FROM system.tables WHERE database = currentDatabase() AND create_table_query LIKE '%min_age_to_force_merge_seconds%'",
  );
  for (const { name } of rollups) await engine.command(`OPTIMIZE TABLE ${name} FINAL`);
  for (let quiet = 0; quiet < QUIET_LOOKS;) {
    await sleep(1_000);
    const [found] = await engine.rows<{ busy: number }>(
      `SELECT (SELECT count() FROM system.merges)
            + (SELECT count() FROM run_touches WHERE touched_at >= now64(3, 'UTC') - INTERVAL 5 MINUTE) AS busy`,
    );
    quiet = Number(found?.busy) === 0 ? quiet + 1 : 0;
  }
}

async function runsWithRows(engine: Pick<Engine, 'rows'>): Promise<string[]> {
  const rows = await engine.rows<{ run: string }>(
    `SELECT DISTINCT RunId AS run FROM otel_traces ORDER BY cityHash64(run) LIMIT ${RUNS_READ}`,
  );
  return rows.map(({ run }) => run);
}

async function sizeOf(engine: Pick<Engine, 'rows'>): Promise<string> {
  const [size] = await engine.rows<{ bytes: string }>(
    "SELECT formatReadableSize(sum(bytes_on_disk)) AS bytes FROM system.parts WHERE active AND database = currentDatabase() AND startsWith(table, 'otel_')",
  );
  return size?.bytes ?? '?';
}
