/** The tracking API, over real HTTP, on the real engine. */

import { once } from 'node:events';
import { generateRunId } from '@rollcall/semconv';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { startProcess, temporaryFolder, type RunningService } from './rollcall-process.ts';
import { trackingClient } from './tracking-client.ts';

let folder: Awaited<ReturnType<typeof temporaryFolder>>;
let service: RunningService;
let api: ReturnType<typeof trackingClient>;

beforeAll(async () => {
  folder = await temporaryFolder();
  service = await startProcess(folder.path);
  api = trackingClient(service.url);
});

afterAll(async () => {
  await service.stop();
  await folder.remove();
});

interface Run {
  readonly runId: string;
  readonly job: string;
  readonly origin: string;
  readonly verdict: string;
  readonly attempt: number;
  readonly clients: Record<string, number>;
  readonly metrics: { metric: string; value: number; aggregation: string }[];
  readonly aliases: unknown[];
  readonly recovered: boolean;
  readonly notes: string[];
  readonly error: unknown;
}

async function newRun(content: object = {}): Promise<Run> {
  const { status, body } = await api<Run>('POST', '/runs', { job: 'tracked', ...content });
  expect(status).toBe(201);
  return body;
}

describe('creating', () => {
  test('a created run is running, and is read back the same', async () => {
    const run = await newRun({ expectedClients: ['a', 'b'] });
    const { status, body } = await api<Run>('GET', `/runs/${run.runId}`);

    expect(run).toMatchObject({
      job: 'tracked',
      verdict: 'running',
      attempt: 1,
      clients: { expected: 2, started: 0 },
    });
    expect(status).toBe(200);
    expect(body).toEqual(run);
  });

  test('creating again with the same content returns the same record', async () => {
    const run = await newRun();
    const again = await api<Run>('POST', '/runs', { job: 'tracked', runId: run.runId });

    expect(again.status).toBe(200);
    expect(again.body).toEqual(run);
  });

  test('IDs that are handed out and IDs that are brought along never meet, however close they come', async () => {
    const wanted = Array.from({ length: 40 }, (_, second) =>
      generateRunId(new Date(Date.now() + second * 1000)),
    );
    const free = wanted.map(async () => newRun());
    const proposed = [...wanted, ...wanted].map(async (runId, index) =>
      newRun({ runId, ifTaken: 'next', origin: String(index + 1).padStart(32, '0') }),
    );
    const runs = await Promise.all([...free, ...proposed]);

    expect(new Set(runs.map(({ runId }) => runId)).size).toBe(runs.length);
  });

  test('who asks again for a taken ID gets the one that it was given instead', async () => {
    const { runId } = await newRun();
    const question = { runId, ifTaken: 'next', origin: 'c'.repeat(32) };
    const run = await newRun(question);
    const again = await api<Run>('POST', '/runs', { job: 'tracked', ...question });

    expect(run.runId).not.toBe(runId);
    expect(again).toMatchObject({ status: 200, body: run });
  });

  test('another job or another trace under the same ID is a conflict that shows the record', async () => {
    const run = await newRun();
    const otherJob = await api<{ code: string; record: Run }>('POST', '/runs', {
      job: 'other',
      runId: run.runId,
    });
    const otherTrace = await api<{ code: string }>('POST', '/runs', {
      job: 'tracked',
      runId: run.runId,
      origin: 'a'.repeat(32),
    });

    expect(otherJob).toMatchObject({
      status: 409,
      body: { code: 'run_id_conflict', record: { runId: run.runId } },
    });
    expect(otherTrace).toMatchObject({ status: 409, body: { code: 'run_id_conflict' } });
  });

  test('forty creates at once get forty IDs', async () => {
    const runs = await Promise.all(Array.from({ length: 40 }, () => newRun()));

    expect(new Set(runs.map(({ runId }) => runId)).size).toBe(40);
  });

  test('sixteen equal creates at once make one run', async () => {
    const answers = await Promise.all(
      Array.from({ length: 16 }, () => api<Run>('POST', '/runs', { job: 'tracked', runId: '200101-101010' })),
    );

    expect(answers.map(({ status }) => status).toSorted((a, b) => a - b)).toEqual([
      ...Array.from({ length: 15 }, () => 200),
      201,
    ]);
    expect(new Set(answers.map(({ body }) => body.origin)).size).toBe(1);
  });

  test('a legacy ID is converted, and finds the run from then on', async () => {
    const run = await newRun({ runId: 'job_post_scoring_stream1_20250929094802' });
    const found = await api<Run>('GET', '/runs/job_post_scoring_stream1_20250929094802');

    expect(run.runId).toBe('250929-094802');
    expect(run.aliases).toEqual([
      { alias: 'job_post_scoring_stream1_20250929094802', clientId: null, kind: 'legacy' },
    ]);
    expect(found.body.runId).toBe('250929-094802');
  });

  test('an idempotency key makes one run of many creates', async () => {
    const create = async (job: string) =>
      api<Run>('POST', '/runs', { job }, { 'Idempotency-Key': 'create-once' });
    const first = await create('tracked');
    const second = await create('tracked');
    const other = await create('other');

    expect(second.body).toEqual(first.body);
    expect(second.headers.get('idempotent-replay')).toBe('true');
    expect(other).toMatchObject({ status: 422, body: { code: 'idempotency_key_reused' } });
  });
});

describe('the course of a run', () => {
  test('its verdict waits for its clients', async () => {
    const { runId } = await newRun();
    await api('PUT', `/runs/${runId}/clients/acme`, {});
    const early = await api<Run>('POST', `/runs/${runId}/complete`, { status: 'completed' });
    await api('POST', `/runs/${runId}/clients/acme/complete`, { status: 'completed' });
    const late = await api<Run>('GET', `/runs/${runId}`);

    expect(early.body.verdict).toBe('running');
    expect(late.body.verdict).toBe('completed');
  });

  test('the first end stands; going on takes a new attempt', async () => {
    const { runId } = await newRun();
    const ended = await api<Run>('POST', `/runs/${runId}/complete`, {
      status: 'failed',
      error: { type: 'Error', message: 'boom 12' },
    });
    const same = await api<Run>('POST', `/runs/${runId}/complete`, { status: 'failed' });
    const other = await api('POST', `/runs/${runId}/complete`, { status: 'completed' });
    const back = await api('PATCH', `/runs/${runId}`, { status: 'running' });
    const gap = await api('PATCH', `/runs/${runId}`, { attempt: 3 });
    const retried = await api<Run>('PATCH', `/runs/${runId}`, { attempt: 2 });
    const over = await api('PATCH', `/runs/${runId}`, { attempt: 1, status: 'completed' });
    const completed = await api<Run>('POST', `/runs/${runId}/complete`, { status: 'completed' });

    expect(ended.body).toMatchObject({ verdict: 'failed', error: { type: 'Error', message: 'boom 12' } });
    expect(same).toMatchObject({ status: 200, body: { verdict: 'failed' } });
    expect(other).toMatchObject({ status: 409, body: { code: 'already_ended' } });
    expect(back).toMatchObject({ status: 409, body: { code: 'already_ended' } });
    expect(gap).toMatchObject({ status: 409, body: { code: 'attempt_gap' } });
    expect(retried.body).toMatchObject({ verdict: 'running', attempt: 2 });
    expect(over).toMatchObject({ status: 409, body: { code: 'attempt_over' } });
    expect(completed.body).toMatchObject({ verdict: 'completed', attempt: 2 });
  });

  test('nothing to do is a verdict of its own, with its reason', async () => {
    const { runId } = await newRun();
    const { body } = await api<Run & { reason: string }>('POST', `/runs/${runId}/complete`, {
      status: 'nothing_to_do',
      reason: 'no new leads',
    });

    expect(body).toMatchObject({ verdict: 'nothing_to_do', reason: 'no new leads' });
  });

  test('a suffixed ID, and a foreign one once related, name the same run', async () => {
    const { runId } = await newRun();
    await api('POST', `/runs/${runId}/aliases`, { alias: '8MSTBAfqMzuXPvgB3', clientId: 'Guy-Wilson' });
    const bySuffix = await api<Run>('GET', `/runs/${runId}-Guy-Wilson`);
    const byForeign = await api<Run>('PATCH', '/runs/8MSTBAfqMzuXPvgB3', { progress: { done: 1, total: 2 } });
    const other = await newRun();
    const taken = await api('POST', `/runs/${other.runId}/aliases`, { alias: '8MSTBAfqMzuXPvgB3' });

    expect(bySuffix.body.runId).toBe(runId);
    expect(byForeign.body).toMatchObject({
      runId,
      aliases: [{ alias: '8MSTBAfqMzuXPvgB3', clientId: 'Guy-Wilson', kind: 'external' }],
    });
    expect(taken).toMatchObject({ status: 409, body: { code: 'alias_taken' } });
  });

  test('an update of what is not there is refused, or recovered when asked to', async () => {
    const refused = await api('PATCH', '/runs/210101-000000', { progress: { done: 1 } });
    const recovered = await api<Run>('PATCH', '/runs/210101-000000', {
      status: 'completed',
      upsert: { job: 'found_later' },
    });

    expect(refused).toMatchObject({ status: 404, body: { code: 'run_not_found' } });
    expect(recovered).toMatchObject({
      status: 200,
      body: { job: 'found_later', verdict: 'completed', recovered: true },
    });
  });
});

describe('client runs', () => {
  test('a client run without its job run is refused, unless it is meant to stand alone', async () => {
    const orphan = await api('PUT', '/runs/220101-000000/clients/acme', {});
    const alone = await api('PUT', '/runs/220101-000000/clients/acme', {
      standalone: true,
      job: 'webhook',
      status: 'completed',
    });
    const read = await api('GET', '/runs/220101-000000/clients/acme');

    expect(orphan).toMatchObject({ status: 404, body: { code: 'run_not_found' } });
    expect(alone).toMatchObject({
      status: 201,
      body: { relation: 'standalone', verdict: 'completed', job: 'webhook' },
    });
    expect(read.status).toBe(200);
  });

  test.each(["O'Brien & Söhne", 'a-b-c', '-', '100% / ?', '__proto__', "'; DROP TABLE otel_logs --"])(
    '%j is a client like any other',
    async (clientId) => {
      const { runId } = await newRun();
      const path = `/runs/${runId}/clients/${encodeURIComponent(clientId)}`;
      const created = await api('PUT', path, {});
      await api('PUT', `${path}/metrics`, { metrics: { 'Leads Processed': 3 } });
      const read = await api<{ clientId: string; clientRunId: string; metrics: unknown[] }>('GET', path);

      expect(created.status).toBe(201);
      expect(read.body).toMatchObject({
        clientId,
        clientRunId: `${runId}-${clientId}`,
        metrics: [{ metric: 'Leads Processed', value: 3 }],
      });
    },
  );

  test('a hundred clients of one run, each told in three requests at once, are answered together', async () => {
    const { runId } = await newRun();
    const tell = async (_: unknown, n: number): Promise<object> => {
      const path = `/runs/${runId}/clients/client-${n}`;
      await api('PUT', path, {});
      await api('PUT', `${path}/metrics`, { metrics: { 'Leads Processed': n } });
      return (await api('PATCH', path, { status: 'completed' })).body;
    };
    const startedMs = performance.now();
    const told = await Promise.all(Array.from({ length: 100 }, tell));
    const tookMs = performance.now() - startedMs;
    const { body: run } = await api<Run>('POST', `/runs/${runId}/complete`, { status: 'completed' });

    expect(told).toEqual(
      Array.from({ length: 100 }, (_, n) =>
        expect.objectContaining({
          clientId: `client-${n}`,
          verdict: 'completed',
          metrics: [expect.objectContaining({ metric: 'Leads Processed', value: n })],
        }),
      ),
    );
    expect(run).toMatchObject({
      verdict: 'completed',
      clients: { started: 100, completed: 100 },
      metrics: [{ metric: 'Leads Processed', value: (99 * 100) / 2, clients: 100 }],
    });
    // One after the other they took more than a quarter of a second each.
    expect(tookMs / 300).toBeLessThan(150);
  }, 120_000);

  test('the roll call lists who is expected, met, and missing', async () => {
    const { runId } = await newRun({ expectedClients: ['a', 'b', 'c'] });
    await api('PUT', `/runs/${runId}/clients/b`, { status: 'completed' });
    await api('PUT', `/runs/${runId}/clients/extra`, {
      status: 'failed',
      error: { type: 'Error', message: 'no' },
    });
    const first = await api<{ clients: { clientId: string; verdict: string }[]; nextCursor: string }>(
      'GET',
      `/runs/${runId}/clients?limit=2`,
    );
    const second = await api<{ clients: { clientId: string; verdict: string }[]; nextCursor: null }>(
      'GET',
      `/runs/${runId}/clients?limit=2&cursor=${first.body.nextCursor}`,
    );
    const ended = await api<Run>('POST', `/runs/${runId}/complete`, { status: 'completed' });

    expect(
      [...first.body.clients, ...second.body.clients].map(({ clientId, verdict }) => [clientId, verdict]),
    ).toEqual([
      ['a', 'pending'],
      ['b', 'completed'],
      ['c', 'pending'],
      ['extra', 'failed'],
    ]);
    expect(second.body.nextCursor).toBeNull();
    expect(ended.body).toMatchObject({
      verdict: 'completed_with_errors',
      clients: { expected: 3, started: 2, neverStarted: 2, failed: 1, unexpected: 1 },
    });
  });
});

describe('metrics', () => {
  test('the worked example adds up: leads 10 + 20 + 5, posts 5 + 15 + 0, three clients, one with errors', async () => {
    const { runId } = await newRun();
    for (const [clientId, leads, posts] of [
      ['a', 10, 5],
      ['b', 20, 15],
      ['c', 5, 0],
    ] as const) {
      await api('PUT', `/runs/${runId}/clients/${clientId}`, {});
      const metrics = { 'Leads Processed': leads, 'Posts Processed': posts };
      await api('POST', `/runs/${runId}/clients/${clientId}/complete`, {
        status: clientId === 'c' ? 'failed' : 'completed',
        metrics,
      });
    }
    const { body } = await api<Run>('POST', `/runs/${runId}/complete`, { status: 'completed' });

    expect(body.metrics.map(({ metric, value }) => [metric, value])).toEqual([
      ['Leads Processed', 35],
      ['Posts Processed', 20],
    ]);
    expect(body).toMatchObject({ verdict: 'completed_with_errors', clients: { started: 3, failed: 1 } });
  });

  test('reporting a total again changes nothing, reporting another replaces it, and what is not named stays', async () => {
    const { runId } = await newRun();
    for (const metrics of [{ A: 5, B: 0 }, { A: 5 }, { A: 7 }])
      await api('PUT', `/runs/${runId}/metrics`, { metrics });
    const { body } = await api<Run>('GET', `/runs/${runId}`);

    expect(body.metrics.map(({ metric, value }) => [metric, value])).toEqual([
      ['A', 7],
      ['B', 0],
    ]);
  });

  test('an increment adds, and adds once under its key', async () => {
    const { runId } = await newRun();
    const add = async (key: string) =>
      api('POST', `/runs/${runId}/metrics/increment`, { metrics: { A: 2 } }, { 'Idempotency-Key': key });
    await add('one');
    await add('one');
    await add('two');
    const { body } = await api<Run>('GET', `/runs/${runId}`);

    expect(body.metrics).toMatchObject([{ metric: 'A', value: 4 }]);
  });

  test.each([
    ['text', { A: 'not-a-number' }],
    ['null', { A: null }],
    ['a list', { A: [1] }],
    ['an unknown aggregation', { A: { value: 1, aggregation: 'median' } }],
  ])('%s is refused and never becomes 0', async (_, metrics) => {
    const { runId } = await newRun();
    const { status, body } = await api('PUT', `/runs/${runId}/metrics`, { metrics });
    const after = await api<Run>('GET', `/runs/${runId}`);

    expect({ status, body }).toMatchObject({ status: 400, body: { code: 'invalid_request' } });
    expect(after.body.metrics).toEqual([]);
  });

  test('a metric does not change its aggregation; the attempt is noted on the run', async () => {
    const { runId } = await newRun();
    await api('PUT', `/runs/${runId}/metrics`, { metrics: { A: { value: 1, aggregation: 'max' } } });
    const refused = await api('PUT', `/runs/${runId}/metrics`, {
      metrics: { A: { value: 1, aggregation: 'sum' } },
    });
    const { body } = await api<Run>('GET', `/runs/${runId}`);

    expect(refused).toMatchObject({ status: 400, body: { code: 'invalid_metric' } });
    expect(body.notes.join()).toContain('but is a max in this run');
  });
});

describe('what is refused', () => {
  test.each([
    ['a body that is not JSON', 'POST', '/runs', '{', 400, 'invalid_request'],
    ['an unknown field', 'POST', '/runs', { job: 'x', jbo: 1 }, 400, 'invalid_request'],
    ['a missing job', 'POST', '/runs', {}, 400, 'invalid_request'],
    ['an object as run ID', 'POST', '/runs', { job: 'x', runId: '[object Object]' }, 400, 'invalid_run_id'],
    ['a date that is none', 'POST', '/runs', { job: 'x', runId: '250230-120000' }, 400, 'invalid_run_id'],
    ['an unknown status', 'POST', '/runs/250101-000000/complete', { status: 'fine' }, 400, 'invalid_request'],
    ['a run that is not there', 'GET', '/runs/250101-000000', undefined, 404, 'run_not_found'],
    ['a cursor that is none', 'GET', '/runs?cursor=zzz', undefined, 400, 'invalid_request'],
    ['a limit beyond the bound', 'GET', '/runs?limit=501', undefined, 400, 'invalid_request'],
  ])('%s', async (_, method, path, body, status, code) => {
    const answer = await api<{ detail: string }>(method, path, body);

    expect(answer).toMatchObject({ status, body: { code, status } });
    expect(answer.headers.get('content-type')).toContain('application/problem+json');
    expect(answer.body.detail.length).toBeGreaterThan(10);
  });
});

describe('listing', () => {
  test('pages follow one another without a gap or a repetition, newest first', async () => {
    const made = await Promise.all(
      Array.from({ length: 7 }, (_, n) => newRun({ job: 'paged', runId: `23010${n + 1}-000000` })),
    );
    const seen: string[] = [];
    let cursor: string | null = '';
    while (cursor !== null) {
      const { body }: { body: { runs: Run[]; nextCursor: string | null } } = await api(
        'GET',
        `/runs?job=paged&limit=3${cursor === '' ? '' : `&cursor=${cursor}`}`,
      );
      seen.push(...body.runs.map(({ runId }) => runId));
      cursor = body.nextCursor;
    }

    expect(seen).toEqual(made.map(({ runId }) => runId).toReversed());
  });

  test('runs are found by verdict and by time', async () => {
    await newRun({ job: 'filtered', runId: '240101-000000', status: 'completed' });
    await newRun({ job: 'filtered', runId: '240102-000000', status: 'failed' });
    await newRun({ job: 'filtered', runId: '240103-000000', status: 'completed' });
    const of = async (query: string): Promise<string[]> =>
      (await api<{ runs: Run[] }>('GET', `/runs?job=filtered&${query}`)).body.runs.map(({ runId }) => runId);

    expect(await of('verdict=completed')).toEqual(['240103-000000', '240101-000000']);
    expect(await of('from=2024-01-02T00:00:00Z&to=2024-01-02T23:00:00Z')).toEqual(['240102-000000']);
  });
});

test('the API describes itself, for programs and for people', async () => {
  const description = (await (await fetch(`${service.url}/api/openapi.json`)).json()) as {
    openapi: string;
    paths: object;
  };
  const page = await (await fetch(`${service.url}/api/docs`)).text();

  expect(description.openapi).toBe('3.1.0');
  expect(Object.keys(description.paths)).toEqual(
    expect.arrayContaining(['/runs', '/runs/{runId}', '/runs/{runId}/clients/{clientId}/metrics']),
  );
  expect(page).toContain('/api/v1/runs/{runId}/complete');
});

test('who asks again for a taken ID after ingest was killed gets the one that it was given, and makes no second run', async () => {
  const own = await temporaryFolder();
  let killed = await startProcess(own.path);
  const ask = async (runId: string, origin: string): Promise<{ status: number; body: Run }> =>
    trackingClient(killed.url)<Run>('POST', '/runs', { job: 'killed', runId, ifTaken: 'next', origin });
  const wanted = generateRunId(new Date());
  const taken = await ask(wanted, 'a'.repeat(32));
  const given = await ask(wanted, 'b'.repeat(32));
  expect([taken.status, given.status]).toEqual([201, 201]);
  const exited = once(killed.process, 'exit');
  killed.process.kill('SIGKILL');
  await exited;

  killed = await startProcess(own.path);
  const again = await ask(wanted, 'b'.repeat(32));
  const third = await ask(wanted, 'c'.repeat(32));
  const { body } = await trackingClient(killed.url)<{ runs: Run[] }>('GET', '/runs?job=killed');

  expect(again).toMatchObject({ status: 200, body: { runId: given.body.runId, origin: 'b'.repeat(32) } });
  expect(third.status).toBe(201);
  expect(new Set(body.runs.map(({ runId }) => runId))).toEqual(
    new Set([wanted, given.body.runId, third.body.runId]),
  );
  await killed.stop();
  await own.remove();
});
