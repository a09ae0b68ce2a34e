/** `node --import @rollcall/sdk/register`, in real processes. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { Receiver, type ReceivedEvent } from './receiver.ts';
import { runFile, type Exit } from './watched.ts';

const PROGRAMS = fileURLToPath(new URL('programs/register/', import.meta.url));

async function runRegistered(
  program: string,
  { args = [], env = {} }: { args?: string[]; env?: Record<string, string> } = {},
): Promise<{ exit: Exit; receiver: Receiver }> {
  await using receiver = await Receiver.start();
  const exit = await runFile(join(PROGRAMS, program), {
    args,
    env: { OTEL_EXPORTER_OTLP_ENDPOINT: receiver.endpoint, ...env },
    nodeArgs: ['--import', '@rollcall/sdk/register'],
  });
  return { exit, receiver };
}

const attributesOf = (events: ReceivedEvent[]) => events.map(({ attributes }) => attributes);

describe('without a config the process is one job run', () => {
  test.each([
    ['late', 0, { 'rollcall.status': 'completed' }],
    ['done', 0, { 'rollcall.status': 'completed' }],
    ['exit', 3, { 'rollcall.status': 'failed', 'rollcall.status.reason': 'The process exited with code 3' }],
    ['code', 4, { 'rollcall.status': 'failed', 'rollcall.status.reason': 'The process exited with code 4' }],
    [
      'throw',
      1,
      { 'rollcall.status': 'failed', 'exception.type': 'RangeError', 'exception.message': 'no leads' },
    ],
  ])('that ends by %s with code %i', async (how, code, end) => {
    const { exit, receiver } = await runRegistered('plain/batch.js', { args: [how] });

    expect(exit).toMatchObject({ code, stdout: expect.stringMatching(/^working\n/) });
    const [started, ...others] = attributesOf(receiver.named('rollcall.run.started'));
    expect(started).toMatchObject({ 'rollcall.job.name': 'batch' });
    expect(others).toEqual([]);
    expect(attributesOf(receiver.named('rollcall.run.ended'))).toEqual([expect.objectContaining(end)]);
  });

  test('with the processes that it starts', async () => {
    const { exit, receiver } = await runRegistered('plain/batch.js', { args: ['fork'] });

    expect(exit).toMatchObject({ code: 0, stdout: 'working\nworking\ndone\n' });
    expect(receiver.named('rollcall.run.started')).toHaveLength(1);
    expect(attributesOf(receiver.named('rollcall.run.ended'))).toEqual([
      expect.objectContaining({ 'rollcall.status': 'completed' }),
    ]);
  });

  test('but for one that was started under a run', async () => {
    const run = {
      ROLLCALL_RUN_ID: '251125-143000',
      ROLLCALL_JOB_NAME: 'nightly',
      ROLLCALL_RUN_ORIGIN: 'a'.repeat(32),
    };
    const { exit, receiver } = await runRegistered('plain/batch.js', { args: ['late'], env: run });

    expect(exit.code).toBe(0);
    expect(receiver.named('rollcall.run.started')).toEqual([]);
  });
});

describe('functions of many shapes', () => {
  test('are tracked, and give what they gave', async () => {
    const { exit, receiver } = await runRegistered('shapes/main.js');

    expect(exit).toMatchObject({ code: 0, stderr: '' });
    expect(JSON.parse(exit.stdout)).toEqual({
      // The synchronous functions are still synchronous.
      plain: {
        sizes: [
          { rows: 3, warning: null },
          { rows: 9, error: 'quota of 9 rows' },
          { rows: 5, warning: null },
        ],
        total: 17,
        depth: 3,
      },
      score: 14,
      legacy: 1,
      stack: expect.stringMatching(/^legacy\.cjs:7:\d+\)?$/),
      pages: [1],
    });
    const ended = attributesOf(receiver.named('rollcall.run.ended'));
    expect(ended.map((end) => [end['rollcall.job.name'], end['rollcall.status']])).toEqual([
      ['nightly_sync', 'completed'],
      ['scoring', 'completed'],
      ['harvest', 'completed'],
    ]);
    const clients = attributesOf(receiver.named('rollcall.client_run.ended'));
    expect(
      clients.map((end) => [end['rollcall.client.id'], end['rollcall.status'], end['exception.message']]),
    ).toEqual([
      ['acme', 'completed', undefined],
      ['42', 'failed', 'quota of 9 rows'],
    ]);
    const rosters = attributesOf(receiver.named('rollcall.run.roster')).map(
      (event) => event['rollcall.clients.expected'],
    );
    expect(rosters).toEqual([['acme', 'hooli'], ['initech']]);
    // A function that calls itself is one step.
    const steps = receiver.spans.filter(({ attributes }) => attributes['rollcall.span.kind'] === 'step');
    expect(steps.map(({ name }) => name).toSorted()).toEqual(['count', 'count', 'recurse']);
    const rows = receiver.points.filter(
      ({ name, attributes }) => name === 'Rows' && attributes['rollcall.metric.final'] === true,
    );
    expect(rows.map(({ value, attributes }) => [attributes['rollcall.client.id'], value])).toEqual(
      expect.arrayContaining([
        ['acme', 3],
        ['42', 9],
      ]),
    );
  });

  test('that cannot be found are named on the runs', async () => {
    const { receiver } = await runRegistered('shapes/main.js');
    const notes = attributesOf(receiver.named('rollcall.note'))
      .filter((note) => note['rollcall.job.name'] === 'harvest')
      .map((note) => [note['rollcall.note.subject'], note['rollcall.note.text']] as [string, string]);
    const texts = Object.fromEntries(notes);

    expect(Object.keys(texts).toSorted()).toEqual([
      './legacy.cjs locked',
      './main.js nowhere',
      './main.js pages',
      './never-loaded.js main',
    ]);
    expect(texts['./main.js nowhere']).toContain(
      "the module defines no 'nowhere' outside its functions; it defines nightly, sync",
    );
    expect(texts['./main.js pages']).toContain('it is a generator');
    expect(texts['./legacy.cjs locked']).toContain('cannot be replaced');
    expect(texts['./never-loaded.js main']).toContain('was not loaded');
    const others = attributesOf(receiver.named('rollcall.note')).map((note) => note['rollcall.note.code']);
    expect(others).toContain('client_not_found');
  });
});

test("an application's own OpenTelemetry works as before, and its spans and log records join the run", async () => {
  const { exit, receiver } = await runRegistered('own-telemetry/main.js');
  const report = JSON.parse(exit.stdout) as object;

  expect(exit).toMatchObject({ code: 0, stderr: '' });
  expect(report).toEqual({
    registered: [true, true, true, true],
    complaints: [],
    spans: ['start-up', 'query'],
    logs: ['queried'],
  });
  const runIds = Object.fromEntries(
    attributesOf(receiver.named('rollcall.run.started')).map((event) => [
      event['rollcall.job.name'],
      event['rollcall.run.id'],
    ]),
  );
  const spanOf = (name: string) => receiver.spans.find((span) => span.name === name);
  expect(spanOf('query')).toMatchObject({
    attributes: { 'rollcall.run.id': runIds['nightly'] },
    parentSpanId: spanOf('nightly')?.spanId,
  });
  expect(spanOf('start-up')?.attributes['rollcall.run.id']).toBe(runIds['main']);
  expect(receiver.events.find(({ body }) => body === 'queried')?.attributes).toMatchObject({
    'rollcall.run.id': runIds['nightly'],
  });
});

test.each([
  ['{ "jobs": [', 'it could not be read:'],
  ['[]', 'it holds an array; use export default { jobs'],
  ['{ "job": [] }', 'job means nothing; a config has process, jobs'],
  [
    '{ "jobs": [{ "module": "./x.js", "export": "main" }] }',
    "jobs[0].module is './x.js', and there is no file ",
  ],
])('a config that says %s is complained of, and the program runs', async (text, words) => {
  const folder = await mkdtemp(join(tmpdir(), 'rollcall-config-'));
  const path = join(folder, 'rollcall.config.json');
  await writeFile(path, text);
  const { exit } = await runRegistered('plain/batch.js', { args: ['late'], env: { ROLLCALL_CONFIG: path } });
  await rm(folder, { recursive: true });

  expect(exit).toMatchObject({ code: 0, stdout: 'working\ndone\n' });
  expect(exit.stderr).toContain(`rollcall: ${path}: ${words}`);
  expect(exit.stderr).not.toContain('    at ');
});
