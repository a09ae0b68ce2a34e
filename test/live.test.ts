/** GET /api/v1/live: what changes is told as it happens, and nobody who comes back misses anything. */

import { afterAll, beforeAll, expect, test } from 'vitest';
import { startProcess, temporaryFolder, type RunningService } from './rollcall-process.ts';

interface Told {
  readonly id: string;
  readonly event: string;
  readonly data: Record<string, unknown>;
}

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

async function send(method: string, path: string, body: object): Promise<{ runId: string }> {
  const response = await fetch(`${service.url}/api/v1${path}`, {
    method,
    headers: { 'Content-Type': 'application/json' },
    body: JSON.stringify(body),
  });
  expect(response.ok).toBe(true);
  return (await response.json()) as { runId: string };
}

/** Listens until an event satisfies, and returns all that were told up to it. */
async function listen(
  query: string,
  isEnough: (told: Told) => boolean,
  { lastEventId = '', onHello = () => undefined as unknown } = {},
): Promise<Told[]> {
  const stop = new AbortController();
  const response = await fetch(`${service.url}/api/v1/live${query}`, {
    headers: lastEventId === '' ? {} : { 'Last-Event-ID': lastEventId },
    signal: AbortSignal.any([stop.signal, AbortSignal.timeout(20_000)]),
  });
  expect(response.headers.get('content-type')).toContain('text/event-stream');
  const all: Told[] = [];
  let rest = '';
  for await (const chunk of (response.body as ReadableStream<Uint8Array>).pipeThrough(
    new TextDecoderStream(),
  )) {
    const blocks = (rest + chunk).split('\n\n');
    rest = blocks.pop() ?? '';
    for (const block of blocks.filter((one) => !one.startsWith(':'))) {
      const field = (name: string): string => new RegExp(`^${name}: ?(.*)$`, 'm').exec(block)?.[1] ?? '';
      const told = {
        id: field('id'),
        event: field('event'),
        data: JSON.parse(field('data')) as Told['data'],
      };
      all.push(told);
      if (all.length === 1) void onHello();
      if (isEnough(told)) {
        stop.abort();
        return all;
      }
    }
  }
  return all;
}

test('a run and its clients are told as they change, and a listener to one run hears of no other', async () => {
  const { runId } = await send('POST', '/runs', { job: 'live_one', expectedClients: ['acme', 'globex'] });
  const other = await send('POST', '/runs', { job: 'live_other' });

  const told = await listen(
    `?run=${runId}`,
    ({ event, data }) => event === 'run' && data['verdict'] === 'completed_with_errors',
    {
      onHello: async () => {
        await send('PATCH', `/runs/${other.runId}`, { progress: { done: 1, total: 2 } });
        await send('PUT', `/runs/${runId}/clients/acme`, {});
        await send('POST', `/runs/${runId}/clients/acme/complete`, { status: 'completed' });
        await send('POST', `/runs/${runId}/complete`, { status: 'completed' });
      },
    },
  );

  expect(told[0]?.event).toBe('hello');
  expect(new Set(told.flatMap(({ data }) => (data['runId'] === undefined ? [] : [data['runId']])))).toEqual(
    new Set([runId]),
  );
  expect(
    told.filter(({ event }) => event === 'client_runs').flatMap(({ data }) => data['clients']),
  ).toContainEqual(expect.objectContaining({ clientId: 'acme', verdict: 'completed' }));
});

test('whoever comes back with the last event ID is told what came meanwhile', async () => {
  const first = await send('POST', '/runs', { job: 'live_first' });
  const heard = await listen('?clients=false', ({ data }) => data['runId'] === first.runId);
  const meanwhile = await send('POST', '/runs', { job: 'live_meanwhile' });
  // Somebody else hears of it, so that it is over when the first listener comes back.
  await listen('?clients=false', ({ data }) => data['runId'] === meanwhile.runId);

  const told = await listen('?clients=false', ({ data }) => data['runId'] === meanwhile.runId, {
    lastEventId: heard.at(-1)?.id ?? '',
  });

  expect(told[0]?.event).toBe('hello');
  expect(told.filter(({ event }) => event === 'run').map(({ data }) => data['runId'])).not.toContain(
    first.runId,
  );
});

test('whoever comes back from too long ago is told to read everything anew', async () => {
  const [first] = await listen('', () => true, { lastEventId: '0badcafe.17' });

  expect(first?.event).toBe('reset');
});

test('a strange parameter is refused, not ignored', async () => {
  const response = await fetch(`${service.url}/api/v1/live?runs=all`);

  expect(response.status).toBe(400);
  expect(await response.json()).toMatchObject({ code: 'invalid_request' });
});
