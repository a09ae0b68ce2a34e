/** However many versions of a run wait to be merged, a page has each run once, and none is passed over. */

import { expect, test } from 'vitest';
import { openTemporaryEngine } from '../../test/temporary-engine.ts';
import { readNewestRuns } from './newest-runs.ts';

test('runs with hundreds of versions count once', async () => {
  const { engine, dispose } = await openTemporaryEngine();
  await engine.command('SYSTEM STOP MERGES run_summaries');
  for (let version = 0; version < 3; version++) {
    // Ten runs; of the newest two there are three hundred versions each.
    await engine.command(
      `INSERT INTO run_summaries (project_id, run_id, origin, job_name, summarised_at)
       SELECT 'p', concat('261125-00000', toString(run)), 'a', 'job', now64(3) + {version:UInt32}
       FROM (SELECT number AS run FROM numbers(10)) ARRAY JOIN range(if(run >= 8, 100, 1)) AS times
       SETTINGS optimize_on_insert = 0`,
      { version },
    );
  }
  const page = async (limit: number): Promise<string[]> => {
    const runs = await readNewestRuns(
      engine,
      "SELECT run_id AS runId, origin FROM run_summaries WHERE project_id = 'p'",
      { limit },
    );
    return runs.map(({ runId }) => runId.slice(-1));
  };

  expect(await page(1)).toEqual(['9']);
  expect(await page(5)).toEqual(['9', '8', '7', '6', '5']);
  expect(await page(50)).toEqual(['9', '8', '7', '6', '5', '4', '3', '2', '1', '0']);
  await dispose();
});
