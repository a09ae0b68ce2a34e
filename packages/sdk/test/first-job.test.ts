import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { Receiver } from './receiver.ts';
import { runFile } from './watched.ts';

test('examples/first-job.ts runs and tells its four clients', async () => {
  await using receiver = await Receiver.start();
  const path = fileURLToPath(new URL('../../../examples/first-job.ts', import.meta.url));

  const exit = await runFile(path, { env: { OTEL_EXPORTER_OTLP_ENDPOINT: receiver.endpoint } });

  expect(exit).toMatchObject({ code: 0, stderr: '' });
  const verdicts = receiver
    .named('rollcall.client_run.ended')
    .map(({ attributes }) => [attributes['rollcall.client.id'], attributes['rollcall.status']]);
  expect(verdicts).toEqual([
    ['acme', 'completed'],
    ['globex', 'nothing_to_do'],
    ['initech', 'completed'],
    ['hooli', 'failed'],
  ]);
});
