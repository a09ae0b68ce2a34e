import { setTimeout as sleep } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { Pulse, readPulse } from './pulse.ts';

function block(milliseconds: number): void {
  const until = performance.now() + milliseconds;
  while (performance.now() < until);
}

/** Ticks every 20 ms, and every 40 ms once 100 ms were quiet. */
const INTERVAL_MS = 100;

test('a process that only waited is seen to be busy, during it and after it', async () => {
  const pulse = new Pulse(INTERVAL_MS);
  pulse.start();
  await sleep(600);
  readPulse(pulse.memory);
  block(400);
  const during = readPulse(pulse.memory);
  block(200);
  await sleep(100);
  const after = readPulse(pulse.memory);
  pulse.stop();

  expect(during.eventLoopDelayMs).toBeGreaterThanOrEqual(340);
  expect(after.eventLoopDelayMs).toBeGreaterThanOrEqual(540);
});

test('a process that only waits has no delay, and its ticks go on', async () => {
  const pulse = new Pulse(INTERVAL_MS);
  pulse.start();
  await sleep(1_000);
  readPulse(pulse.memory);
  await sleep(1_000);
  const { eventLoopDelayMs, heapUsedBytes, heapLimitBytes } = readPulse(pulse.memory);
  pulse.stop();

  expect(eventLoopDelayMs).toBeLessThan(500);
  expect(heapUsedBytes).toBeGreaterThan(0);
  expect(heapLimitBytes).toBeGreaterThan(heapUsedBytes);
});
