/** What Rollcall concludes of programs that `rollcall exec` runs, and that the examples do what they say. */

import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, test } from 'vitest';
import {
  askUntil,
  finished,
  rollcall,
  spawnScript,
  startProcess,
  temporaryFolder,
  type Finished,
  type RunningService,
} from './rollcall-process.ts';

const ROOT = fileURLToPath(new URL('..', import.meta.url));
const MAIN = `${ROOT}packages/cli/src/main.ts`;

let folder: Awaited<ReturnType<typeof temporaryFolder>>;
let service: RunningService;

beforeAll(async () => {
  folder = await temporaryFolder();
  service = await startProcess(folder.path);
});

afterAll(async () => {
  await service.stop();
  await folder.remove();
});

async function exec(args: readonly string[]): Promise<Finished> {
  return rollcall(['exec', '--data-dir', service.dataDir, ...args], { ROLLCALL_COMMAND: `${ROOT}rollcall` });
}

interface SeenRun {
  readonly verdict: string;
  readonly attempt: number;
  readonly telemetry: string;
  readonly error_type: string;
  readonly progress: number | null;
}

async function seen(job: string, isEnough: (run: SeenRun) => boolean): Promise<SeenRun | undefined> {
  const [run] = await askUntil<SeenRun>(
    service.url,
    `SELECT verdict, attempt, telemetry, error_type, progress FROM job_runs WHERE job_name = '${job}'`,
    ([found]) => found !== undefined && isEnough(found),
  );
  return run;
}

const isOver = ({ verdict, telemetry }: SeenRun): boolean =>
  verdict !== 'running' && telemetry === 'complete';

test('the Python example is a run with its clients and numbers', async () => {
  const { code, stdout } = await exec([
    '--job',
    'score_leads',
    '--',
    'python3',
    `${ROOT}examples/score-leads.py`,
  ]);

  expect(code).toBe(0);
  expect(stdout).toContain('acme: 3 leads\n');
  expect(await seen('score_leads', isOver)).toMatchObject({
    verdict: 'completed_with_errors',
    telemetry: 'complete',
    progress: 1,
  });
  const clients = await askUntil<{ client_id: string; verdict: string }>(
    service.url,
    "SELECT client_id, verdict FROM client_runs WHERE job_name = 'score_leads' ORDER BY client_id",
    (rows) => rows.length === 5,
  );
  expect(clients.map(({ client_id: id, verdict }) => [id, verdict])).toEqual([
    ['acme', 'completed'],
    ['globex', 'nothing_to_do'],
    ['hooli', 'completed'],
    ['initech', 'failed'],
    ['umbrella', 'never_started'],
  ]);
  await askUntil<{ value: number; unit: string; clients: string }>(
    service.url,
    "SELECT value, unit, clients FROM job_metrics WHERE job_name = 'score_leads' AND metric = 'Leads Processed'",
    ([total]) => total?.value === 35 && total.unit === '{lead}',
  );
});

test('a run that failed is shown with what it said last', async () => {
  const script = 'for n in 1 2 3 4 5 6 7 8 9; do echo "row $n of 9"; done; echo "disk is full" >&2; exit 3';
  const { code } = await exec(['--job', 'talks', '--', 'sh', '-c', script]);
  expect(code).toBe(3);
  await seen('talks', isOver);
  const [{ run_id: runId } = { run_id: '' }] = await askUntil<{ run_id: string }>(
    service.url,
    `SELECT any(RunId) AS run_id FROM otel_logs WHERE JobName = 'talks' AND Body = 'disk is full' AND EventName = ''`,
    ([found]) => found !== undefined && found.run_id !== '',
  );

  const shown = await rollcall(['show', runId, '--data-dir', service.dataDir]);
  const asJson = await rollcall(['show', runId, '--json', '--data-dir', service.dataDir]);

  const lines = shown.stdout.slice(shown.stdout.indexOf('last lines\n'));
  expect(lines).toMatch(/ {2}\d\d:\d\d:\d\d {4}row 9 of 9\n/);
  expect(lines).toMatch(/\d\d:\d\d:\d\d {4}disk is full\n\n/);
  expect(lines).not.toContain('row 1 of 9');
  const [details] = JSON.parse(asJson.stdout) as { lines: { text: string; severity: string }[] }[];
  expect(details?.lines).toHaveLength(8);
  expect(details?.lines).toContainEqual(expect.objectContaining({ text: 'disk is full', severity: 'info' }));
});

test('the shell example runs each client under a client run of its own', async () => {
  const { code, stdout } = await exec([
    '--job',
    'nightly_sync',
    '--',
    'sh',
    `${ROOT}examples/nightly-sync.sh`,
  ]);

  expect(code).toBe(0);
  expect(stdout).toContain('syncing globex, attempt 2\n');
  expect(stdout).toContain('1 of 3 failed\n');
  expect(await seen('nightly_sync', isOver)).toMatchObject({ verdict: 'completed_with_errors' });
  const clients = await askUntil<{ client_id: string; verdict: string; error_type: string; attempt: number }>(
    service.url,
    "SELECT client_id, verdict, error_type, attempt FROM client_runs WHERE job_name = 'nightly_sync' ORDER BY client_id",
    (rows) => rows.length === 3,
  );
  expect(clients).toMatchObject([
    { client_id: 'acme', verdict: 'completed', attempt: 1 },
    { client_id: 'globex', verdict: 'failed', error_type: 'exit_7', attempt: 2 },
    { client_id: 'initech', verdict: 'completed', attempt: 1 },
  ]);
});

test('a run that is retried has one row, with the verdict of its last attempt', async () => {
  await exec([
    '--job',
    'flaky',
    '--retries',
    '3',
    '--retry-delay',
    '50ms',
    '--',
    'sh',
    '-c',
    '[ $ROLLCALL_ATTEMPT = 3 ]',
  ]);

  expect(await seen('flaky', (run) => isOver(run) && run.attempt === 3)).toMatchObject({
    verdict: 'completed',
  });
  const attempts = await askUntil<{ attempt: number; status: string }>(
    service.url,
    "SELECT attempt, ending.status AS status FROM job_run_attempts WHERE job_name = 'flaky' ORDER BY attempt",
    (rows) => rows.length === 3,
  );
  expect(attempts.map(({ status }) => status)).toEqual(['failed', 'failed', 'completed']);
});

test('when rollcall exec itself is killed with -9, the run is lost', async () => {
  const child = spawnScript(
    MAIN,
    ['exec', '--data-dir', service.dataDir, '--job', 'orphaned', '--', 'sh', '-c', 'echo $$; exec sleep 60'],
    {
      ROLLCALL_HEARTBEAT_INTERVAL_MS: '500',
    },
  );
  const [chunk] = (await once(child.stdout as NodeJS.ReadableStream, 'data')) as [Buffer];
  expect(await seen('orphaned', ({ verdict }) => verdict === 'running')).toBeDefined();
  child.kill('SIGKILL');
  // The program outlives it, as it would outlive any parent.
  process.kill(Number(chunk.toString()), 'SIGKILL');

  expect(await seen('orphaned', ({ verdict }) => verdict === 'lost')).toMatchObject({
    telemetry: 'incomplete',
  });
});

test('what was known of a killed program can be asked for in SQL', async () => {
  await finished(
    spawnScript(MAIN, [
      'exec',
      '--data-dir',
      service.dataDir,
      '--job',
      'dies',
      '--',
      'sh',
      '-c',
      'echo step 1; echo step 2 >&2; kill -9 $$',
    ]),
  );

  const [end] = await askUntil<{ signal: string; lines: string; body: string }>(
    service.url,
    `SELECT LogAttributes['rollcall.program.signal'] AS signal, LogAttributes['rollcall.program.last_lines'] AS lines, Body AS body
     FROM otel_logs WHERE JobName = 'dies' AND EventName = 'rollcall.program.ended'`,
    (rows) => rows.length === 1,
  );
  expect(end?.signal).toBe('SIGKILL');
  expect(new Set(JSON.parse(end?.lines ?? '[]'))).toEqual(new Set(['step 1', 'step 2']));
  const lines = await askUntil<{ Body: string }>(
    service.url,
    "SELECT Body FROM otel_logs WHERE JobName = 'dies' AND EventName = ''",
    (rows) => rows.length === 2,
  );
  expect(new Set(lines.map(({ Body }) => Body))).toEqual(new Set(['step 1', 'step 2']));
});
