/** `rollcall diff`: which clients and which steps explain what changed between two runs. */

import { compareRuns } from '../diff/compare.ts';
import { drawDiff } from '../diff/draw-diff.ts';
import { explain } from '../diff/explain.ts';
import { readRunBefore, readSide } from '../diff/read-side.ts';
import { UsageError } from '../print/failure.ts';
import { findRun } from '../reader/find.ts';
import { openReader, type GlobalOptions } from '../reader/reader.ts';

/** With `--exit-code`, where something changed. */
const CHANGED = 3;
const MOST = 10_000;

/** One run alone is compared with the run of its job before it. Exits with 1 where there is no such run. */
export async function diff(
  wanted: string,
  other: string | undefined,
  {
    project,
    limit,
    exitCode = false,
    json = false,
    ...options
  }: GlobalOptions & { project?: string; limit: string; exitCode?: boolean; json?: boolean },
): Promise<void> {
  if (!/^\d{1,5}$/.test(limit) || Number(limit) < 1 || Number(limit) > MOST) {
    throw new UsageError(`Unusable --limit '${limit}'; use a number from 1 to ${MOST}.`);
  }
  const reader = await openReader(options);
  try {
    const named = await findRun(reader, wanted, project);
    const before = other === undefined ? await readRunBefore(reader, named) : wanted;
    if (before === null) {
      throw new UsageError(
        `${named.run_id} is the first run of ${named.job_name}: there is none before it to compare with.`,
        {
          exitCode: 1,
        },
      );
    }
    const old = other === undefined ? await findRun(reader, before, named.project_id) : named;
    const fresh = other === undefined ? named : await findRun(reader, other, project);
    const compared = compareRuns(await readSide(reader, old), await readSide(reader, fresh));
    const causes = explain(compared);
    if (json) console.log(JSON.stringify({ cause: causes[0] ?? null, causes, ...compared }, null, 2));
    else console.log(drawDiff(compared, causes, Number(limit)));
    if (exitCode && causes.length > 0) process.exitCode = CHANGED;
  } finally {
    await reader.close();
  }
}
