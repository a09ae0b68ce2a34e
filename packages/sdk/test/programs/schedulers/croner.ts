/** Schedules functions with croner: one that works, one by hand whose errors croner catches, one that is built. */
import { Cron } from 'croner';
import { currentRun } from '@rollcall/sdk';

const seen: (string | undefined)[] = [];
const { promise: worked, resolve } = Promise.withResolvers<void>();
const every = new Cron('* * * * * *', { name: 'nightly_sync', timezone: 'Europe/Vienna', maxRuns: 1 }, () => {
  seen.push(currentRun()?.runId);
  resolve();
});
await worked;
const caught: unknown[] = [];
const failing = new Cron(
  '0 3 * * *',
  { catch: (error) => caught.push(String(error)) },
  async function billing() {
    throw new RangeError('no invoice');
  },
);
await failing.trigger();
for (const job of [every, failing]) job.stop();
process.stdout.write(JSON.stringify({ seen, caught }));
