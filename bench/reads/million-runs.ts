/** Times what people and dashboards read in a project of a million runs, over HTTP and in SQL. */

import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { migrate, openEngine, readConfig, startService, type Engine, type Service } from '@rollcall/ingest';
import { pino } from 'pino';
import { median, quantile } from '../machine.ts';
import { fillBigProject, type BigProject } from '../../test/big-project.fixture.ts';

/** Runs of the project; fewer by BENCH_RUNS, for a quick look. */
export const RUNS = Number(process.env['BENCH_RUNS'] ?? 1_000_000);
export const ROUNDS = 41;

/** Something that is read; `round` is below `ROUNDS`, or `ROUNDS` for one that does not count. */
export interface Read {
  readonly name: string;
  /** What Rollcall promises at the median. */
  readonly limitMs: number;
  readonly work: (round: number) => Promise<void>;
}

export interface Measured {
  readonly read: string;
  readonly medianMs: number;
  readonly p95Ms: number;
  readonly limitMs: number;
}

/**
 * Fills a fresh engine with a million runs of three clients each and one run of 5,000 clients, rolls them up, and times
 * the reads. The limits are what Rollcall promises at the median.
 */
export async function measureReads(say: (line: string) => void): Promise<Measured[]> {
  const folder = await mkdtemp(join(tmpdir(), 'rollcall-bench-'));
  try {
    const { big, known } = await fill(folder, say);
    const service = await startService(
      readConfig({ ROLLCALL_DATA_DIR: folder, ROLLCALL_PORT: '0', ROLLCALL_LOG_LEVEL: 'silent' }),
      { log: pino({ level: 'silent' }) },
    );
    try {
      const measured: Measured[] = [];
      for (const each of readsOf(service, big, known)) measured.push(await time(each));
      return measured;
    } finally {
      await service.close();
    }
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

export interface Known {
  readonly job: string;
  readonly runIds: readonly string[];
}

async function fill(folder: string, say: (line: string) => void): Promise<{ big: BigProject; known: Known }> {
  const engine = await openEngine({ dataDir: folder, database: 'rollcall' });
  try {
    await migrate(engine, { rawRetentionDays: 90 });
    say(`filling ${RUNS.toLocaleString('en')} runs`);
    const big = await fillBigProject(engine, { runs: RUNS, jobs: 1_000, isRolledUp: true });
    return { big, known: await choose(engine) };
  } finally {
    await engine.close();
  }
}

/** Runs from all over the project, so that no cache has seen them. */
export async function choose(engine: Pick<Engine, 'rows'>): Promise<Known> {
  const runs = await engine.rows<{ run_id: string; job_name: string }>(
    `SELECT run_id, job_name FROM run_summaries WHERE job_name != 'fleet_scoring' ORDER BY cityHash64(run_id) LIMIT ${ROUNDS + 1}`,
  );
  return { job: runs[0]?.job_name ?? '', runIds: runs.map(({ run_id: runId }) => runId) };
}

/** The reads of dashboards and of the console; none of them looks at raw rows. */
export function readsOf(service: Service, big: BigProject, known: Known): Read[] {
  const get = async (path: string): Promise<void> => {
    const response = await fetch(`${service.url}/api/v1${path}`);
    const text = await response.text();
    if (!response.ok) throw new Error(`${path}: ${text}`);
  };
  const ask = async (sql: string): Promise<void> => {
    await service.engine.rows(sql);
  };
  const month = new Date(Date.now() - 30 * 86_400_000).toISOString().slice(2, 10).replaceAll('-', '');
  const inProject = `project_id = '${big.project}'`;
  return [
    read('GET /runs, a page of 50', 50, () => get('/runs?limit=50')),
    read('GET /runs of one job', 50, () => get(`/runs?limit=50&job=${known.job}`)),
    read('GET /runs that failed', 100, () => get('/runs?limit=50&verdict=failed')),
    read('GET /runs/{runId}', 50, (round) => get(`/runs/${known.runIds[round]}`)),
    read('SQL: one run with 5,000 clients', 100, () =>
      ask(
        `SELECT client_id, verdict, duration_ms, error_message FROM client_runs WHERE ${inProject} AND run_id = '${big.bigRunId}'`,
      ),
    ),
    read('SQL: 30-day trend of a job', 100, () =>
      ask(
        `SELECT run_id, verdict, duration_ms, clients_failed FROM job_runs WHERE ${inProject} AND job_name = '${known.job}' AND run_id >= '${month}'`,
      ),
    ),
    read('SQL: 30-day trend of a metric of a job', 100, () =>
      ask(
        `SELECT run_id, value FROM job_metrics WHERE ${inProject} AND job_name = '${known.job}' AND metric = 'Records Processed' AND run_id >= '${month}'`,
      ),
    ),
    read('SQL: top failure groups of 30 days', 100, () =>
      ask(
        `SELECT fingerprint, any(sample_message), sum(occurrences) AS n, uniqExact(run_id) AS runs FROM failure_summaries FINAL WHERE ${inProject} AND run_id >= '${month}' GROUP BY fingerprint ORDER BY n DESC LIMIT 20`,
      ),
    ),
    read('SQL: one client across jobs, 30 days', 100, () =>
      ask(
        `SELECT run_id, job_name, verdict, duration_ms FROM client_history WHERE ${inProject} AND client_id = 'client-007' AND run_id >= '${month}'`,
      ),
    ),
  ];
}

function read(name: string, limitMs: number, work: (round: number) => Promise<void>): Read {
  return { name, limitMs, work };
}

/** After one that does not count. */
async function time({ name, limitMs, work }: Read): Promise<Measured> {
  await work(ROUNDS);
  const times: number[] = [];
  for (let round = 0; round < ROUNDS; round++) times.push(await timed(() => work(round)));
  return { read: name, medianMs: median(times), p95Ms: quantile(times, 0.95), limitMs };
}

/** Milliseconds. */
export async function timed(work: () => Promise<void>): Promise<number> {
  const startedMs = performance.now();
  await work();
  return performance.now() - startedMs;
}
