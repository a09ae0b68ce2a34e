/** Times what people and dashboards read in a project of a million runs, over HTTP and in SQL. */

import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { migrate, openEngine, readConfig, startService, type Engine, type Service } from '@rollcall/ingest';
import { pino } from 'pino';
import { fillBigProject, type BigProject } from '../../test/big-project.fixture.ts';

/** Runs of the project; fewer by BENCH_RUNS, for a quick look. */
export const RUNS = Number(process.env['BENCH_RUNS'] ?? 1_000_000);
const ROUNDS = 41;

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
      return await measure(service, big, known);
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
export async function measure(service: Service, big: BigProject, known: Known): Promise<Measured[]> {
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
    await time('GET /runs, a page of 50', 50, () => get('/runs?limit=50')),
    await time('GET /runs of one job', 50, () => get(`/runs?limit=50&job=${known.job}`)),
    await time('GET /runs that failed', 100, () => get('/runs?limit=50&verdict=failed')),
    await time('GET /runs/{runId}', 50, (round) => get(`/runs/${known.runIds[round]}`)),
    await time('SQL: one run with 5,000 clients', 100, () =>
      ask(
        `SELECT client_id, verdict, duration_ms, error_message FROM client_runs WHERE ${inProject} AND run_id = '${big.bigRunId}'`,
      ),
    ),
    await time('SQL: 30-day trend of a job', 100, () =>
      ask(
        `SELECT run_id, verdict, duration_ms, clients_failed FROM job_runs WHERE ${inProject} AND job_name = '${known.job}' AND run_id >= '${month}'`,
      ),
    ),
    await time('SQL: 30-day trend of a metric of a job', 100, () =>
      ask(
        `SELECT run_id, value FROM job_metrics WHERE ${inProject} AND job_name = '${known.job}' AND metric = 'Records Processed' AND run_id >= '${month}'`,
      ),
    ),
    await time('SQL: top failure groups of 30 days', 100, () =>
      ask(
        `SELECT fingerprint, any(sample_message), sum(occurrences) AS n, uniqExact(run_id) AS runs FROM failure_summaries FINAL WHERE ${inProject} AND run_id >= '${month}' GROUP BY fingerprint ORDER BY n DESC LIMIT 20`,
      ),
    ),
    await time('SQL: one client across jobs, 30 days', 100, () =>
      ask(
        `SELECT run_id, job_name, verdict, duration_ms FROM client_history WHERE ${inProject} AND client_id = 'client-007' AND run_id >= '${month}'`,
      ),
    ),
  ];
}

/** After one that does not count. */
export async function time(
  read: string,
  limitMs: number,
  work: (round: number) => Promise<void>,
): Promise<Measured> {
  await work(ROUNDS);
  const times: number[] = [];
  for (let round = 0; round < ROUNDS; round++) {
    const startedMs = performance.now();
    await work(round);
    times.push(performance.now() - startedMs);
  }
  times.sort((one, other) => one - other);
  const at = (share: number): number =>
    Math.round((times[Math.floor(times.length * share)] ?? NaN) * 10) / 10;
  return { read, medianMs: at(0.5), p95Ms: at(0.95), limitMs };
}
