/** The first thing a stranger does: runs the demo, and looks around. */

import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { finished, rollcall, startInGroup, temporaryFolder, type Finished } from './rollcall-process.ts';

describe('rollcall demo --once', () => {
  let folder: Awaited<ReturnType<typeof temporaryFolder>>;
  let demo: Finished;

  beforeAll(async () => {
    folder = await temporaryFolder();
    demo = await rollcall(['--data-dir', folder.path, 'demo', '--once', '--pace', '0', '--port', '0']);
  }, 120_000);

  afterAll(async () => {
    await folder.remove();
  });

  const inFolder = (...args: string[]): Promise<Finished> => rollcall(['--data-dir', folder.path, ...args]);

  test('ends with 0, and its six numbers agree with the file', () => {
    expect(demo.stderr).toBe('');
    expect(demo.stdout).toContain('All six agree.');
    expect(demo.stdout.match(/✔ agree/g)).toHaveLength(6);
    expect(demo.code).toBe(0);
  });

  test('the run has the verdict and the clients that the data makes it have', async () => {
    const { stdout, code } = await inFolder('show', 'latest', '--json');
    const [details] = JSON.parse(stdout) as [
      { run: object; clients: object[]; metrics: object[]; failures: object[] },
    ];

    expect(code).toBe(0);
    expect(details.run).toMatchObject({
      job_name: 'flight_delays',
      verdict: 'completed_with_errors',
      declared_status: 'completed',
      clients_expected: 481,
      clients_started: 480,
      telemetry: 'complete',
      notes: [],
    });
    expect(details.clients).toEqual([
      expect.objectContaining({ verdict: 'nothing_to_do', clients: 260 }),
      expect.objectContaining({ verdict: 'completed', clients: 217 }),
      { verdict: 'failed', clients: 3, sample: ['BMI', 'MCI', 'TUL'] },
      { verdict: 'never_started', clients: 1, sample: ['ZZZ'] },
    ]);
    expect(details.metrics).toHaveLength(6);
    expect(details.failures).toEqual([
      expect.objectContaining({
        error_type: 'Error',
        step: 'count flights',
        occurrences: 3,
        clients: ['BMI', 'MCI', 'TUL'],
      }),
    ]);
  });

  test('rollcall sql answers without a service, in the format asked for', async () => {
    const { stdout, code } = await inFolder(
      'sql',
      'SELECT client_id, verdict FROM client_runs WHERE verdict = {verdict:String} ORDER BY client_id',
      '--param',
      'verdict=failed',
      '--format',
      'JSONEachRow',
    );

    expect(code).toBe(0);
    expect(stdout).toBe(
      '{"client_id":"BMI","verdict":"failed"}\n{"client_id":"MCI","verdict":"failed"}\n{"client_id":"TUL","verdict":"failed"}\n',
    );
  });

  test('rollcall verify finds no drift', async () => {
    const { stdout, code } = await inFolder('verify', '--json');
    const { drifted, rollups } = JSON.parse(stdout) as {
      drifted: number;
      rollups: { rollup: string; compared: number }[];
    };
    // The demo's job gives no occasion for a note.
    const compared = rollups.filter((one) => one.compared > 0).map(({ rollup }) => rollup);

    expect(code).toBe(0);
    expect(drifted).toBe(0);
    expect(compared).toEqual([
      'client_metrics',
      'job_metrics',
      'client_runs',
      'job_runs',
      'run_producers',
      'failures',
      'metric_summaries',
      'job_metric_summaries',
      'failure_summaries',
      'client_run_summaries',
      'run_summaries',
    ]);
  });

  test('rollcall runs lists the run', async () => {
    const { stdout, code } = await inFolder(
      'runs',
      '--job',
      'flight_delays',
      '--verdict',
      'completed_with_errors',
    );

    expect(code).toBe(0);
    expect(stdout).toMatch(/\d{6}-\d{6} +flight_delays +! completed with errors/);
  });

  test.each([
    [['show', '250101-000000'], 1, 'There is no run 250101-000000'],
    [['show', 'last tuesday'], 2, 'is not a run ID'],
    [['runs', '--verdict', 'fine'], 2, "Unknown verdict 'fine'"],
    [['runs', '--limit', '-1'], 2, "Unusable limit '-1'"],
    [['sql', 'SELECT * FROM nowhere'], 2, 'nowhere'],
    [['sql', 'DROP TABLE otel_logs'], 2, 'only reads'],
    [['sql', 'SELECT 1', '--format', 'x y'], 2, "Unusable format 'x y'"],
    [['sql', 'SELECT 1', '--param', 'novalue'], 2, 'name=value'],
    [['demo', '--pace', 'fast'], 2, "Unusable pace 'fast'"],
    [['frobnicate'], 2, 'unknown command'],
    [['id', 'convert', 'invalid_job_id'], 1, 'invalid_job_id'],
    [['id', 'check', '250230-120000'], 1, '250230-120000'],
  ])('rollcall %j ends with %i and says why', async (args, expectedCode, words) => {
    const { code, stderr } = await inFolder(...args);

    expect(stderr).toContain(words);
    expect(stderr).not.toContain('    at ');
    expect(code).toBe(expectedCode);
  });

  test('run IDs are made, checked and converted', async () => {
    const made = await rollcall(['id']);
    const checked = await rollcall(['id', 'check', made.stdout.trim()]);
    const converted = await rollcall(['id', 'convert', 'job_lead_stream1_20250920_143022']);

    expect(made.stdout).toMatch(/^\d{6}-\d{6}\n$/);
    expect(checked.code).toBe(0);
    expect(converted.stdout).toBe('250920-143022\n');
  });
});

test('without data the commands say how to get some', async () => {
  const folder = await temporaryFolder();

  const { code, stderr } = await rollcall(['--data-dir', folder.path, 'runs']);

  expect(code).toBe(2);
  expect(stderr).toContain('rollcall up');
  await folder.remove();
});

test('Ctrl-C before the job has begun stops it in one sentence', async () => {
  const folder = await temporaryFolder();
  const { child, ctrlC } = startInGroup(['--data-dir', folder.path, 'demo', '--port', '0']);
  child.stdout?.on('data', (chunk: Buffer) => {
    // Its two programs are on their way then.
    if (chunk.includes('A real job')) setTimeout(ctrlC, 300);
  });

  const { stderr, code } = await finished(child);

  expect(stderr).toContain('Stopped by SIGINT');
  expect(stderr).not.toMatch(/^\s+at /m);
  expect(code).toBe(2);
  await folder.remove();
});
