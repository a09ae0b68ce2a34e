/** A child process that works for whatever run it was started under: as a job, in a joined run, or deep inside. */
import { count, currentRun, job, joinRun, startRollcall } from '@rollcall/sdk';

const how = process.argv[2];
let runId: string | undefined;
if (how === 'job') {
  runId = await job('nightly', async (run) => {
    await run.client('globex', (client) => client.count('Leads Processed', 20));
    return run.runId;
  });
} else if (how === 'own') {
  runId = await job('nightly', (run) => run.runId, { join: false });
} else if (how === 'other') {
  runId = await job('harvest', (run) => run.runId);
} else if (how === 'join') {
  runId = await joinRun(async (run) => {
    await run.step('score', () => count('Leads Processed', 20));
    return run.runId;
  });
} else if (how === 'fail') {
  await joinRun(() => {
    throw new RangeError('score of 101');
  }).catch(() => undefined);
} else {
  count('Leads Processed', 20);
  runId = currentRun()?.runId;
  await startRollcall().flush();
}
process.stdout.write(`${runId}`);
