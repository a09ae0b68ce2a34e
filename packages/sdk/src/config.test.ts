import { afterEach, expect, test } from 'vitest';
import { Receiver } from '../test/receiver.ts';
import { readConfig } from './config.ts';
import { startRollcall } from './start.ts';

test('without options and environment there are defaults', () => {
  const config = readConfig({}, {});
  expect(config).toMatchObject({
    headers: {},
    protocol: 'http/protobuf',
    requestTimeoutMs: 10_000,
    serviceName: undefined,
    heartbeatIntervalMs: 5_000,
    disabled: false,
    registerGlobals: true,
    metricExport: 'rollcall',
  });
  expect(config.endpoint?.href).toBe('http://127.0.0.1:4318/');
  expect(Object.isFrozen(config)).toBe(true);
});

test('the environment is read', () => {
  const config = readConfig(
    {},
    {
      OTEL_EXPORTER_OTLP_ENDPOINT: 'https://ingest.example/otlp',
      OTEL_EXPORTER_OTLP_HEADERS: 'x-team=growth%20team,x-env=prod',
      OTEL_EXPORTER_OTLP_PROTOCOL: 'http/json',
      OTEL_EXPORTER_OTLP_TIMEOUT: '2500',
      OTEL_SERVICE_NAME: 'nightly',
      ROLLCALL_API_KEY: 'secret',
      ROLLCALL_HEARTBEAT_INTERVAL_MS: '1000',
      ROLLCALL_DISABLED: 'TRUE',
    },
  );
  expect(config).toMatchObject({
    headers: { 'x-team': 'growth team', 'x-env': 'prod', authorization: 'Bearer secret' },
    protocol: 'http/json',
    requestTimeoutMs: 2_500,
    serviceName: 'nightly',
    heartbeatIntervalMs: 1_000,
    disabled: true,
  });
  expect(config.endpoint?.href).toBe('https://ingest.example/otlp');
  expect(readConfig({}, { OTEL_SDK_DISABLED: 'true' }).disabled).toBe(true);
});

test('options win over the environment', () => {
  const env = { OTEL_SERVICE_NAME: 'from_env', ROLLCALL_API_KEY: 'from_env', ROLLCALL_DISABLED: 'true' };
  const config = readConfig({ serviceName: 'given', apiKey: 'given', disabled: false }, env);
  expect(config).toMatchObject({
    serviceName: 'given',
    headers: { authorization: 'Bearer given' },
    disabled: false,
  });
});

test.each(['-5', 'soon', 'NaN', 'Infinity', '0'])(
  'the heartbeat interval %j gives way to the default',
  (text) => {
    expect(readConfig({}, { ROLLCALL_HEARTBEAT_INTERVAL_MS: text }).heartbeatIntervalMs).toBe(5_000);
  },
);

test.each(['', 'ingest:4318', 'ftp://ingest'])('the endpoint %j is not sent to', (endpoint) => {
  expect(readConfig({ endpoint }, {}).endpoint).toBeUndefined();
});

afterEach(() => {
  delete process.env['OTEL_RESOURCE_ATTRIBUTES'];
});

test('OTEL_RESOURCE_ATTRIBUTES describe the producer, whose instance ID is its own', async () => {
  process.env['OTEL_RESOURCE_ATTRIBUTES'] =
    'service.name=from_attributes,service.instance.id=shared,deployment.environment.name=prod';
  await using receiver = await Receiver.start();
  const rollcall = startRollcall({ endpoint: receiver.endpoint, protocol: 'http/json' });
  expect(startRollcall()).toBe(rollcall);
  await rollcall.job('described', () => undefined);
  await rollcall.shutdown();

  expect(receiver.spans[0]?.resource).toMatchObject({
    'service.name': 'from_attributes',
    'deployment.environment.name': 'prod',
    'service.instance.id': rollcall.producerId,
  });
  expect(rollcall.producerId).toMatch(/^[\da-f-]{36}$/);
});
