/** Adds jobs with Graphile Worker and works them off: from within a run and from outside, with retries, on schedule. */
import { Logger, makeWorkerUtils, parseCrontab, run } from 'graphile-worker';
import { count, currentRun, job } from '@rollcall/sdk';

interface Payload {
  tenant?: string;
  leads?: number;
  fail?: number;
  _cron?: object;
}

const connectionString = process.env['POSTGRES_URL'] ?? '';
const logger = new Logger(() => () => undefined);
const utils = await makeWorkerUtils({ connectionString, logger });
await utils.migrate();
const payloads: Record<string, string[][]> = {};
const runs: Record<string, (string | undefined)[]> = {};
const left = new Set(['score', 'tidy', 'report', 'single', 'sweep']);
const { promise: allDone, resolve } = Promise.withResolvers<void>();
const task = async (
  payload: unknown,
  { job: { task_identifier: name, attempts } }: { job: { task_identifier: string; attempts: number } },
) => {
  const { fail = 0, leads = 1 } = payload as Payload;
  (payloads[name] ??= []).push(Object.keys(payload as Payload));
  (runs[name] ??= []).push(currentRun()?.runId);
  if (attempts <= fail) throw new RangeError(`failure ${attempts}`);
  count('Leads Processed', leads);
  left.delete(name);
  if (left.size === 0) resolve();
};
await job('nightly', async () => {
  await utils.addJob('score', { tenant: 'acme', leads: 10 });
  await utils.addJobs([{ identifier: 'tidy', payload: { leads: 5 } }]);
});
await utils.addJob('report', { fail: 1 });
await utils.addJob('single', { tenant: 'umbrella' });
// A retry is due after its back-off; nobody waits for that here.
const hurry = setInterval(
  () =>
    void utils.withPgClient(async (client) =>
      client.query(
        'UPDATE graphile_worker._private_jobs SET run_at = now() WHERE run_at > now() AND attempts > 0',
      ),
    ),
  100,
);
// The cron item is known for an hour, so what it missed is due at once.
await utils.withPgClient(async (client) =>
  client.query(
    "INSERT INTO graphile_worker._private_known_crontabs (identifier, known_since) VALUES ('sweep', now() - interval '1 hour')",
  ),
);
const runner = await run({
  connectionString,
  logger,
  noHandleSignals: true,
  pollInterval: 100,
  taskList: { score: task, tidy: task, report: task, single: task, sweep: task },
  parsedCronItems: parseCrontab('* * * * * sweep ?fill=5m {"leads":3}'),
});
await allDone;
clearInterval(hurry);
await runner.stop();
await utils.release();
process.stdout.write(JSON.stringify({ payloads, runs }));
