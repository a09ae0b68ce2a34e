/** `rollcall verify`: do the rollups say what the raw rows say? */

import { setTimeout as sleep } from 'node:timers/promises';
import type { Drift } from '@rollcall/ingest';
import { drawNumber } from '../print/numbers.ts';
import { drawTable } from '../print/table.ts';
import { bold } from '../print/verdict.ts';
import { openReader, type GlobalOptions, type Reader } from '../reader/reader.ts';

const ROLLED_UP_WITHIN_MS = 10_000;
const LOOKS = 3;
const LOOK_AGAIN_MS = 1_500;

/** Exits with 1 when anything differs. */
export async function verify({
  json = false,
  ...options
}: GlobalOptions & { json?: boolean }): Promise<void> {
  const { VERIFICATIONS, WAITING_RUNS } = await import('@rollcall/ingest');
  const reader = await openReader(options);
  const results: (Drift & { rollup: string })[] = [];
  try {
    await untilRolledUp(reader, WAITING_RUNS);
    for (const { rollup, sql } of VERIFICATIONS) {
      const found = await look(reader, sql);
      if (found !== undefined) results.push({ rollup, ...found });
    }
    await reader.tell('/api/v1/verifications', {
      rollups: results.map(({ rollup, compared, drifted }) => ({
        rollup,
        compared: Number(compared),
        drifted: Number(drifted),
      })),
    });
  } finally {
    await reader.close();
  }
  const drifted = results.reduce((sum, result) => sum + Number(result.drifted), 0);
  if (drifted > 0) process.exitCode = 1;
  if (json) {
    console.log(JSON.stringify({ drifted, rollups: results }, null, 2));
    return;
  }
  print(results, drifted, reader.source);
}

/** Evidence that has just come in is rolled up within a second or two. */
async function untilRolledUp(reader: Reader, waitingRuns: string): Promise<void> {
  const deadline = performance.now() + ROLLED_UP_WITHIN_MS;
  while (performance.now() < deadline) {
    const [found] = await reader.rows<{ waiting: number }>(waitingRuns);
    if ((found?.waiting ?? 0) === 0) return;
    await sleep(200);
  }
}

/** Of a run that goes on, evidence may come in between the two readings of one statement: what is drift stays. */
async function look(reader: Reader, sql: string): Promise<Drift | undefined> {
  for (let looks = 1; ; looks++) {
    const [found] = await reader.rows<Drift>(sql);
    if (found === undefined || Number(found.drifted) === 0 || looks === LOOKS) return found;
    await sleep(LOOK_AGAIN_MS);
  }
}

function print(results: readonly (Drift & { rollup: string })[], drifted: number, source: string): void {
  const rows = results.map(({ rollup, compared, drifted: differing, drift }) => [
    rollup,
    drawNumber(Number(compared)),
    drawNumber(Number(differing)),
    drawNumber(drift),
  ]);
  console.log(
    drawTable(['rollup', 'values compared', 'differing', 'drift'], rows, {
      align: ['left', 'right', 'right', 'right'],
    }),
  );
  for (const { rollup, samples } of results) {
    for (const sample of samples) console.log(`  ${rollup}: ${sample}`);
  }
  console.log(
    bold(
      drifted === 0
        ? `Drift 0: every rollup in ${source} agrees with its raw rows.`
        : `${drawNumber(drifted)} values drifted.`,
    ),
  );
}
