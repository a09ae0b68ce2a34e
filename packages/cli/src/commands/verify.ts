/** `rollcall verify`: do the rollups say what the raw rows say? */

import type { Drift } from '@rollcall/ingest';
import { drawNumber } from '../print/numbers.ts';
import { drawTable } from '../print/table.ts';
import { bold } from '../print/verdict.ts';
import { openReader, type GlobalOptions } from '../reader/reader.ts';

/** Exits with 1 when anything differs. */
export async function verify({
  json = false,
  ...options
}: GlobalOptions & { json?: boolean }): Promise<void> {
  const { VERIFICATIONS } = await import('@rollcall/ingest');
  const reader = await openReader(options);
  const results: (Drift & { rollup: string })[] = [];
  try {
    for (const { rollup, sql } of VERIFICATIONS) {
      const [found] = await reader.rows<Drift>(sql);
      if (found !== undefined) results.push({ rollup, ...found });
    }
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
