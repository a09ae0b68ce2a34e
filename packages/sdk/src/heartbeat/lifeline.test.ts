import { Worker } from 'node:worker_threads';
import { once } from 'node:events';
import { expect, test } from 'vitest';
import { Lifeline } from './lifeline.ts';

test('two threads number the events of a run without gaps and without doubles', async () => {
  const lifeline = new Lifeline();
  const taken: number[] = [];
  const thread = new Worker(
    `const { parentPort, workerData } = require('node:worker_threads');
     const integers = new Int32Array(workerData);
     parentPort.postMessage('ready');
     parentPort.once('message', () => {
       parentPort.postMessage(Array.from({ length: 20_000 }, () => Atomics.add(integers, 0, 1) + 1));
     });`,
    { eval: true, workerData: lifeline.memory },
  );
  await once(thread, 'message');
  // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a thread, not a window
  thread.postMessage('go');
  for (let event = 0; event < 20_000; event++) taken.push(lifeline.nextEvent());
  const [others] = (await once(thread, 'message')) as [number[]];
  const all = [...taken, ...others].toSorted((a, b) => a - b);
  expect(all).toEqual(Array.from({ length: 40_000 }, (_, index) => index + 1));
  expect(lifeline.events).toBe(40_000);
  await thread.terminate();
});

test('a sign of life that has not arrived keeps its number until it has', () => {
  const lifeline = new Lifeline();
  lifeline.nextEvent();
  expect(lifeline.takeBeat()).toBe(2);
  expect(lifeline.nextEvent()).toBe(3);
  expect(lifeline.takeBeat()).toBe(2);
  expect(lifeline.pendingBeat).toBe(2);
  lifeline.beatArrived();
  expect(lifeline.pendingBeat).toBe(0);
  expect(lifeline.takeBeat()).toBe(4);
});

test('progress is seen by whoever has the memory, and none is none', () => {
  const lifeline = new Lifeline();
  const seenFrom = new Lifeline(lifeline.memory);
  expect(seenFrom.progress).toBeUndefined();
  lifeline.progress = { done: 3, total: 9 };
  expect(seenFrom.progress).toEqual({ done: 3, total: 9 });
  lifeline.progress = { done: 0 };
  expect(seenFrom.progress).toEqual({ done: 0 });
});
