/** A key lets in what it was made for, and nothing else. */

import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import {
  ask,
  askUntil,
  rollcall,
  startProcess,
  temporaryFolder,
  type RunningService,
} from './rollcall-process.ts';

let folder: Awaited<ReturnType<typeof temporaryFolder>>;
let service: RunningService;
const keys: Record<string, string> = {};

beforeAll(async () => {
  folder = await temporaryFolder();
  for (const [name, project, scopes] of [
    ['one', 'project-one', 'ingest'],
    ['two', 'project-two', 'ingest'],
    ['reader', 'project-one', 'read'],
    ['admin', 'project-one', 'admin'],
  ] as const) {
    const { stdout } = await rollcall([
      '--data-dir',
      folder.path,
      'keys',
      'add',
      '--project',
      project,
      '--scopes',
      scopes,
      '--json',
    ]);
    keys[name] = (JSON.parse(stdout) as { key: string }).key;
  }
  service = await startProcess(folder.path);
});

afterAll(async () => {
  await service.stop();
  await folder.remove();
});

async function sendSpan(
  name: string,
  key: string | undefined,
  contentType = 'application/json',
): Promise<Response> {
  const span = {
    traceId: 'a'.repeat(32),
    spanId: 'b'.repeat(16),
    name,
    startTimeUnixNano: '1700000000000000000',
    endTimeUnixNano: '1700000001000000000',
    attributes: [{ key: 'rollcall.run.id', value: { stringValue: '260101-000000' } }],
  };
  return fetch(`${service.url}/v1/traces`, {
    method: 'POST',
    headers: {
      'Content-Type': contentType,
      ...(key === undefined ? {} : { Authorization: `Bearer ${key}` }),
    },
    body: JSON.stringify({ resourceSpans: [{ scopeSpans: [{ spans: [span] }] }] }),
  });
}

test.each([
  ['no key', undefined, 401],
  ['an unknown key', 'rc_00000000_unknown', 401],
  ['a key that may only read', 'reader', 403],
])('%s sends nothing', async (_, name, status) => {
  const response = await sendSpan('refused', name === undefined ? undefined : (keys[name] ?? name));

  expect(response.status).toBe(status);
  expect(await response.json()).toMatchObject({ code: status === 401 ? 16 : 7, message: expect.any(String) });
});

test('a refusal is written in the encoding of the request', async () => {
  const response = await sendSpan('refused', undefined, 'application/x-protobuf');

  expect(response.status).toBe(401);
  expect(response.headers.get('www-authenticate')).toContain('Bearer');
  expect(response.headers.get('content-type')).toBe('application/x-protobuf');
});

test('what is sent with a key belongs to its project', async () => {
  await sendSpan('same', keys['one']);
  await sendSpan('same', keys['two']);

  const spans = await askUntilAsAdmin<{ ProjectId: string; SpanName: string }>(
    'SELECT ProjectId, SpanName FROM otel_traces ORDER BY ProjectId',
    (rows) => rows.length === 2,
  );

  expect(spans).toEqual([
    { ProjectId: 'project-one', SpanName: 'same' },
    { ProjectId: 'project-two', SpanName: 'same' },
  ]);
});

test('only an admin asks in SQL', async () => {
  await expect(ask(service.url, 'SELECT 1', {}, keys['one'])).rejects.toThrow('scope_missing');
  await expect(ask(service.url, 'SELECT 1', {}, '')).rejects.toThrow('key_missing');
  await expect(ask(service.url, 'SELECT 1 AS one', {}, keys['admin'])).resolves.toEqual([{ one: 1 }]);
});

test('the owner of the data folder needs no key', async () => {
  const { code, stdout } = await rollcall([
    '--data-dir',
    folder.path,
    'sql',
    'SELECT 1 AS one',
    '--format',
    'JSONEachRow',
  ]);

  expect({ code, stdout }).toEqual({ code: 0, stdout: '{"one":1}\n' });
});

test('keys are stored as hashes and appear in no log', async () => {
  const stored = await readFile(join(folder.path, 'keys.json'), 'utf8');

  for (const key of Object.values(keys)) {
    expect(stored).not.toContain(key);
    expect(service.log()).not.toContain(key);
  }
});

async function askUntilAsAdmin<Row>(query: string, isEnough: (rows: Row[]) => boolean): Promise<Row[]> {
  return askUntil(service.url, query, isEnough, { key: keys['admin'] ?? '' });
}
