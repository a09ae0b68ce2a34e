import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { runInNewContext } from 'node:vm';
import { expect, test } from 'vitest';
import * as sdk from '../src/index.ts';
import { TrackingApi } from './tracking-api.ts';
import { runFile } from './watched.ts';

test('examples/tracking-services.ts tells its three clients', async () => {
  await using api = await TrackingApi.start();
  const path = fileURLToPath(new URL('../../../examples/tracking-services.ts', import.meta.url));

  const exit = await runFile(path, { env: { OTEL_EXPORTER_OTLP_ENDPOINT: api.endpoint } });

  expect(exit).toMatchObject({ code: 0, stderr: '' });
  expect(exit.stdout).toContain('Refused Total Tokens: the text "not-a-number" is not a number');
  const [run] = api.runs.values();
  const leads = ['acme', 'globex', 'initech'].map((id) =>
    api.metric(run?.runId ?? '', id, 'Leads Processed'),
  );
  expect(leads).toEqual([10, 20, 5]);
  expect(run?.clients.get('initech')?.status).toBe('failed');
});

const page = readFileSync(new URL('../../../docs/metrics.md', import.meta.url), 'utf8');
const sources = [
  '../src/services/run-id-service.ts',
  '../../semconv/src/metric-definition/define-metrics.ts',
].map((path) => readFileSync(new URL(path, import.meta.url), 'utf8'));
const examples = [page, ...sources].flatMap((text) =>
  [...text.matchAll(/^[ *]*(\w.*\));? \/\/ => (.+)$/gm)].map(([, call = '', result = '']) => ({
    call,
    result,
  })),
);

test.each(examples)('$call is $result', ({ call, result }) => {
  const context = { ...sdk, Date };
  expect(runInNewContext(call, context)).toEqual(runInNewContext(`(${result})`, context));
});

test('the error table names every code', () => {
  const errors = readFileSync(new URL('../src/services/errors.ts', import.meta.url), 'utf8');
  const codes = [...errors.matchAll(/^ {2}(\w+): '\w+',$/gm)].map(([, code]) => code);
  const table = readFileSync(new URL('../../../docs/errors.md', import.meta.url), 'utf8');

  expect(codes.length).toBeGreaterThan(15);
  for (const code of codes) expect(table).toContain(`\`${code}\``);
});
