/** What was acknowledged is in ClickHouse, once, whatever becomes of the service. */

import { once } from 'node:events';
import { connect } from 'node:net';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import {
  ask,
  askUntil,
  finished,
  spawnScript,
  startProcess,
  temporaryFolder,
  type RunningService,
} from './rollcall-process.ts';

const PRODUCERS = ['load-1', 'load-2', 'load-3'];

/** Loads the service from several processes, ends it after a while, and returns how many spans each was told are kept. */
async function loadAndEnd(
  service: RunningService,
  end: () => Promise<unknown>,
): Promise<Map<string, number>> {
  const program = fileURLToPath(new URL('./programs/steady-load.ts', import.meta.url));
  const loads = PRODUCERS.map((producer) => finished(spawnScript(program, [service.url, producer])));
  await askUntil<{ n: number }>(
    service.url,
    // Of each producer: they do not start at the same moment.
    'SELECT toUInt32(countIf(spans > 200)) AS n FROM (SELECT count() AS spans FROM otel_traces GROUP BY ServiceName)',
    ([found]) => found?.n === PRODUCERS.length,
  );
  await end();
  const ends = await Promise.all(loads);
  return new Map(
    ends.map(({ stdout }, index) => [PRODUCERS[index] ?? '', Number(stdout.trim().split('\n').at(-1) ?? 0)]),
  );
}

async function expectKept(dataDir: string, acknowledged: Map<string, number>): Promise<void> {
  const again = await startProcess(dataDir);
  for (const [producer, count] of acknowledged) {
    expect(count).toBeGreaterThan(100);
    // The request in flight at the end may have been kept without its acknowledgement being heard.
    await askUntil<{ names: number }>(
      again.url,
      `SELECT toUInt32(uniqExactIf(SpanName, toUInt32(substring(SpanName, 6)) < ${count})) AS names FROM otel_traces WHERE ServiceName = '${producer}'`,
      ([found]) => found?.names === count,
    );
  }
  const doubled = await ask(
    again.url,
    'SELECT ServiceName, SpanName, count() AS n FROM otel_traces GROUP BY ServiceName, SpanName HAVING n > 1',
  );
  expect(doubled).toEqual([]);
  expect((await again.stop()).code).toBe(0);
}

test('a shutdown under load loses nothing that was acknowledged', async () => {
  const folder = await temporaryFolder();
  const service = await startProcess(folder.path);

  const acknowledged = await loadAndEnd(service, async () => {
    const { code, stdout } = await service.stop();
    expect(code).toBe(0);
    expect(stdout).toContain('Nothing accepted was lost.');
  });

  await expectKept(folder.path, acknowledged);
  await folder.remove();
});

test('a service killed with -9 under load loses nothing that was acknowledged', async () => {
  const folder = await temporaryFolder();
  const service = await startProcess(folder.path);

  const acknowledged = await loadAndEnd(service, async () => {
    service.process.kill('SIGKILL');
  });

  await expectKept(folder.path, acknowledged);
  await folder.remove();
});

test('a sender that never lets go of its connection does not hold up a shutdown', async () => {
  const folder = await temporaryFolder();
  const service = await startProcess(folder.path);
  const socket = connect(Number(new URL(service.url).port), '127.0.0.1');
  socket.on('error', () => undefined);
  await once(socket, 'connect');
  socket.write(
    'POST /v1/traces HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\nContent-Length: 1000\r\n\r\n{',
  );
  const drip = setInterval(() => socket.write(' '), 100);

  const startedMs = Date.now();
  const { code } = await service.stop();

  expect(code).toBe(0);
  expect(Date.now() - startedMs).toBeLessThan(10_000);
  clearInterval(drip);
  socket.destroy();
  await folder.remove();
});
