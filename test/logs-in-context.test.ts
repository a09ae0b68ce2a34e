/** What a job logs lies beside its run, under the columns that its run, client and span are found by. */

import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { askUntil, finished, spawnScript, startProcess, temporaryFolder } from './rollcall-process.ts';

interface Row {
  source: string;
  body: string;
  job: string;
  client: string;
  step: string;
  span: string;
}

test('lines of console, pino and winston are rows of otel_logs with run, job, client, trace and span', async () => {
  const folder = await temporaryFolder();
  const service = await startProcess(folder.path);
  const program = fileURLToPath(new URL('../packages/sdk/test/programs/talks.ts', import.meta.url));

  await finished(
    spawnScript(program, ['captured'], {
      OTEL_EXPORTER_OTLP_ENDPOINT: service.url,
      ROLLCALL_CAPTURE_LOGS: 'console,pino',
    }),
  );
  const rows = await askUntil<Row>(
    service.url,
    `SELECT log.ScopeName AS source, log.Body AS body, log.JobName AS job, log.ClientId AS client,
        log.LogAttributes['rollcall.step.name'] AS step, span.SpanName AS span
      FROM otel_logs AS log
      INNER JOIN job_runs AS run ON run.run_id = log.RunId AND run.trace_id = log.TraceId
      INNER JOIN otel_traces AS span ON span.TraceId = log.TraceId AND span.SpanId = log.SpanId
      WHERE log.EventName = '' ORDER BY log.Timestamp`,
    (found) => found.length >= 7,
  );

  expect(rows).toEqual(
    expect.arrayContaining([
      {
        source: 'console',
        body: 'in the run, 1 client',
        job: 'talking',
        client: '',
        step: '',
        span: 'talking',
      },
      { source: 'pino', body: 'few leads', job: 'talking', client: 'acme', step: '', span: 'talking client' },
      {
        source: 'winston',
        body: 'winston says hello',
        job: 'talking',
        client: 'acme',
        step: 'score',
        span: 'score',
      },
    ]),
  );
  await service.stop();
  await folder.remove();
});
