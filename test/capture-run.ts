/** Captures what the SDK really sends for one run with a bit of everything in it. */

import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { gunzipSync } from 'node:zlib';
import { startRollcall, type Rollcall } from '@rollcall/sdk';

/** One OTLP request as it came in. */
export interface CapturedRequest {
  readonly signal: 'traces' | 'metrics' | 'logs';
  readonly body: Buffer;
}

/** Receives OTLP/HTTP protobuf on a free port while `run` runs, and returns every request. */
export async function captureTelemetry(
  run: (rollcall: Rollcall) => Promise<void>,
): Promise<CapturedRequest[]> {
  const requests: CapturedRequest[] = [];
  const server = createServer((request, response) => {
    // A free port was another's before: what comes late for that one is not ours.
    if (request.headers['content-type'] !== 'application/x-protobuf') {
      response.writeHead(415).end();
      return;
    }
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const body = Buffer.concat(chunks);
      requests.push({
        signal: (request.url ?? '').replace('/v1/', '') as CapturedRequest['signal'],
        body: request.headers['content-encoding'] === 'gzip' ? gunzipSync(body) : body,
      });
      response.writeHead(200, { 'Content-Type': 'application/x-protobuf' }).end();
    });
  });
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve);
  });
  const rollcall = startRollcall({
    endpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    serviceName: 'replayed',
    // Only what comes over OTLP is captured.
    claimTimeoutMs: 0,
    heartbeatIntervalMs: 20,
    registerGlobals: false,
  });
  try {
    await run(rollcall);
    await rollcall.flush();
  } finally {
    await rollcall.shutdown();
    await new Promise<void>((resolve) => {
      server.close(() => resolve());
      server.closeAllConnections();
    });
  }
  return requests;
}

/** Completed, failed, empty, retried and never visited clients; every aggregation; refused values; steps; progress. */
export async function runOfEverything(rollcall: Rollcall): Promise<void> {
  await rollcall.job('replayed_job', async (run) => {
    run.expectClients(["O'Brien", 'acme', 'empty', 'failing', 'hanging', 'retried', 'never']);
    run.count('Rows Read', 12);
    await run.client("O'Brien", async (client) => {
      client.count('Leads Processed', 10);
      client.count('Leads Processed', Number.NaN);
      client.min('Smallest', 3);
      client.max('Largest', 3);
      client.last('Latest', 1);
      await client.step('wait', () => new Promise((resolve) => setTimeout(resolve, 60)));
      client.count('Leads Processed', 0.1);
      client.last('Latest', 7);
    });
    await run.client('acme', (client) => {
      client.progress(1, 2);
      client.count('Leads Processed', 0);
      client.min('Smallest', -2);
      client.max('Largest', 40);
      client.last('Latest', 5);
    });
    await run.client('empty', (client) => client.skip('no new leads'));
    await run
      .client('failing', (client) =>
        client.step('parse', () => {
          throw new TypeError('row 12 is not a number');
        }),
      )
      .catch(() => undefined);
    await run.client('hanging', (client) => client.count('Leads Processed', 5));
    for (const leads of [3, 20]) {
      await run
        .client('retried', (client) => {
          client.count('Leads Processed', leads);
          if (client.attempt === 1) throw new Error('first try fails');
        })
        .catch(() => undefined);
    }
    run.progress(6, 7);
  });
}
