import cron from 'node-cron';
import { Cron } from 'croner';
import { expect, test } from 'vitest';
import { startWatched } from '../../test/watched.ts';
import { currentRun } from '../index.ts';
import { CronerInstrumentation, NodeCronInstrumentation, rollcallInstrumentations } from './index.ts';

test('an instrumentation can be disabled and enabled again', async () => {
  await using watched = await startWatched();
  const instrumentation = new CronerInstrumentation();
  instrumentation.instrument({ Cron });
  const seen: (string | undefined)[] = [];
  const job = new Cron('0 3 * * *', { name: 'nightly_sync' }, () => {
    seen.push(currentRun()?.jobName);
  });

  await job.trigger();
  instrumentation.disable();
  await job.trigger();
  instrumentation.enable();
  await job.trigger();
  job.stop();
  await watched.rollcall.flush();

  expect(seen).toEqual(['nightly_sync', undefined, 'nightly_sync']);
  expect(watched.receiver.named('rollcall.run.ended')).toHaveLength(2);
});

test('hooks name the job and the client; a hook that throws is as good as none', async () => {
  await using watched = await startWatched();
  const instrumentation = new NodeCronInstrumentation({
    jobName: ({ name }) => `cron: ${name}`,
    clientId: ({ name }) => {
      if (name === 'broken') throw new Error('no client');
      return 'acme';
    },
  });
  instrumentation.instrument({ default: cron });
  for (const name of ['sound', 'broken']) {
    // oxlint-disable-next-line import/no-named-as-default-member -- its names cannot be patched once loaded
    const task = cron.createTask('0 3 * * *', () => currentRun()?.jobName, { name });
    await expect(task.execute()).resolves.toBe(`cron: ${name}`);
    await task.destroy();
  }
  await watched.rollcall.flush();

  const clients = watched.receiver.named('rollcall.client_run.ended');
  expect(clients.map(({ attributes }) => attributes['rollcall.client.id'])).toEqual(['acme']);
});

test('there is one instrumentation for each library', () => {
  const names = rollcallInstrumentations({ bree: { enabled: false } }).map((one) => [
    one.instrumentationName.replace('@rollcall/instrumentation-', ''),
    one.isEnabled(),
  ]);

  expect(names).toEqual([
    ['node-cron', true],
    ['croner', true],
    ['bullmq', true],
    ['pg-boss', true],
    ['graphile-worker', true],
    ['bree', false],
  ]);
});

test('a schedule is declared before its first run', async () => {
  await using watched = await startWatched();
  const instrumentation = new CronerInstrumentation();
  instrumentation.instrument({ Cron });

  const job = new Cron('0 3 * * *', { name: 'declared', timezone: 'Europe/Vienna' }, () => undefined);
  const ofJob = () =>
    watched.receiver
      .named('rollcall.job.scheduled')
      .filter(({ attributes }) => attributes['rollcall.job.name'] === 'declared');
  await watched.receiver.until(() => ofJob().length > 0);
  job.stop();

  const [declared] = ofJob();
  expect(declared?.attributes).toMatchObject({
    'rollcall.job.name': 'declared',
    'rollcall.schedule.kind': 'cron',
    'rollcall.schedule.cron': '0 3 * * *',
    'rollcall.schedule.time_zone': 'Europe/Vienna',
  });
  expect(declared?.attributes).not.toHaveProperty('rollcall.run.id');
});
