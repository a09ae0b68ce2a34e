/** Schedules functions with node-cron: one that works, one that fails, one by hand, one that nobody watches. */
// By its default and by its names, as programs do.
// oxlint-disable import/no-named-as-default-member -- both ways are tested
import cron, { schedule } from 'node-cron';
import { currentRun } from '@rollcall/sdk';

const seen: (string | undefined)[] = [];
const { promise: worked, resolve } = Promise.withResolvers<void>();
const every = schedule(
  '* * * * * *',
  () => {
    seen.push(currentRun()?.runId);
    resolve();
  },
  { name: 'nightly_sync', timezone: 'Europe/Vienna' },
);
await worked;
await every.destroy();
const failing = cron.createTask('0 3 * * *', function billing() {
  throw new RangeError('no invoice');
});
const error: unknown = await failing.execute().catch((thrown: unknown) => thrown);
const secret = cron.createTask('0 3 * * *', () => currentRun()?.runId ?? 'none', { name: 'private' });
const hidden: unknown = await secret.execute();
await failing.destroy();
await secret.destroy();
const background = cron.createTask('0 3 * * *', './background-task.mjs', { name: 'export' });
await background.start();
const result: unknown = await background.execute();
await background.destroy();
process.stdout.write(JSON.stringify({ seen, error: String(error), hidden, result }));
