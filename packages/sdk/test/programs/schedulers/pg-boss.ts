/** Sends jobs with pg-boss and works them off: from within a run and from outside, with retries, in a batch, on schedule. */
import { PgBoss } from 'pg-boss';
import { count, currentRun, job } from '@rollcall/sdk';

interface Data {
  tenant?: string;
  leads?: number;
  fail?: number;
}

const boss = new PgBoss({
  connectionString: process.env['POSTGRES_URL'] ?? '',
  cronMonitorIntervalSeconds: 1,
  cronWorkerIntervalSeconds: 1,
});
boss.on('error', (error) => process.stderr.write(String(error)));
await boss.start();
const data: Record<string, object[]> = {};
const runs: Record<string, (string | undefined)[]> = {};
let left = 6;
const { promise: allDone, resolve } = Promise.withResolvers<void>();
const failures = new Map<string, number>();
const done = (jobs: number) => {
  left -= jobs;
  if (left <= 0) resolve();
};
for (const name of ['score', 'report', 'single', 'batch', 'sweep']) {
  await boss.createQueue(name);
  await boss.work<Data>(
    name,
    { pollingIntervalSeconds: 0.5, batchSize: name === 'batch' ? 2 : 1 },
    async (jobs) => {
      (data[name] ??= []).push(...jobs.map((one) => one.data ?? {}));
      (runs[name] ??= []).push(currentRun()?.runId);
      const [first] = jobs;
      const failed = failures.get(first?.id ?? '') ?? 0;
      if (first !== undefined && failed < (first.data?.fail ?? 0)) {
        failures.set(first.id, failed + 1);
        throw new RangeError(`failure ${failed + 1}`);
      }
      count('Leads Processed', first?.data?.leads ?? 1);
      done(jobs.length);
    },
  );
}
await job('nightly', async () => {
  await boss.send('score', { tenant: 'acme', leads: 10 });
});
await boss.send({ name: 'report', data: { fail: 2 }, options: { retryLimit: 2, retryDelay: 0 } });
await boss.send('single', { tenant: 'umbrella', fail: 1 }, { retryLimit: 1, retryDelay: 0 });
await boss.insert('batch', [{ data: { tenant: 'acme' } }, { data: { tenant: 'globex' } }]);
await boss.schedule('sweep', '* * * * *', null, { tz: 'Europe/Vienna' });
await allDone;
await boss.stop();
process.stdout.write(JSON.stringify({ data, runs }));
