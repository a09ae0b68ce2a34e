/** What broke, for whom, why, and what to run again: the commands as a person calls them, over runs of known truth. */

import { execFileSync, spawn } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { stripVTControlCharacters } from 'node:util';
import { generateRunId } from '@rollcall/semconv';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { plantRuns, settled, type PlantedAttempt, type PlantedRun } from './planted.fixture.ts';
import {
  finished,
  rollcall,
  startProcess,
  temporaryFolder,
  type Finished,
  type RunningService,
} from './rollcall-process.ts';
import { trackingClient } from './tracking-client.ts';

const DAY_MS = 86_400_000;
const MINUTE_MS = 60_000;
/** A second after midnight, UTC: what happened then is of today, whenever this runs. */
const TODAY = new Date(Math.floor(Date.now() / DAY_MS) * DAY_MS + 1_000);
const DAYS = 20;
const CLIENTS = ['acme', "O'Neil & Söhne", 'globex', '-dash', '東京 (2)', '$HOME `x` "q" \\'];

let folder: Awaited<ReturnType<typeof temporaryFolder>>;
let service: RunningService;
const runIds = new Map<number, string>();

const daysAgo = (days: number): Date => new Date(TODAY.getTime() - days * DAY_MS);
const runOf = (days: number): string => runIds.get(days) ?? '';
const dayOf = (days: number): string => daysAgo(days).toISOString().slice(0, 10);

const stack = (fn: string, line: number): string =>
  [
    'TimeoutError: The model did not answer',
    '    at process.processTicksAndRejections (node:internal/process/task_queues:105:5)',
    '    at async request (/srv/app/node_modules/undici/lib/api.js:12:3)',
    `    at async ${fn} (/srv/app/releases/${line}/src/${fn}.ts:${line}:11)`,
  ].join('\n');

/**
 * Six clients a night, one after another, a minute each, of 100 posts each.
 * Posts halve 8 days ago; acme fails for the last 5 nights; today globex takes 10 minutes longer in step score, '-dash' fails in
 * another way, and 'late corp' is expected and never comes.
 */
function nightly(days: number): PlantedRun {
  const clients: Record<string, PlantedAttempt> = {};
  for (const [index, clientId] of CLIENTS.entries()) {
    const extraMs = clientId === 'globex' && days === 0 ? 10 * MINUTE_MS : 0;
    const wobbleMs = ((days * 7_919 + index * 31) % 500) * 4;
    clients[clientId] = {
      offsetMs: index * MINUTE_MS,
      durationMs: 50_000 + wobbleMs + extraMs,
      steps: { fetch: 20_000, score: 28_000 + wobbleMs + extraMs },
      metrics: { 'Posts Processed': days <= 8 ? 50 : 100, 'Leads Processed': 10 },
    };
  }
  if (days < 5) {
    clients['acme'] = {
      durationMs: 30_000,
      status: 'failed',
      error: {
        type: 'TimeoutError',
        message: `The model did not answer acme within ${30 + days} s: see /var/log/acme/${days}.log`,
        stack: stack('scoreLeads', 40 + days),
        step: 'score',
      },
    };
  }
  if (days === 0) {
    clients['-dash'] = {
      offsetMs: 3 * MINUTE_MS,
      durationMs: 2_000,
      status: 'failed',
      error: {
        type: 'HttpError',
        message: 'Request failed with status code 429',
        stack: stack('fetchLeads', 7),
        step: 'fetch',
      },
    };
  }
  return {
    job: 'batch_scoring',
    at: daysAgo(days),
    durationMs: 6 * MINUTE_MS + (days === 0 ? 10 * MINUTE_MS : 0),
    clients,
    expected: [...CLIENTS, ...(days === 0 ? ['late corp'] : [])],
  };
}

beforeAll(async () => {
  folder = await temporaryFolder();
  service = await startProcess(folder.path);
  const nights = Array.from({ length: DAYS + 1 }, (_, days) => nightly(days));
  const planted = await plantRuns(service.url, nights);
  for (const [days, runId] of planted.entries()) runIds.set(days, runId);
  // Its clients ended in every way there is, two days ago.
  await plantRuns(service.url, [
    {
      job: 'endings',
      at: new Date(daysAgo(2).getTime() + 3_600_000),
      durationMs: MINUTE_MS,
      heartbeatIntervalMs: 1_000,
      expected: ['done', 'idle', 'absent one'],
      alias: 'webhook/7 ü',
      clients: {
        done: { durationMs: 1_000 },
        idle: { durationMs: 1_000, status: 'nothing_to_do' },
        broke: { durationMs: 1_000, status: 'failed', error: { type: 'Bad', message: 'no' } },
        again: [
          { durationMs: 1_000, status: 'failed', error: { type: 'Bad', message: 'no' } },
          { offsetMs: 2_000, durationMs: 1_000, status: 'failed', error: { type: 'Bad', message: 'no' } },
        ],
        healed: [
          { durationMs: 1_000, status: 'failed', error: { type: 'Bad', message: 'no' } },
          { offsetMs: 2_000, durationMs: 1_000 },
        ],
        slow: { durationMs: 1_000, status: 'timed_out' },
        stopped: { durationMs: 1_000, status: 'cancelled' },
        silent: { durationMs: 1_000, status: null },
      },
    },
    ...['twin a', 'twin b'].map((job) => ({
      job,
      at: new Date(daysAgo(3).getTime() + 10_000),
      durationMs: 1_000,
      clients: { [job]: { durationMs: 100, status: 'failed' as const } },
    })),
    ...Array.from({ length: 12 }, (_, index) => ({
      job: 'slower',
      at: new Date(daysAgo(12 - index).getTime() + 7_200_000),
      durationMs: Math.round(60_000 * 1.03 ** index),
    })),
  ]);
  await settled(service.url);
});

afterAll(async () => {
  await service.stop();
  await folder.remove();
});

async function run(...args: string[]): Promise<Finished> {
  return rollcall(['--data-dir', service.dataDir, ...args], { NO_COLOR: '' });
}

async function json<Answer>(...args: string[]): Promise<Answer> {
  const { stdout, stderr, code } = await run(...args, '--json');
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  return JSON.parse(stdout) as Answer;
}

interface Groups {
  readonly groups: {
    readonly fingerprint: string;
    readonly errorType: string;
    readonly occurrences: number;
    readonly runs: number;
    readonly clients: { clientId: string; occurrences: number }[];
    readonly firstBadRun: string;
    readonly lastBadRun: string;
    readonly isNew: boolean;
    readonly trend: number[];
    readonly steps: string[];
  }[];
  readonly withoutError: object[];
}

describe('rollcall failures', () => {
  test('tells kinds, clients, first bad run, trend, and what is new today', async () => {
    const { groups, withoutError } = await json<Groups>(
      'failures',
      '--job',
      'batch_scoring',
      '--since',
      '10d',
    );

    expect(groups).toMatchObject([
      {
        errorType: 'HttpError',
        isNew: true,
        occurrences: 1,
        clients: [{ clientId: '-dash', occurrences: 1 }],
        firstBadRun: runOf(0),
        steps: ['fetch'],
      },
      {
        errorType: 'TimeoutError',
        isNew: false,
        occurrences: 5,
        runs: 5,
        clients: [{ clientId: 'acme', occurrences: 5 }],
        firstBadRun: runOf(4),
        lastBadRun: runOf(0),
        trend: [0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 1],
      },
    ]);
    expect(withoutError).toEqual([{ verdict: 'never_started', clients: 1, lastRunId: runOf(0) }]);
  });

  test('a filter by time, client or job leaves out the rest; the first bad run stays the first ever', async () => {
    const today = await json<Groups>('failures', '--since', TODAY.toISOString().slice(0, 10));
    const ofClient = await json<Groups>('failures', '--since', '10d', '--client', '-dash');
    const well = await json<Groups>('failures', '--since', '10d', '--client', "O'Neil & Söhne");

    expect(
      today.groups.map(({ errorType, occurrences, firstBadRun }) => [errorType, occurrences, firstBadRun]),
    ).toEqual([
      ['HttpError', 1, runOf(0)],
      ['TimeoutError', 1, runOf(4)],
    ]);
    expect(ofClient.groups.map(({ errorType }) => errorType)).toEqual(['HttpError']);
    expect(well.groups).toEqual([]);
  });

  test('one kind is shown whole: stack, clients with how they are now, runs, the run before', async () => {
    const { groups } = await json<Groups>('failures', '--since', '10d', '--client', 'acme');
    const fingerprint = groups[0]?.fingerprint ?? '';
    const [detail] = await json<
      { stacktrace: string; runBefore: string; clients: object[]; runs: object[] }[]
    >('failures', fingerprint.slice(0, 8));
    const { stdout } = await run('failures', fingerprint.slice(0, 8));

    expect(detail).toMatchObject({
      runBefore: runOf(5),
      clients: [
        {
          clientId: 'acme',
          occurrences: 5,
          firstRunId: runOf(4),
          lastRunId: runOf(0),
          latestVerdict: 'failed',
        },
      ],
      stacktrace: stack('scoreLeads', 40),
    });
    expect(detail?.runs).toHaveLength(5);
    expect(stdout).toContain('at async scoreLeads (/srv/app/releases/40/src/scoreLeads.ts:40:11)');
    expect(stdout).toContain(`rollcall diff ${runOf(5)} ${runOf(4)}`);
  });

  test('--exit-code tells a script', async () => {
    const some = await run('failures', '--exit-code', '--job', 'batch_scoring');
    const none = await run('failures', '--exit-code', '--job', 'slower');

    expect([some.code, none.code]).toEqual([3, 0]);
  });

  test.each([
    [['--job', 'batch_scorin'], 1, "did you mean 'batch_scoring'?"],
    [['--client', "O'Neil & Sohne"], 1, "did you mean 'O'Neil & Söhne'?"],
    [['--client', 'zzzzzzzzz'], 1, "'rollcall show latest'"],
    [['ffff'], 1, 'has the fingerprint ffff'],
    [['nonsense'], 2, 'is no fingerprint'],
    [['--since', 'yesterday'], 2, "Unusable --since 'yesterday'"],
    [['--since', '2026-02-30'], 2, 'Unusable --since'],
    [['--limit', '0'], 2, 'Unusable --limit'],
  ])('%j is refused with what would work', async (args, code, message) => {
    const ended = await run('failures', ...args);

    expect(ended).toMatchObject({ code, stdout: '' });
    expect(ended.stderr).toContain(message);
  });
});

interface Diff {
  readonly cause: string;
  readonly causes: string[];
  readonly duration: {
    delta: number;
    sharesOf: string;
    clients: { clientId: string; delta: number; share: number }[];
    steps: { step: string; delta: number; share: number; mostOf: { clientId: string } }[];
  };
  readonly totals: {
    metric: string;
    old: number;
    new: number;
    delta: number;
    clients: { clientId: string; share: number }[];
  }[];
  readonly verdicts: { clientId: string; old: string | null; new: string; kind: string }[];
  readonly failures: { errorType: string; old: number; new: number; clients: string[] }[];
  readonly appeared: string[];
}

describe('rollcall diff', () => {
  test('names who fails now, and which client and step explain the time', async () => {
    const diff = await json<Diff>('diff', runOf(1), runOf(0));

    expect(diff.cause).toBe(
      "New in this run: -dash failed with HttpError in step 'fetch'; late corp never started.",
    );
    expect(diff.causes).toContain(
      "The run took 10 min 0 s longer (6 min 0 s → 16 min 0 s): 100 % of it is globex, in step 'score'.",
    );
    expect(diff.duration.delta).toBe(600_000);
    expect(diff.duration.sharesOf).toBe('run');
    expect(diff.duration.clients[0]).toMatchObject({
      clientId: 'globex',
      share: expect.closeTo(1, 2) as number,
    });
    expect(diff.duration.steps[0]).toMatchObject({ step: 'score', mostOf: { clientId: 'globex' } });
    expect(diff.totals.find(({ metric }) => metric === 'Posts Processed')).toMatchObject({
      old: 250,
      new: 200,
      clients: [{ clientId: '-dash', share: 1 }],
    });
    expect(diff.verdicts).toMatchObject([
      { clientId: '-dash', old: 'completed', new: 'failed', kind: 'worse' },
      { clientId: 'late corp', old: null, new: 'never_started', kind: 'worse' },
    ]);
    expect(diff.failures.filter(({ old, new: fresh }) => old !== fresh)).toMatchObject([
      { errorType: 'HttpError', old: 0, new: 1, clients: ['-dash'] },
    ]);
    expect(diff.appeared).toEqual(['late corp']);
  });

  test('shares of a change add up to all of it', async () => {
    const { duration } = await json<Diff & { duration: { outside: { share: number } } }>(
      'diff',
      runOf(1),
      runOf(0),
    );
    const shares = duration.clients.reduce((sum, { share }) => sum + share, 0) + duration.outside.share;

    expect(shares).toBeCloseTo(1, 2);
  });

  test('one run alone is compared with the run of its job before it', async () => {
    const alone = await json<Diff>('diff', runOf(4));
    const both = await json<Diff>('diff', runOf(5), runOf(4));

    expect(alone).toEqual(both);
    expect(alone.cause).toBe("New in this run: acme failed with TimeoutError in step 'score'.");
  });

  test('where posts halve without a failure, that is the cause, and spread over the clients', async () => {
    const { cause } = await json<Diff>('diff', runOf(9), runOf(8));

    expect(cause).toMatch(
      /^Posts Processed halved \(600 → 300\), spread over 6 clients: the largest part, 17 %, is /,
    );
  });

  test('the other way round acme is well again', async () => {
    const { causes } = await json<Diff>('diff', runOf(4), runOf(5));

    expect(causes).toContain('acme is well again.');
  });

  test('where nothing changed it says so, and --exit-code tells a script', async () => {
    const same = await run('diff', '--exit-code', runOf(11), runOf(10));
    const changed = await run('diff', '--exit-code', runOf(5), runOf(4));

    expect(same.stdout).toContain('Nothing of weight changed');
    expect([same.code, changed.code]).toEqual([0, 3]);
  });

  test.each([
    [[generateRunId(new Date('2020-01-01T00:00:00Z'))], 1, "'rollcall runs' lists those there are"],
    [['batch_scoring'], 2, 'is not a run ID'],
  ])('%j is refused with what would work', async (args, code, message) => {
    const ended = await run('diff', ...args);

    expect(ended).toMatchObject({ code, stdout: '' });
    expect(ended.stderr).toContain(message);
  });

  test('a run ID that is nearly right brings up the right one', async () => {
    const wrong = runOf(3).replace(/.$/, '9');
    const { stderr, code } = await run('diff', wrong);

    expect(code).toBe(1);
    expect(stderr).toContain(`did you mean '`);
    expect(stderr).toContain(runOf(3));
  });

  test('the first run of a job has none before it', async () => {
    const { code, stderr } = await run('diff', runOf(DAYS));

    expect(code).toBe(1);
    expect(stderr).toContain('is the first run of batch_scoring');
  });
});

interface RerunList {
  readonly runId: string;
  readonly origin: string;
  readonly clients: { clientId: string; verdict: string; attempt: number; idempotencyKey: string }[];
}

const rerunJson = async (name: string): Promise<RerunList> => {
  const { stdout } = await run('rerun-list', name, '--format', 'json');
  return JSON.parse(stdout) as RerunList;
};

describe('rollcall rerun-list', () => {
  test('names exactly those that must run again, each with its next attempt', async () => {
    const { clients } = await rerunJson('webhook/7 ü');

    expect(clients.map(({ clientId, verdict, attempt }) => [clientId, verdict, attempt])).toEqual([
      ['absent one', 'never_started', 1],
      ['again', 'failed', 3],
      ['broke', 'failed', 2],
      ['silent', 'lost', 2],
      ['slow', 'timed_out', 2],
      ['stopped', 'cancelled', 2],
    ]);
  });

  test('keys stay the same, differ from each other, and change with the attempt', async () => {
    const api = trackingClient(service.url);
    const { body } = await api<{ runId: string }>('POST', '/runs', { job: 'retried' });
    await api('PUT', `/runs/${body.runId}/clients/acme`, {
      status: 'failed',
      error: { type: 'Bad', message: 'no' },
    });
    await api('PUT', `/runs/${body.runId}/clients/globex`, {
      status: 'failed',
      error: { type: 'Bad', message: 'no' },
    });
    await api('POST', `/runs/${body.runId}/complete`, { status: 'completed' });
    const first = await rerunJson(body.runId);
    const again = await rerunJson(body.runId);
    const acme = first.clients.find(({ clientId }) => clientId === 'acme');
    // As a rerun would report, with what the list said.
    const started = await api(
      'PATCH',
      `/runs/${body.runId}/clients/acme`,
      { attempt: acme?.attempt, status: 'failed' },
      {
        'Idempotency-Key': acme?.idempotencyKey ?? '',
      },
    );
    const after = await rerunJson(body.runId);

    expect(again).toEqual(first);
    expect(started.status).toBe(200);
    expect(first.clients.map(({ attempt }) => attempt)).toEqual([2, 2]);
    expect(after.clients.map(({ clientId, attempt }) => [clientId, attempt])).toEqual([
      ['acme', 3],
      ['globex', 2],
    ]);
    expect(after.clients[1]).toEqual(first.clients[1]);
    expect(
      new Set([...first.clients, ...after.clients].map(({ idempotencyKey }) => idempotencyKey)).size,
    ).toBe(3);
  });

  test('args are words that a shell and xargs read back as they were, whatever the client IDs', async () => {
    const wild = [...CLIENTS, '*', '~', '#x', 'a;b', '$(id)', '!!', '--', 'ключ'];
    const [runId = ''] = await plantRuns(service.url, [
      {
        job: 'wild',
        at: new Date(daysAgo(1).getTime() + 5_000),
        durationMs: 1_000,
        clients: Object.fromEntries(wild.map((id) => [id, { durationMs: 1, status: 'failed' as const }])),
      },
    ]);
    await settled(service.url);
    const { stdout, code } = await run('rerun-list', runId, '--format', 'args');
    const shell = (script: string): string[] =>
      execFileSync('sh', ['-c', script], { input: stdout, encoding: 'utf8' }).split('\n').slice(0, -1);
    const expected = wild.toSorted((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)));

    expect(code).toBe(0);
    expect(stdout.split('\n')).toHaveLength(2);
    expect(shell('eval "set -- $(cat)"; printf "%s\\n" "$@"')).toEqual(expected);
    expect(shell('xargs sh -c \'printf "%s\\n" "$@"\' sh')).toEqual(expected);
  });

  test('env is assignments that a shell reads, and a program started with them takes part in the run', async () => {
    const list = await rerunJson(runOf(0));
    const { stdout } = await run('rerun-list', runOf(0), '--format', 'env');
    const read = (name: string): string =>
      execFileSync('sh', ['-c', `${stdout}\nprintf %s "$${name}"`], { encoding: 'utf8' });
    const env = Object.fromEntries(
      ['ROLLCALL_RUN_ID', 'ROLLCALL_RUN_ORIGIN', 'ROLLCALL_JOB_NAME', 'ROLLCALL_RERUN_CLIENTS'].map(
        (name) => [name, read(name)],
      ),
    );

    expect(JSON.parse(read('ROLLCALL_RERUN_CLIENTS'))).toEqual(['-dash', 'acme', 'late corp']);
    expect(JSON.parse(read('ROLLCALL_RERUN_ATTEMPTS'))).toEqual([2, 2, 1]);
    expect(JSON.parse(read('ROLLCALL_RERUN_KEYS'))).toEqual(
      list.clients.map(({ idempotencyKey }) => idempotencyKey),
    );
    expect([read('ROLLCALL_RERUN_COUNT'), env['ROLLCALL_RUN_ID'], env['ROLLCALL_JOB_NAME']]).toEqual([
      '3',
      runOf(0),
      'batch_scoring',
    ]);

    const endings = (await run('rerun-list', 'webhook/7 ü', '--format', 'env')).stdout;
    const joined = Object.fromEntries(
      ['ROLLCALL_RUN_ID', 'ROLLCALL_RUN_ORIGIN', 'ROLLCALL_JOB_NAME'].map((name) => [
        name,
        execFileSync('sh', ['-c', `${endings}\nprintf %s "$${name}"`], { encoding: 'utf8' }),
      ]),
    );
    const again = await rollcall(
      ['--data-dir', service.dataDir, 'exec', '--client', 'absent one', '--', 'true'],
      joined,
    );
    await settled(service.url);

    expect(again.code).toBe(0);
    expect((await rerunJson('webhook/7 ü')).clients.map(({ clientId }) => clientId)).not.toContain(
      'absent one',
    );
  });

  test('nothing to run again: exit code 3, and no words for a shell', async () => {
    const args = await run('rerun-list', runOf(10), '--format', 'args');
    const table = await run('rerun-list', runOf(10));

    expect(args).toMatchObject({ code: 3, stdout: '', stderr: '' });
    expect(table.code).toBe(3);
    expect(table.stdout).toContain('Nothing to run again.');
  });

  test('a run that still goes on says so on standard error', async () => {
    const api = trackingClient(service.url);
    const { body } = await api<{ runId: string }>('POST', '/runs', {
      job: 'open',
      expectedClients: ['a', 'b'],
    });
    await settled(service.url);
    const early = await run('rerun-list', body.runId);
    await api('PUT', `/runs/${body.runId}/clients/a`, { status: 'failed' });
    await settled(service.url);
    const { code, stdout, stderr } = await run('rerun-list', body.runId, '--format', 'args');

    expect(early.code).toBe(3);
    expect(early.stdout).toContain('Nothing to run again so far.');
    expect({ code, stdout }).toEqual({ code: 0, stdout: 'a\n' });
    expect(stderr).toContain('still goes on (1 client open)');
  });

  test('of two runs that share an ID, the one that is meant is named with its origin', async () => {
    const runId = generateRunId(new Date(daysAgo(3).getTime() + 10_000));
    const { code, stdout, stderr } = await run('rerun-list', runId, '--format', 'args');
    const [first = '', second = ''] = [...stderr.matchAll(/\d{6}-\d{6}~[0-9a-f]{8}/g)].map(([name]) => name);
    const lists = await Promise.all([first, second].map(async (name) => rerunJson(name)));

    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
    expect(stderr).toContain('2 runs share this ID');
    expect(new Set(lists.map(({ clients }) => clients.map(({ clientId }) => clientId).join())).size).toBe(2);
  });

  test('a job that failed without clients is to be run as a whole', async () => {
    const api = trackingClient(service.url);
    const { body } = await api<{ runId: string }>('POST', '/runs', { job: 'bare', status: 'failed' });
    await settled(service.url);
    const { code, stderr } = await run('rerun-list', body.runId);

    expect(code).toBe(3);
    expect(stderr).toContain('run the whole job again');
  });

  test.each([
    [['--format', 'yaml', 'latest'], 2, "Unknown --format 'yaml'"],
    [['200101-000000'], 1, 'There is no run 200101-000000'],
  ])('%j is refused with what would work', async (args, code, message) => {
    const ended = await run('rerun-list', ...args);

    expect(ended).toMatchObject({ code, stdout: '' });
    expect(ended.stderr).toContain(message);
  });
});

interface Told {
  readonly runs: { runId: string; isOdd: string | null; usual: { median: number } | null }[];
  readonly changes: { text: string; sinceRunId: string }[];
}

describe('rollcall history', () => {
  test('says since when a client fails, and when a total halved', async () => {
    const { changes, runs } = await json<Told>('history', 'batch_scoring');

    expect(changes.map(({ text }) => text)).toEqual([
      `client acme fails since ${dayOf(4)} (5 runs in a row): TimeoutError`,
      // Without the 10 of acme.
      `total Leads Processed fell by 17 % on ${dayOf(4)} (60 → 50)`,
      `total Posts Processed halved on ${dayOf(8)} (600 → 300)`,
    ]);
    expect(changes.map(({ sinceRunId }) => sinceRunId)).toEqual([runOf(4), runOf(4), runOf(8)]);
    expect(runs).toHaveLength(DAYS + 1);
    expect(runs.filter(({ isOdd }) => isOdd !== null).map(({ runId, isOdd }) => [runId, isOdd])).toEqual([
      [runOf(0), 'longer'],
    ]);
  });

  test('says how much a duration grows a run', async () => {
    const { changes } = await json<Told>('history', 'slower');

    expect(changes.map(({ text }) => text)).toEqual(['duration grows 3 % a run (over 12 runs)']);
  });

  test('of one client, whatever its ID', async () => {
    const acme = await json<Told>('history', 'batch_scoring', '--client', 'acme');
    const dash = await run('history', 'batch_scoring', '--client', '-dash');
    const wild = await run('history', 'batch_scoring', '--client', '$HOME `x` "q" \\');

    expect(acme.changes.map(({ text }) => text)).toEqual([
      `client acme fails since ${dayOf(4)} (5 runs in a row): TimeoutError`,
      `total Posts Processed halved on ${dayOf(8)} (100 → 50)`,
    ]);
    expect(dash.stdout).toContain(`total Posts Processed halved on ${dayOf(8)} (100 → 50)`);
    expect(wild.stdout).toContain('batch_scoring, client $HOME `x` "q" \\');
  });

  test.each([
    [['batch scoring'], 1, "did you mean 'batch_scoring'?"],
    [['batch_scoring', '--client', 'acm'], 1, "no client of batch_scoring 'acm'"],
    [['batch_scoring', '--metric', 'Posts'], 1, 'it reported Leads Processed, Posts Processed'],
    [['batch_scoring', '--days', 'x'], 2, 'Unusable --days'],
  ])('%j is refused with what would work', async (args, code, message) => {
    const ended = await run('history', ...args);

    expect(ended).toMatchObject({ code, stdout: '' });
    expect(ended.stderr).toContain(message);
  });
});

test.each([
  [['failures', '--since', '10d']],
  [['diff', 'latest']],
  [['rerun-list', 'webhook/7 ü']],
  [['history', 'batch_scoring']],
  [['history', 'batch_scoring', '--client', "O'Neil & Söhne"]],
])('%j fits 80 columns and has no colours where nobody looks', async (args) => {
  const ended = await run(...args);
  const latest = args.includes('latest') ? await run('diff', runOf(0)) : ended;

  for (const { stdout } of [ended, latest]) {
    expect(stdout).toBe(stripVTControlCharacters(stdout));
    for (const line of stdout.split('\n')) expect(line.length, line).toBeLessThanOrEqual(80);
  }
});

test('in a terminal there are colours', async () => {
  const { stdout } = await finished(
    spawn(
      'python3',
      [
        fileURLToPath(new URL('programs/in-terminal.py', import.meta.url)),
        process.execPath,
        '--conditions=rollcall-source',
        fileURLToPath(new URL('../packages/cli/src/main.ts', import.meta.url)),
        '--data-dir',
        service.dataDir,
        'history',
        'batch_scoring',
      ],
      { env: { PATH: process.env['PATH'], TERM: 'xterm-256color' }, stdio: ['ignore', 'pipe', 'pipe'] },
    ),
  );

  // Red for what went wrong, green for what went well.
  expect(stdout).toContain('\u001B[31m✖');
  expect(stdout).toContain('\u001B[32m✔ completed');
});

test('a message of strangers neither breaks the lines nor reaches the terminal', async () => {
  await plantRuns(service.url, [
    {
      job: 'hostile',
      at: new Date(daysAgo(0).getTime() + 7_000),
      durationMs: 1_000,
      clients: {
        x: {
          durationMs: 1,
          status: 'failed',
          error: {
            type: 'Bad\u001B[2J',
            message: `one\ntwo\u001B]0;owned\u0007${'long'.repeat(200)}`,
            stack: 'Bad\u001B[2J\n    at f (/app/f.ts:1:1)',
          },
        },
      },
    },
  ]);
  await settled(service.url);
  const { groups } = await json<Groups>('failures', '--job', 'hostile', '--since', '2d');
  const list = await run('failures', '--job', 'hostile', '--since', '2d');
  const whole = await run('failures', groups[0]?.fingerprint ?? '');
  const diff = await run('rerun-list', generateRunId(new Date(daysAgo(0).getTime() + 7_000)));

  expect(groups[0]?.errorType).toBe('Bad\u001B[2J');
  for (const { stdout } of [list, whole, diff]) {
    expect(stdout).not.toBe('');
    expect(stdout).toBe(stripVTControlCharacters(stdout));
  }
  for (const line of list.stdout.split('\n')) expect(line.length, line).toBeLessThanOrEqual(80);
});

test.each(['failures', 'diff', 'rerun-list', 'history'])(
  'rollcall %s --help tells its exit codes',
  async (command) => {
    const { code, stdout } = await run(command, '--help');

    expect(code).toBe(0);
    expect(stdout).toMatch(/Exit codes: 0 /);
  },
);

test('what the page on failures shows is what the commands print', async () => {
  const page = await readFile(new URL('../docs/failures.md', import.meta.url), 'utf8');
  const shown = [...page.matchAll(/^\$ rollcall (.+)$/gm)].map(([, words]) => words ?? '');

  expect(shown.length).toBeGreaterThan(3);
  for (const words of shown) {
    const [command = ''] = words.split(' ');
    const { stdout } = await run(command, '--help');
    for (const [option] of words.matchAll(/--[a-z-]+/g)) expect(stdout, words).toContain(option);
  }
});
