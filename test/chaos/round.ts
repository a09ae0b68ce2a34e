/** One round: load, a fault in the middle of it, and a reckoning. */

import { fileURLToPath } from 'node:url';
import { setTimeout as sleep } from 'node:timers/promises';
import { mulberry32 } from '../../packages/ingest/test/reference/mutate.ts';
import { ask, finished, rollcall, spawnScript, temporaryFolder } from '../rollcall-process.ts';
import { FAULTS, faultsOf, type FaultName } from './faults.ts';
import { Load, type Book } from './load.ts';
import type { World } from './world.ts';

const JOB = fileURLToPath(new URL('../programs/chaos-job.ts', import.meta.url));
const SETTLED_WITHIN_MS = 60_000;
/** A round with fewer records that were acknowledged shows little. */
const LEAST_ACKNOWLEDGED = 200;
const LOADED_WITHIN_MS = 30_000;
/** What `programs/chaos-job.ts` comes to: ten clients, each 0 + 1 + … + 9, and 900 at most. */
const TRUTH = [
  { metric: 'longest_post', value: 900 },
  { metric: 'posts_processed', value: 450 },
];

const RECORDS: Record<keyof Load['books'], string> = {
  traces: `SELECT SpanName AS record, toUInt32(count()) AS times FROM otel_traces WHERE ServiceName = {source:String} GROUP BY record`,
  logs: `SELECT Body AS record, toUInt32(count()) AS times FROM otel_logs WHERE ServiceName = {source:String} GROUP BY record`,
  metrics: `SELECT record, toUInt32(count()) AS times FROM (
      SELECT Attributes['record'] AS record FROM otel_metrics_gauge WHERE ServiceName = {source:String}
      UNION ALL
      SELECT Attributes['record'] AS record FROM otel_metrics_sum WHERE ServiceName = {source:String}
    ) GROUP BY record`,
};

/** `faults`: what went wrong, in words; none where all is well. */
export interface Outcome {
  readonly seed: number;
  readonly fault: FaultName;
  readonly acknowledged: number;
  readonly faults: readonly string[];
}

/** Plays the round of a seed. Throws where the service can not be brought up again, or asked. */
export async function playRound(world: World, seed: number, fault = faultOf(world, seed)): Promise<Outcome> {
  const random = mulberry32(seed);
  const source = `chaos-${seed}-${fault}`;
  const spool = await temporaryFolder();
  const settings = { OTEL_EXPORTER_OTLP_ENDPOINT: world.url, ROLLCALL_SPOOL_DIR: spool.path };
  const load = new Load({ url: world.url, source, random });
  const job = finished(spawnScript(JOB, [source, String(300 + 1_500 * random())], settings));
  await sleep(200 + 600 * random());
  await FAULTS[fault](world, random);
  await sleep(300 * random());
  const deadline = Date.now() + LOADED_WITHIN_MS;
  while (load.acknowledged < LEAST_ACKNOWLEDGED && Date.now() < deadline) await sleep(50);
  await load.finish();
  const ended = await job;
  // What the job could not deliver is on its own disk.
  const flushed = await rollcall(['flush'], settings);
  const faults = [
    ...(ended.code === 0 ? [] : [`the job ended with ${ended.code}: ${ended.stderr}`]),
    ...(flushed.code === 0 ? [] : [`rollcall flush ended with ${flushed.code}: ${flushed.stderr}`]),
    ...(await reckonAll(world, source, load)),
  ];
  await spool.remove();
  return { seed, fault, acknowledged: load.acknowledged, faults };
}

function faultOf({ engine }: World, seed: number): FaultName {
  const names = faultsOf(engine);
  return names[seed % names.length] ?? 'killed';
}

async function reckonAll(world: World, source: string, load: Load): Promise<string[]> {
  await settled(world);
  const faults: string[] = [];
  for (const signal of ['traces', 'logs', 'metrics'] as const) {
    const rows = await ask<{ record: string; times: number }>(world.service.url, RECORDS[signal], { source });
    faults.push(
      ...reckon(signal, load.books[signal], new Map(rows.map(({ record, times }) => [record, times]))),
    );
  }
  const deadline = Date.now() + SETTLED_WITHIN_MS;
  let ofJob = await judgeJob(world, source);
  while (ofJob.length > 0 && Date.now() < deadline) {
    await sleep(500);
    ofJob = await judgeJob(world, source);
  }
  return [...faults, ...ofJob];
}

/** Resolves when nothing waits in the spool. */
async function settled(world: World): Promise<void> {
  const deadline = Date.now() + SETTLED_WITHIN_MS;
  for (;;) {
    const text = await (await fetch(`${world.service.url}/metrics`)).text();
    const waiting = /^rollcall_spool_bytes (\S+)$/m.exec(text)?.[1];
    if (waiting === '0') return;
    if (Date.now() > deadline) throw new Error(`${waiting} bytes still wait in the spool`);
    await sleep(100);
  }
}

function reckon(signal: string, { acknowledged, unanswered }: Book, found: Map<string, number>): string[] {
  const lost = [...acknowledged].filter((record) => !found.has(record));
  const doubled = [...found].filter(([, times]) => times > 1).map(([record]) => record);
  const unknown = [...found.keys()].filter((record) => !acknowledged.has(record) && !unanswered.has(record));
  return [
    ...tell(`${signal} acknowledged and lost`, lost),
    ...tell(`${signal} more than once`, doubled),
    ...tell(`${signal} that nobody sent`, unknown),
  ];
}

function tell(what: string, records: readonly string[]): string[] {
  return records.length === 0 ? [] : [`${records.length} ${what}, such as ${records.slice(0, 3).join(', ')}`];
}

async function judgeJob(world: World, source: string): Promise<string[]> {
  const runs = await ask<{ verdict: string; telemetry: string; completed: number }>(
    world.service.url,
    'SELECT verdict, telemetry, toUInt32(clients_completed) AS completed FROM job_runs WHERE job_name = {source:String}',
    { source },
  );
  const totals = await ask(
    world.service.url,
    `SELECT metric, toFloat64(value) AS value FROM job_metrics WHERE job_name = {source:String} ORDER BY metric`,
    { source },
  );
  const expected = JSON.stringify([{ verdict: 'completed', telemetry: 'complete', completed: 10 }]);
  return [
    ...(JSON.stringify(runs) === expected ? [] : [`the job's run is ${JSON.stringify(runs)}`]),
    ...(JSON.stringify(totals) === JSON.stringify(TRUTH) ? [] : [`its totals are ${JSON.stringify(totals)}`]),
  ];
}
