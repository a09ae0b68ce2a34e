/** Every query of docs/cookbook.md gives the right answer: taken from the page, asked of runs of known truth. */

import { readFile } from 'node:fs/promises';
import { generateRunId } from '@rollcall/semconv';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { plantRuns, settled, type PlantedAttempt, type PlantedRun } from './planted.fixture.ts';
import {
  askUntil,
  rollcall,
  startProcess,
  temporaryFolder,
  type RunningService,
} from './rollcall-process.ts';
import { trackingClient } from './tracking-client.ts';

const DAY_MS = 86_400_000;
/** A second after midnight, UTC: what happened then is of today, whenever this runs. */
const TODAY_MS = Math.floor(Date.now() / DAY_MS) * DAY_MS + 1_000;
const at = (daysAgo: number, extraMs = 0): Date => new Date(TODAY_MS - daysAgo * DAY_MS + extraMs);
const nightly = (daysAgo: number): string => generateRunId(at(daysAgo));

let folder: Awaited<ReturnType<typeof temporaryFolder>>;
let service: RunningService;
let openRunId: string;
let queries: ReadonlyMap<string, string>;

/**
 * Two weeks of nights. `c` fails in the last three with one kind of error; `e` does not come in the last three; `d` is
 * expected last night and never starts; `b` takes a minute longer last night, in step load; posts doubled a week ago; `idle` makes nothing.
 */
function night(days: number): PlantedRun {
  const posts = days < 7 ? 100 : 50;
  const extraMs = days === 0 ? 60_000 : 0;
  const clients: Record<string, PlantedAttempt> = {
    a: { durationMs: 10_000, steps: { load: 4_000, score: 6_000 }, metrics: { Posts: posts } },
    b: {
      offsetMs: 10_000,
      durationMs: 20_000 + extraMs,
      steps: { load: 12_000 + extraMs, score: 8_000 },
      metrics: { Posts: posts },
    },
    c:
      days < 3
        ? {
            durationMs: 1_000,
            status: 'failed',
            error: { type: 'TypeError', message: `no lead ${days}${days}${days}` },
            metrics: { Posts: 0 },
          }
        : { durationMs: 5_000, metrics: { Posts: posts } },
    idle: { durationMs: 100, metrics: { Posts: 0 } },
    ...(days < 3 ? {} : { e: { durationMs: 1_000, metrics: { Posts: posts } } }),
  };
  const expected = days === 0 ? ['a', 'b', 'c', 'd', 'idle'] : undefined;
  return {
    job: 'nightly',
    at: at(days),
    durationMs: 40_000 + extraMs,
    clients,
    ...(expected === undefined ? {} : { expected }),
  };
}

beforeAll(async () => {
  folder = await temporaryFolder();
  service = await startProcess(folder.path);
  const page = await readFile(new URL('../docs/cookbook.md', import.meta.url), 'utf8');
  queries = new Map(
    [...page.matchAll(/^## (.+)\n([\s\S]*?)(?=^## |$(?![\s\S]))/gm)].map(([, question = '', text = '']) => [
      question,
      /```sql\n([\s\S]*?)```/.exec(text)?.[1] ?? '',
    ]),
  );
  await plantRuns(service.url, [
    ...Array.from({ length: 14 }, (_, days) => night(days)),
    {
      job: 'billing',
      at: at(0, 30_000),
      durationMs: 5_000,
      expected: ['x'],
      lostEvents: 2,
      clients: {
        x: [
          { durationMs: 100, status: 'failed', error: { type: 'RangeError', message: 'bad total 17' } },
          {
            offsetMs: 200,
            durationMs: 100,
            status: 'failed',
            error: { type: 'RangeError', message: 'bad total 4' },
          },
          { offsetMs: 400, durationMs: 100 },
        ],
        stray: { durationMs: 100 },
      },
    },
    {
      job: 'sync',
      at: at(2, 60_000),
      durationMs: 90_000,
      clients: { y: { durationMs: 10, status: null } },
      heartbeatIntervalMs: 1_000,
    },
    { job: 'sync', at: at(2, 120_000), durationMs: 10_000 },
  ]);
  const api = trackingClient(service.url);
  const { body } = await api<{ runId: string }>('POST', '/runs', {
    job: 'open',
    expectedClients: ['p', 'q'],
  });
  openRunId = body.runId;
  await api('PUT', `/runs/${openRunId}/clients/p`, {});
  await api('PATCH', `/runs/${openRunId}`, { progress: { done: 1, total: 4 } });
  await rollcall([
    'exec',
    '--data-dir',
    service.dataDir,
    '--job',
    'pulse',
    '--every',
    '2s',
    '--late-after',
    '1s',
    '--',
    'true',
  ]);
  await settled(service.url);
  await askUntil<{ state: string }>(
    service.url,
    "SELECT state FROM expected_runs WHERE job_name = 'pulse'",
    ([row]) => row?.state === 'missed',
    { withinMs: 60_000 },
  );
});

afterAll(async () => {
  await service.stop();
  await folder.remove();
});

/** As a person would: the query from the page, its parameters on the command line. */
async function answer(
  question: string,
  parameters: Record<string, string> = {},
): Promise<Record<string, unknown>[]> {
  const params = Object.entries(parameters).flatMap(([name, value]) => ['--param', `${name}=${value}`]);
  const { stdout, stderr, code } = await rollcall([
    '--data-dir',
    service.dataDir,
    'sql',
    queries.get(question) ?? '',
    '--format',
    'JSONEachRow',
    ...params,
  ]);
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  return stdout
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as Record<string, unknown>);
}

const pick = (rows: readonly Record<string, unknown>[], ...columns: string[]): unknown[][] =>
  rows.map((row) =>
    columns.map((column) =>
      typeof row[column] === 'string' && /^-?\d{1,15}$/.test(row[column]) ? Number(row[column]) : row[column],
    ),
  );

interface Case {
  readonly parameters?: () => Record<string, string> | Promise<Record<string, string>>;
  readonly columns: readonly string[];
  /** Only these rows are looked at; all of them unless told. */
  readonly where?: (row: Record<string, unknown>) => boolean;
  readonly expected: () => unknown[][];
}

const ofNightly = (row: Record<string, unknown>): boolean => row['job_name'] === 'nightly';

const CASES: Record<string, Case> = {
  'What runs now?': {
    columns: ['job_name', 'run_id', 'percent', 'clients_running'],
    expected: () => [['open', openRunId, 25, 1]],
  },
  'Which clients were never handled last night?': {
    columns: ['job_name', 'client_id', 'verdict', 'run_id'],
    expected: () => [['nightly', 'd', 'never_started', nightly(0)]],
  },
  'Which clients came last week, and not in the latest run?': {
    columns: ['job_name', 'client_id', 'last_run'],
    expected: () => [
      ['nightly', 'e', nightly(3)],
      ['sync', 'y', generateRunId(at(2, 60_000))],
    ],
  },
  'Which kinds of failure are new today?': {
    columns: ['job_name', 'error_type', 'occurrences', 'clients'],
    expected: () => [['billing', 'RangeError', 2, 1]],
  },
  'What broke most in the last seven days?': {
    columns: ['job_name', 'error', 'times', 'clients_hit', 'runs_hit'],
    expected: () => [
      ['nightly', 'TypeError', 3, 1, 3],
      ['billing', 'RangeError', 2, 1, 1],
    ],
  },
  'Which clients failed in each of their last three runs?': {
    columns: ['job_name', 'client_id', 'last_three'],
    expected: () => [['nightly', 'c', [0, 1, 2].map((days) => [nightly(days), 'failed'])]],
  },
  'Which was the first bad run of a kind of failure, and which run came before it?': {
    parameters: async () => {
      const [row] = await answer('Which kinds of failure are new today?').then(async () =>
        answer('What broke most in the last seven days?'),
      );
      return { fingerprint: String(row?.['fingerprint']) };
    },
    columns: ['job', 'first_bad_run', 'run_before'],
    expected: () => [['nightly', nightly(2), nightly(3)]],
  },
  'Which client explains why a run was slower than another?': {
    parameters: () => ({ old: nightly(1), new: nightly(0) }),
    columns: ['client_id', 'old_ms', 'new_ms', 'change_ms', 'share'],
    where: ({ client_id: client }) => client === 'a' || client === 'b',
    expected: () => [
      ['b', 20_000, 80_000, 60_000, 1],
      ['a', 10_000, 10_000, 0, 0],
    ],
  },
  'Which step explains it?': {
    parameters: () => ({ old: nightly(1), new: nightly(0) }),
    columns: ['step', 'change_ms', 'slowest_client'],
    expected: () => [
      ['load', 60_000, 'b'],
      ['score', 0, 'b'],
    ],
  },
  'Which runs took much longer than usual?': {
    columns: ['job_name', 'run_id', 'took_ms', 'usual_ms'],
    expected: () => [['nightly', nightly(0), 100_000, 40_000]],
  },
  'How did totals change, week over week?': {
    columns: ['job_name', 'metric', 'this_week', 'week_before', 'change'],
    where: ofNightly,
    // Four clients of 100 each make 400 a night; three nights lack c and e. Before that four of 50 each.
    expected: () => [['nightly', 'Posts', 4 * 400 + 3 * 200, 7 * 200, 0.571]],
  },
  'Which runs should have come, and did not?': {
    columns: ['job_name', 'state', 'expression'],
    expected: () => [['pulse', 'missed', 'every 2 s']],
  },
  'How reliably is each client handled?': {
    columns: ['client_id', 'well', 'runs', 'reliability', 'budget_left'],
    where: ofNightly,
    expected: () => [
      ['d', 0, 1, 0, -99],
      ['c', 11, 14, 0.7857, -20.43],
      ['a', 14, 14, 1, 1],
      ['b', 14, 14, 1, 1],
      ['e', 11, 11, 1, 1],
      ['idle', 14, 14, 1, 1],
    ],
  },
  'When was each client last handled well?': {
    parameters: () => ({ job: 'nightly' }),
    columns: ['client_id', 'days_ago'],
    expected: () => [
      ['e', 3],
      ['c', 3],
      ['idle', 0],
      ['a', 0],
      ['b', 0],
    ],
  },
  'How many retries does each job need?': {
    columns: ['job_name', 'clients_retried', 'retries', 'healed', 'most_tries'],
    expected: () => [['billing', 1, 2, 1, 3]],
  },
  'What must run again?': {
    parameters: () => ({ run: nightly(0) }),
    columns: ['client_id', 'verdict', 'next_attempt'],
    expected: () => [
      ['c', 'failed', 2],
      ['d', 'never_started', 1],
    ],
  },
  'Where has telemetry gaps?': {
    columns: ['job_name', 'run_id'],
    expected: () => [
      ['billing', generateRunId(at(0, 30_000))],
      ['sync', generateRunId(at(2, 60_000))],
    ],
  },
  'Which clients completed, and produced nothing?': {
    parameters: () => ({ job: 'nightly' }),
    columns: ['client', 'run_id'],
    expected: () => [0, 1, 2, 3, 4, 5, 6].map((days) => ['idle', nightly(days)]),
  },
  'Which clients were handled that nobody expected?': {
    columns: ['run_id', 'client_id', 'verdict'],
    expected: () => [[generateRunId(at(0, 30_000)), 'stray', 'completed']],
  },
  'Which runs of a job overlapped?': {
    columns: ['job', 'first_run', 'second_run', 'overlap_s'],
    expected: () => [['sync', generateRunId(at(2, 60_000)), generateRunId(at(2, 120_000)), 30]],
  },
  'Which clients are slowest?': {
    parameters: () => ({ job: 'nightly' }),
    columns: ['client_id', 'runs', 'median_ms', 'p95_ms'],
    expected: () => [
      ['b', 14, 20_000, 80_000],
      ['a', 14, 10_000, 10_000],
      ['c', 11, 5_000, 5_000],
      ['e', 11, 1_000, 1_000],
      ['idle', 14, 100, 100],
    ],
  },
};

test('every question of the page is asked here, and each has one query', () => {
  expect([...queries.keys()]).toEqual(Object.keys(CASES));
  expect([...queries.values()].filter((query) => query === '')).toEqual([]);
});

test.each(Object.entries(CASES))(
  '%s',
  async (question, { parameters, columns, where = () => true, expected }) => {
    const rows = await answer(question, await parameters?.());

    expect(pick(rows.filter(where), ...columns)).toEqual(expected());
  },
);
