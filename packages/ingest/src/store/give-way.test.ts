/** The embedded engine works behind the threads that answer requests. */

import { readdirSync, readFileSync } from 'node:fs';
import { getPriority } from 'node:os';
import { expect, test } from 'vitest';
import { openTemporaryEngine } from '../../test/temporary-engine.ts';

/** The nice value of each thread of this process, with its name. */
function threads(): { name: string; nice: number }[] {
  return readdirSync('/proc/self/task').map((thread) => ({
    name: readFileSync(`/proc/self/task/${thread}/comm`, 'utf8').trim(),
    nice: getPriority(Number(thread)),
  }));
}

test.runIf(process.platform === 'linux')('merges give way to requests, and these to nobody', async () => {
  const ownNice = getPriority(process.pid);
  const { engine, dispose } = await openTemporaryEngine();
  try {
    await engine.rows('SELECT count() FROM otel_traces');
    const found = threads();
    const merges = found.filter(({ name }) => name.startsWith('MergeMutate'));
    const disk = found.filter(({ name }) => name.startsWith('libuv-worker'));
    expect(merges.length).toBeGreaterThan(0);
    expect(disk.length).toBeGreaterThan(0);
    expect(new Set(merges.map(({ nice }) => nice))).toEqual(new Set([Math.min(ownNice + 5, 19)]));
    expect(new Set(disk.map(({ nice }) => nice))).toEqual(new Set([ownNice]));
    expect(getPriority(process.pid)).toBe(ownNice);
  } finally {
    await dispose();
  }
});
