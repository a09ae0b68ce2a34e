/** Sixteen writers over one run: what they were told adds up to what is stored. */

import * as fc from 'fast-check';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { rollcall, startProcess, temporaryFolder, type RunningService } from './rollcall-process.ts';
import { trackingClient } from './tracking-client.ts';

const WRITERS = 16;
const CLIENTS = ['a', 'b', "O'Brien"];
const ENDS = ['completed', 'failed', 'nothing_to_do'] as const;

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

type Operation =
  | { readonly kind: 'create run' }
  | { readonly kind: 'create client'; readonly client: string }
  | { readonly kind: 'end client'; readonly client: string; readonly status: (typeof ENDS)[number] }
  | {
      readonly kind: 'increment';
      readonly client: string;
      readonly by: number;
      readonly repeat: number;
      readonly isCutOff: boolean;
    }
  | { readonly kind: 'total'; readonly client: string; readonly value: number };

const client = fc.constantFrom(...CLIENTS);
const operation: fc.Arbitrary<Operation> = fc.oneof(
  fc.constant({ kind: 'create run' as const }),
  fc.record({ kind: fc.constant('create client' as const), client }),
  fc.record({ kind: fc.constant('end client' as const), client, status: fc.constantFrom(...ENDS) }),
  fc.record({
    kind: fc.constant('increment' as const),
    client,
    by: fc.integer({ min: 1, max: 9 }),
    repeat: fc.integer({ min: 1, max: 3 }),
    isCutOff: fc.boolean(),
  }),
  fc.record({ kind: fc.constant('total' as const), client, value: fc.integer({ min: 0, max: 99 }) }),
);

/** The rules in a few lines: the first end stands, a key adds once, a total replaces the one before. */
class Model {
  readonly sums = new Map<string, number>();
  readonly totals = new Map<string, number>();
  readonly ends = new Map<string, Set<string>>();
}

test('the stored run is what the rules make of all that was accepted', async () => {
  let round = 0;
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.array(operation, { minLength: 3, maxLength: 6 }), {
        minLength: WRITERS,
        maxLength: WRITERS,
      }),
      async (writers) => {
        const runId = `25110${++round}-120000`;
        const model = new Model();
        await api('POST', '/runs', { job: 'contended', runId, expectedClients: CLIENTS });
        for (const name of CLIENTS)
          await api('PUT', `/runs/${runId}/clients/${encodeURIComponent(name)}`, {});

        await Promise.all(
          writers.map(async (operations, writer) => {
            for (const [index, one] of operations.entries())
              await perform(runId, one, `${round}-${writer}-${index}`, writer, model);
          }),
        );

        await expectStored(runId, model);
      },
    ),
    { numRuns: 2, seed: 16 },
  );
}, 180_000);

test('verify finds no drift after it', async () => {
  const { code, stdout } = await rollcall(['--data-dir', folder.path, 'verify']);

  expect(stdout).toContain('Drift 0');
  expect(code).toBe(0);
});

async function perform(
  runId: string,
  one: Operation,
  key: string,
  writer: number,
  model: Model,
): Promise<void> {
  const path = 'client' in one ? `/runs/${runId}/clients/${encodeURIComponent(one.client)}` : '/runs';
  switch (one.kind) {
    case 'create run':
      expect((await api('POST', path, { job: 'contended', runId })).status).toBe(200);
      return;
    case 'create client':
      expect((await api('PUT', path, {})).status).toBe(200);
      return;
    case 'end client': {
      const { status, body } = await api<{ code?: string }>('POST', `${path}/complete`, {
        status: one.status,
      });
      if (status === 200)
        model.ends.set(one.client, (model.ends.get(one.client) ?? new Set()).add(one.status));
      else expect({ status, body }).toMatchObject({ status: 409, body: { code: 'already_ended' } });
      return;
    }
    case 'increment': {
      const add = async (): Promise<unknown> =>
        api('POST', `${path}/metrics/increment`, { metrics: { Added: one.by } }, { 'Idempotency-Key': key });
      // Cut off half-way nobody knows whether it counted; sent again under its key it counts once.
      if (one.isCutOff) await sendAndHangUp(`${path}/metrics/increment`, { metrics: { Added: one.by } }, key);
      for (let n = 0; n < one.repeat; n++) expect(await add()).toMatchObject({ status: 200 });
      model.sums.set(one.client, (model.sums.get(one.client) ?? 0) + one.by);
      return;
    }
    case 'total': {
      const metric = `Total of writer ${writer}`;
      expect((await api('PUT', `${path}/metrics`, { metrics: { [metric]: one.value } })).status).toBe(200);
      model.totals.set(`${one.client} ${metric}`, one.value);
    }
  }
}

async function sendAndHangUp(path: string, body: object, key: string): Promise<void> {
  await fetch(`${service.url}/api/v1${path}`, {
    method: 'POST',
    headers: { 'Content-Type': 'application/json', 'Idempotency-Key': key },
    body: JSON.stringify(body),
    signal: AbortSignal.timeout(20),
  }).catch(() => undefined);
}

interface Stored {
  readonly clientId: string;
  readonly verdict: string;
  readonly metrics: { metric: string; value: number }[];
}

async function expectStored(runId: string, model: Model): Promise<void> {
  const { body } = await api<{ clients: Stored[] }>('GET', `/runs/${runId}/clients`);
  expect(body.clients.map(({ clientId }) => clientId)).toEqual(CLIENTS.toSorted());
  for (const { clientId, verdict, metrics } of body.clients) {
    const accepted = [...(model.ends.get(clientId) ?? ['running'])];
    const stored = Object.fromEntries(metrics.map(({ metric, value }) => [metric, value]));
    const totals = [...model.totals]
      .filter(([name]) => name.startsWith(`${clientId} `))
      .map(([name, value]) => [name.slice(clientId.length + 1), value] as const);
    const sum = model.sums.get(clientId);
    expect(accepted).toEqual([verdict]);
    expect(stored).toEqual({ ...Object.fromEntries(totals), ...(sum === undefined ? {} : { Added: sum }) });
  }
}
