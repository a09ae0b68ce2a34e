/** The history of an old job table, imported by the real command into a real service. */

import { once } from 'node:events';
import { createWriteStream } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { gunzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { ImportReport } from '../packages/cli/src/import/report.ts';
import {
  ask,
  askUntil,
  rollcall,
  spawnScript,
  startProcess,
  temporaryFolder,
  type Finished,
  type RunningService,
} from './rollcall-process.ts';

const MAIN = fileURLToPath(new URL('../packages/cli/src/main.ts', import.meta.url));
/** What people read; nothing of it may change when the same rows come again. */
const VIEWS = [
  'job_runs',
  'client_runs',
  'client_metrics',
  'job_metrics',
  'failures',
  'failure_groups',
  'job_run_attempts',
  'client_run_attempts',
];

let folder: Awaited<ReturnType<typeof temporaryFolder>>;
let service: RunningService;

beforeAll(async () => {
  folder = await temporaryFolder();
  service = await startProcess(join(folder.path, 'data'));
});

afterAll(async () => {
  await service.stop();
  await folder.remove();
});

function fixture(name: string): string {
  return fileURLToPath(new URL(`fixtures/import/${name}`, import.meta.url));
}

async function importing(...args: string[]): Promise<{ report: ImportReport; finished: Finished }> {
  const finished = await rollcall(['--data-dir', service.dataDir, 'import', '--json', ...args]);
  if (finished.stdout === '') throw new Error(finished.stderr);
  return { report: JSON.parse(finished.stdout) as ImportReport, finished };
}

/** Waits until everything that the service accepted is in ClickHouse, and rolled up. */
async function settled(): Promise<void> {
  for (;;) {
    const metrics = await (await fetch(`${service.url}/metrics`)).text();
    const isEmpty = /^rollcall_spool_bytes 0$/m.test(metrics);
    if (isEmpty && /^rollcall_rollup_lag_seconds 0$/m.test(metrics)) return;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

async function snapshot(job: string): Promise<Record<string, unknown[]>> {
  const rows: Record<string, unknown[]> = {};
  for (const view of VIEWS) {
    rows[view] = await ask(
      service.url,
      `SELECT * FROM ${view} WHERE job_name LIKE {job:String} ORDER BY ALL`,
      {
        job,
      },
    );
  }
  return rows;
}

describe('the worked example: one job run, three clients, one with errors', () => {
  let report: ImportReport;
  let code: number | null;

  beforeAll(async () => {
    ({
      report,
      finished: { code },
    } = await importing(fixture('worked-example.csv')));
    await settled();
  });

  test('is taken whole', () => {
    expect(code).toBe(0);
    expect(report).toMatchObject({
      rows: { read: 4, taken: 4, refused: 0, merged: 0 },
      jobRuns: 1,
      clientRuns: 3,
      aliases: 3,
      refused: [],
      collisions: [],
    });
  });

  test('leads 10 + 20 + 5 = 35, posts 5 + 15 + 0 = 20: the totals of the job row are not added to those of its clients', async () => {
    expect(
      await ask(
        service.url,
        "SELECT metric, aggregation, value, clients FROM job_metrics WHERE run_id = '250930-123045' ORDER BY metric",
      ),
    ).toEqual([
      { metric: 'Leads Processed', aggregation: 'sum', value: 35, clients: 3 },
      { metric: 'Posts Processed', aggregation: 'sum', value: 20, clients: 3 },
    ]);
  });

  test('zero is a value', async () => {
    expect(
      await ask(
        service.url,
        "SELECT value FROM client_metrics WHERE client_id = 'Acme-Corp' AND metric = 'Posts Processed'",
      ),
    ).toEqual([{ value: 0 }]);
  });

  test('the job run has its true times, and the verdict that its clients make it have', async () => {
    expect(
      await ask(
        service.url,
        'SELECT verdict, declared_status, started_at, ended_at, clients_started, clients_completed, clients_failed, telemetry, notes FROM job_runs',
      ),
    ).toEqual([
      {
        verdict: 'completed_with_errors',
        declared_status: 'completed',
        started_at: '2025-09-30 12:30:45.250000000',
        ended_at: '2025-09-30 13:06:45.500000000',
        clients_started: 3,
        clients_completed: 2,
        clients_failed: 1,
        telemetry: 'complete',
        notes: [],
      },
    ]);
  });

  test('clients keep their names, apostrophes and all, and their errors', async () => {
    expect(
      await ask(
        service.url,
        'SELECT client_id, client_run_id, relation, verdict, started_at, ended_at, reason, error_type, error_message FROM client_runs ORDER BY client_id',
      ),
    ).toEqual([
      {
        client_id: 'Acme-Corp',
        client_run_id: '250930-123045-Acme-Corp',
        relation: 'child',
        verdict: 'failed',
        started_at: '2025-09-30 12:30:48.000000000',
        ended_at: '2025-09-30 13:06:45.500000000',
        reason: 'stopped at post 5',
        error_type: 'TimeoutError',
        error_message: 'The model did not answer within 30 s,\ntried 3 times',
      },
      expect.objectContaining({
        client_id: 'Guy-Wilson',
        verdict: 'completed',
        started_at: '2025-09-30 12:30:46.000000000',
      }),
      expect.objectContaining({
        client_id: "O'Neil & Söhne",
        verdict: 'completed',
        relation: 'child',
        ended_at: '2025-09-30 12:41:00.000000000',
      }),
    ]);
  });

  test('failures are there to be grouped', async () => {
    expect(await ask(service.url, 'SELECT client_id, error_type, occurred_at FROM failures')).toEqual([
      { client_id: 'Acme-Corp', error_type: 'TimeoutError', occurred_at: '2025-09-30 13:06:45.500000000' },
    ]);
  });

  test('the old IDs are remembered as aliases of the run and of its clients', async () => {
    expect(
      await ask(
        service.url,
        `SELECT RunId AS run, ClientId AS client, LogAttributes['rollcall.alias'] AS alias, LogAttributes['rollcall.alias.kind'] AS kind
         FROM otel_logs WHERE EventName = 'rollcall.run.alias' ORDER BY client`,
      ),
    ).toEqual([
      { run: '250930-123045', client: '', alias: 'job_lead_scoring_20250930123045', kind: 'legacy' },
      {
        run: '250930-123045',
        client: 'Acme-Corp',
        alias: 'job_lead_scoring_20250930123045-Acme-Corp',
        kind: 'legacy',
      },
      {
        run: '250930-123045',
        client: 'Guy-Wilson',
        alias: 'job_lead_scoring_20250930123045-Guy-Wilson',
        kind: 'legacy',
      },
    ]);
  });

  test('importing again changes no row of any view, and nothing drifts', async () => {
    const before = await snapshot('lead_scoring');
    await importing(fixture('worked-example.csv'));
    await settled();

    expect(Object.values(before).every(({ length }) => length > 0)).toBe(true);
    expect(await snapshot('lead_scoring')).toEqual(before);
    const { code: verified, stdout } = await rollcall(['--data-dir', service.dataDir, 'verify', '--json']);
    expect(JSON.parse(stdout)).toMatchObject({ drifted: 0 });
    expect(verified).toBe(0);
  });
});

describe('old IDs and statuses of every form', () => {
  let report: ImportReport;

  beforeAll(async () => {
    ({ report } = await importing(fixture('jobs.csv')));
    await settled();
  });

  const run = async (alias: string): Promise<object | undefined> => {
    const [found] = await ask<object>(
      service.url,
      `SELECT run_id, verdict, declared_status, reason, started_at, ended_at, error_type, error_message, recovered FROM job_runs
       WHERE (run_id, origin) IN (SELECT RunId, LogAttributes['rollcall.run.origin'] FROM otel_logs WHERE LogAttributes['rollcall.alias'] = {alias:String})`,
      { alias },
    );
    return found;
  };

  test.each([
    ['job_lead_stream1_20250920_143022', { run_id: '250920-143022', verdict: 'completed' }],
    [
      'job_post_scoring_bypass_1717146242405',
      { run_id: '240531-090402', verdict: 'completed', started_at: '2024-05-31 09:04:02.405000000' },
    ],
    [
      'smart_resume_1728026930000_k3x9q',
      { verdict: 'nothing_to_do', reason: 'skipped: completed in the last 24 h' },
    ],
    [
      '250930-123045-apify-AeljThOnfXhim2T31',
      { run_id: '250930-123045', verdict: 'nothing_to_do', reason: 'nobody posted' },
    ],
    [
      '250930-123046.0',
      { run_id: '250930-123046', started_at: '2025-09-30 12:30:46.000000000', recovered: 0 },
    ],
    [
      '2025-09-30T22:30:47.123+10:00',
      {
        verdict: 'failed',
        error_type: 'TypeError',
        error_message: "Cannot read properties of undefined (reading 'id')",
      },
    ],
    ['scheduled__2025-09-30T12:30:48+00:00', { verdict: 'timed_out', reason: '60 s were not enough' }],
    ['01999a9a-9183-7a1b-9c2d-3e4f5a6b7c8d', { run_id: '250930-123045', verdict: 'cancelled' }],
    [
      'nightly-scoring-29320590',
      { run_id: '250930-123000', ended_at: '2025-09-30 12:30:00.000000000', recovered: 1 },
    ],
  ])('%s', async (alias, expected) => {
    expect(await run(alias)).toMatchObject(expected);
  });

  test('a run that never ended in the table has no end here: it is lost, not completed', async () => {
    expect(await run('smart_resume_1728026930123_zzzzz')).toMatchObject({
      verdict: 'lost',
      declared_status: '',
      ended_at: null,
    });
    expect(report.withoutEnd).toBe(1);
  });

  test('two runs of one second stay two, each with its own numbers, and are reported', async () => {
    expect(report.collisions).toEqual([
      expect.objectContaining({
        runId: '241004-072850',
        legacyId: 'smart_resume_1728026930123_zzzzz',
        at: expect.objectContaining({ row: 5 }),
        earlier: expect.objectContaining({ row: 4 }),
      }),
      expect.objectContaining({
        runId: '250930-123045',
        at: expect.objectContaining({ row: 10 }),
        earlier: expect.objectContaining({ row: 6 }),
      }),
    ]);
    expect(
      await ask(
        service.url,
        "SELECT verdict, notes FROM job_runs WHERE run_id = '241004-072850' ORDER BY verdict",
      ),
    ).toEqual([
      { verdict: 'lost', notes: expect.arrayContaining(['2 runs share this run ID']) },
      { verdict: 'nothing_to_do', notes: ['2 runs share this run ID'] },
    ]);
  });
});

test('what can not be taken is refused by row, column and value, with what would work', async () => {
  const { report, finished } = await importing(fixture('refused.csv'));
  await settled();

  expect(finished.code).toBe(1);
  expect(report.rows).toEqual({ read: 13, taken: 2, refused: 11, merged: 0 });
  expect(report.refused.map(({ row, column, value }) => [row, column, value])).toEqual([
    [2, 'Run ID', 'invalid_job_id'],
    [3, 'Run ID', 'SR-250924-001-T1899-S1-CGuy-Wilson'],
    [4, 'Run ID', '[object Object]'],
    [5, 'Start Time', '20240531090402'],
    [6, 'End Time', '2611-01-01T00:00:00Z'],
    [7, 'Start Time', '2025-02-30T15:00:01Z'],
    [8, 'End Time', '2025-09-30T14:00:00Z'],
    [9, 'Status', 'Sort of done'],
    [10, 'Job Type', ''],
    [11, 'Client ID', 'Acme-Corp'],
    [12, '', ''],
    [13, 'Leads Processed', 'not-a-number'],
  ]);
  const [, , , wrongUnit, farAhead] = report.refused;
  expect(wrongUnit?.reason).toContain('the year 2611');
  expect(farAhead?.reason).toContain('write 2025-09-30T12:30:45Z');
  // The row of the refused value counts, and says so; 'not-a-number' is not 0.
  expect(
    await ask(service.url, "SELECT verdict, notes FROM job_runs WHERE run_id = '250930-150008'"),
  ).toEqual([{ verdict: 'completed', notes: [expect.stringContaining("Leads Processed 'not-a-number'")] }]);
  expect(
    await ask(
      service.url,
      "SELECT run_id, value FROM job_metrics WHERE run_id IN ('250930-150008', '250930-150009')",
    ),
  ).toEqual([{ run_id: '250930-150009', value: 0 }]);
});

test('JSON as Airtable gives it, with names in camel case', async () => {
  const { report, finished } = await importing(fixture('runs.json'));
  await settled();

  expect(finished.code).toBe(0);
  expect(report).toMatchObject({ jobRuns: 1, clientRuns: 1, unusedColumns: [] });
  expect(
    await ask(
      service.url,
      "SELECT metric, value FROM job_metrics WHERE run_id = '250930-160000' ORDER BY metric",
    ),
  ).toEqual([
    { metric: 'Leads Processed', value: 0 },
    { metric: 'Total Tokens', value: 1234 },
  ]);
});

test('a mapping file says what other columns and statuses mean', async () => {
  const { report, finished } = await importing(fixture('runs.ndjson'), '--map', fixture('runs.mapping.json'));
  await settled();

  expect(finished.code).toBe(1);
  expect(report.refused).toEqual([
    expect.objectContaining({ row: 3, reason: expect.stringContaining('no JSON') }),
  ]);
  expect(
    await ask(
      service.url,
      "SELECT metric, aggregation, unit, value FROM job_metrics WHERE run_id = '250930-170000' ORDER BY metric",
    ),
  ).toEqual([
    { metric: 'Peak Memory', aggregation: 'max', unit: 'MBy', value: 700 },
    { metric: 'cheapest', aggregation: 'min', unit: '', value: 2 },
  ]);
  expect(await ask(service.url, "SELECT client_id FROM client_runs WHERE run_id = '250930-170000'")).toEqual([
    { client_id: "Zoë's" },
  ]);
  expect(await ask(service.url, "SELECT verdict FROM job_runs WHERE run_id = '250930-180000'")).toEqual([
    { verdict: 'completed_with_errors' },
  ]);
});

describe('two tables of one system', () => {
  const JOBS =
    'Run ID,Job,Status,Start Time,End Time,Leads Processed,Total Tokens\n250101-000000,two_tables,Completed,1735689600,1735689700,30,500\n';
  const CLIENTS =
    'Run ID,Client ID,Status,Start Time,End Time,Leads Processed\n250101-000000-a,a,Completed,1735689600,1735689650,10\n250101-000000-b,b,Completed,1735689600,1735689660,20\n';

  test('imported together, each sum is counted where it arose', async () => {
    const [jobs, clients] = [join(folder.path, 'jobs.csv'), join(folder.path, 'clients.csv')];
    await Promise.all([writeFile(jobs, JOBS), writeFile(clients, CLIENTS)]);
    const { report, finished } = await importing(jobs, clients, '--job', 'two_tables');
    await settled();

    expect(finished.code).toBe(0);
    expect(report).toMatchObject({ values: { leftToClients: 1 }, missingJobRuns: 0 });
    expect(
      await ask(
        service.url,
        "SELECT metric, value FROM job_metrics WHERE job_name = 'two_tables' ORDER BY metric",
      ),
    ).toEqual([
      { metric: 'Leads Processed', value: 30 },
      { metric: 'Total Tokens', value: 500 },
    ]);
  });

  test('imported apart, the report says what is missing', async () => {
    const clients = join(folder.path, 'clients-alone.csv');
    await writeFile(clients, CLIENTS);
    const { report } = await importing(clients, '--job', 'two_tables', '--dry-run');

    expect(report).toMatchObject({ dryRun: true, missingJobRuns: 1 });
  });
});

test('a row that was corrected since replaces what it said', async () => {
  const path = join(folder.path, 'corrected.csv');
  const header = 'Run ID,Job,Status,Start Time,End Time,Leads Processed\n';
  await writeFile(path, `${header}250102-000000,corrected,Running,2025-01-02T00:00:03Z,,10\n`);
  await importing(path);
  await writeFile(
    path,
    `${header}250102-000000,corrected,Completed,2025-01-02T00:00:01Z,2025-01-02T00:01:00Z,12\n`,
  );
  await importing(path);
  await settled();

  expect(
    await ask(
      service.url,
      "SELECT verdict, started_at, value FROM job_runs JOIN job_metrics USING (run_id) WHERE run_id = '250102-000000'",
    ),
  ).toEqual([{ verdict: 'completed', started_at: '2025-01-02 00:00:01.000000000', value: 12 }]);
});

describe('a busy service', () => {
  interface Taken {
    readonly path: string;
    readonly events: number;
  }

  /** Answers what `decide` says, and remembers what it took. */
  async function receiver(
    decide: (request: Taken, tries: number) => [status: number, headers?: Record<string, string>],
  ): Promise<{
    url: string;
    taken: Taken[];
    close: () => void;
  }> {
    const taken: Taken[] = [];
    let tries = 0;
    const answer = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
      const chunks: Buffer[] = [];
      for await (const chunk of request) chunks.push(chunk as Buffer);
      const text = gunzipSync(Buffer.concat(chunks)).toString();
      const received = { path: request.url ?? '', events: text.split('"timeUnixNano"').length - 1 };
      const [status, headers = {}] = decide(received, tries);
      if (received.events > 0) tries++;
      if (status === 200 && received.events > 0) taken.push(received);
      response.writeHead(status, headers).end('{}');
    };
    const server = createServer((request, response) => void answer(request, response));
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address() as AddressInfo;
    return { url: `http://127.0.0.1:${port}`, taken, close: () => server.close() };
  }

  test('is asked again when it says 429 or 503, not before the time that it names', async () => {
    const answers: [number, Record<string, string>?][] = [[429, { 'Retry-After': '2' }], [503]];
    const busy = await receiver(({ events }, tries) => (events === 0 ? [200] : (answers[tries] ?? [200])));
    const startedMs = Date.now();
    const { code, stderr } = await rollcall(['--url', busy.url, 'import', fixture('worked-example.csv')]);
    busy.close();

    expect([code, stderr]).toEqual([0, '']);
    expect(Date.now() - startedMs).toBeGreaterThan(2_000);
    expect(busy.taken.map(({ path }) => path)).toEqual(['/v1/logs', '/v1/metrics']);
  });

  test('that takes small requests only gets small ones', async () => {
    const small = await receiver(({ events }) => [events > 3 ? 413 : 200]);
    const { code } = await rollcall(['--url', small.url, 'import', fixture('worked-example.csv')]);
    small.close();

    expect(code).toBe(0);
    // 4 starts, 4 ends, 1 failure, 3 aliases; 6 points.
    expect(small.taken.reduce((sum, { events }) => sum + events, 0)).toBe(18);
  });
});

test.each([
  [['import', fixture('nowhere.csv')], 2, "There is no file '"],
  [['import', fixture('jobs.csv'), '--map', fixture('jobs.csv')], 2, 'is no JSON'],
  [['import', fixture('jobs.csv'), '--map', fixture('runs.mapping.json')], 2, "names the column 'when'"],
  [['import', fixture('runs.ndjson')], 2, 'No column looks like a run ID'],
  [['import', fixture('jobs.csv'), '--format', 'xml'], 2, "Unknown format 'xml'"],
  [['import', fixture('worked-example.csv'), '--format', 'json'], 2, 'is no JSON array'],
  [['--url', 'http://127.0.0.1:1', 'import', fixture('jobs.csv')], 2, 'No service answers'],
])('rollcall %j ends with %i and says why', async (args, expected, words) => {
  const { code, stderr } = await rollcall(['--data-dir', service.dataDir, ...args]);

  expect(stderr).toContain(words);
  expect(stderr).not.toContain('    at ');
  expect(code).toBe(expected);
});

test('without a service it says how to start one', async () => {
  const empty = await temporaryFolder();
  const { code, stderr } = await rollcall(['--data-dir', empty.path, 'import', fixture('jobs.csv')]);
  await empty.remove();

  expect(stderr).toContain('rollcall up');
  expect(code).toBe(2);
});

describe('100,000 rows', () => {
  const ROWS = 100_000;
  const RUNS = ROWS / 10;
  let path: string;

  beforeAll(async () => {
    path = join(folder.path, 'many.csv');
    await writeManyRows(path, RUNS);
  });

  test('an import that was killed half-way is finished by the next, in bounded time and memory', async () => {
    const first = spawnScript(MAIN, ['--data-dir', service.dataDir, 'import', path]);
    await askUntil(
      service.url,
      "SELECT 1 FROM otel_logs WHERE JobName = 'many' LIMIT 1",
      ({ length }) => length > 0,
    );
    first.kill('SIGKILL');
    const [code] = (await once(first, 'close')) as [number | null];
    await settled();
    const startedMs = Date.now();
    const { stdout, stderr } = await rollcall(
      ['--data-dir', service.dataDir, 'import', '--json', path],
      // Far below what the rows take as objects.
      { NODE_OPTIONS: '--max-old-space-size=256' },
    );
    const tookMs = Date.now() - startedMs;
    await settled();

    expect(code).toBeNull();
    expect(stderr).toBe('');
    expect(JSON.parse(stdout)).toMatchObject({
      rows: { read: ROWS, taken: ROWS, refused: 0, merged: 0 },
      jobRuns: RUNS,
      clientRuns: ROWS - RUNS,
    });
    // 11 s on two free cores; the bound leaves room for a busy machine.
    expect(tookMs).toBeLessThan(60_000);
    expect(
      await ask(
        service.url,
        `SELECT toUInt32(count()) AS runs, toUInt32(countIf(verdict = 'completed')) AS completed, toUInt32(sum(clients_started)) AS clients
         FROM job_runs WHERE job_name = 'many'`,
      ),
    ).toEqual([{ runs: RUNS, completed: RUNS, clients: ROWS - RUNS }]);
    // Each run's nine clients brought 1 + 2 + … + 9.
    expect(
      await ask(
        service.url,
        "SELECT toUInt32(sum(value)) AS leads, toUInt32(uniqExact(value)) AS kinds FROM job_metrics WHERE job_name = 'many'",
      ),
    ).toEqual([{ leads: RUNS * 45, kinds: 1 }]);
  }, 120_000);
});

async function writeManyRows(path: string, runs: number): Promise<void> {
  const file = createWriteStream(path);
  file.write('Run ID,Job,Client ID,Status,Start Time,End Time,Leads Processed\n');
  for (let run = 0; run < runs; run++) {
    const startMs = Date.UTC(2024, 0, 1) + run * 60_000;
    const digits = new Date(startMs).toISOString().replaceAll(/\D/g, '');
    const runId = `${digits.slice(2, 8)}-${digits.slice(8, 14)}`;
    const rows = [`${runId},many,,Completed,${startMs},${startMs + 50_000},`];
    for (let client = 1; client < 10; client++) {
      rows.push(
        `${runId}-client-${client},many,client-${client},Completed,${startMs + client},${startMs + 40_000},${client}`,
      );
    }
    if (!file.write(`${rows.join('\n')}\n`)) await once(file, 'drain');
  }
  file.end();
  await once(file, 'close');
}
