/** Stock OpenTelemetry exporters and the published OTLP examples, over real HTTP, read back from the real engine. */

import { readFile } from 'node:fs/promises';
import { gzipSync } from 'node:zlib';
import { SeverityNumber, SpanKind, SpanStatusCode } from '@opentelemetry/api';
import { OTLPLogExporter as JsonLogExporter } from '@opentelemetry/exporter-logs-otlp-http';
import { OTLPLogExporter as ProtobufLogExporter } from '@opentelemetry/exporter-logs-otlp-proto';
import { OTLPMetricExporter as JsonMetricExporter } from '@opentelemetry/exporter-metrics-otlp-http';
import { OTLPMetricExporter as ProtobufMetricExporter } from '@opentelemetry/exporter-metrics-otlp-proto';
import { OTLPTraceExporter as JsonTraceExporter } from '@opentelemetry/exporter-trace-otlp-http';
import { OTLPTraceExporter as ProtobufTraceExporter } from '@opentelemetry/exporter-trace-otlp-proto';
import { resourceFromAttributes } from '@opentelemetry/resources';
import { BatchLogRecordProcessor, LoggerProvider } from '@opentelemetry/sdk-logs';
import { AggregationType, MeterProvider, PeriodicExportingMetricReader } from '@opentelemetry/sdk-metrics';
import { BatchSpanProcessor, TracerProvider } from '@opentelemetry/sdk-trace';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { ask, askUntil, startProcess, temporaryFolder, type RunningService } from './rollcall-process.ts';

let folder: Awaited<ReturnType<typeof temporaryFolder>>;
let service: RunningService;

beforeAll(async () => {
  folder = await temporaryFolder();
  service = await startProcess(folder.path);
});

afterAll(async () => {
  await service.stop();
  await folder.remove();
});

const example = (name: string): Promise<string> =>
  readFile(new URL(`../packages/ingest/test/otlp-examples/${name}.json`, import.meta.url), 'utf8');

async function post(
  path: string,
  body: string | Uint8Array<ArrayBuffer>,
  headers: Record<string, string> = {},
): Promise<Response> {
  return fetch(`${service.url}${path}`, {
    method: 'POST',
    body,
    headers: { 'Content-Type': 'application/json', ...headers },
  });
}

describe.each([
  ['JSON', JsonTraceExporter, JsonLogExporter, JsonMetricExporter],
  ['protobuf', ProtobufTraceExporter, ProtobufLogExporter, ProtobufMetricExporter],
] as const)('the stock %s exporters', (encoding, TraceExporter, LogExporter, MetricExporter) => {
  const resource = resourceFromAttributes({ 'service.name': `stock-${encoding}`, 'host.cpus': 2 });
  const at = (path: string): { url: string } => ({ url: `${service.url}/v1/${path}` });

  test('send traces', async () => {
    const provider = new TracerProvider({
      resource,
      spanProcessors: [new BatchSpanProcessor({ exporter: new TraceExporter(at('traces')) })],
    });
    const span = provider.getTracer('stock', '1.2.3').startSpan('charge card', {
      kind: SpanKind.CLIENT,
      attributes: { text: "O'Brien", number: 1.5, list: ['a', 'b'], yes: true },
      links: [
        {
          context: { traceId: '1'.repeat(32), spanId: '2'.repeat(16), traceFlags: 1 },
          attributes: { why: 'retry' },
        },
      ],
    });
    span.addEvent('declined', { code: 51 });
    span.setStatus({ code: SpanStatusCode.ERROR, message: 'declined' });
    span.end();
    await provider.forceFlush();
    await provider.shutdown();

    const [row] = await askUntil<Record<string, unknown>>(
      service.url,
      `SELECT * FROM otel_traces WHERE ServiceName = 'stock-${encoding}'`,
      (rows) => rows.length === 1,
    );

    expect(row).toMatchObject({
      ProjectId: 'default',
      TraceId: span.spanContext().traceId,
      SpanId: span.spanContext().spanId,
      SpanName: 'charge card',
      SpanKind: 'Client',
      StatusCode: 'Error',
      StatusMessage: 'declined',
      ScopeName: 'stock',
      ScopeVersion: '1.2.3',
      SpanAttributes: { text: "O'Brien", number: '1.5', list: '["a","b"]', yes: 'true' },
      'Events.Name': ['declined'],
      'Events.Attributes': [{ code: '51' }],
      'Links.TraceId': ['1'.repeat(32)],
      'Links.Attributes': [{ why: 'retry' }],
    });
    expect(row?.['ResourceAttributes']).toMatchObject({ 'host.cpus': '2' });
  });

  test('send logs and events', async () => {
    const provider = new LoggerProvider({
      resource,
      processors: [new BatchLogRecordProcessor({ exporter: new LogExporter(at('logs')) })],
    });
    const logger = provider.getLogger('stock');
    logger.emit({ body: 'plain line', severityNumber: SeverityNumber.WARN, severityText: 'WARN' });
    logger.emit({
      eventName: 'order.placed',
      body: { id: 7, tags: ['x'] },
      attributes: { nested: { deep: [1, null] } },
    });
    await provider.forceFlush();
    await provider.shutdown();

    const rows = await askUntil<Record<string, unknown>>(
      service.url,
      `SELECT * FROM otel_logs WHERE ServiceName = 'stock-${encoding}' ORDER BY EventName`,
      (found) => found.length === 2,
    );

    expect(rows[0]).toMatchObject({
      Body: 'plain line',
      SeverityNumber: 13,
      SeverityText: 'WARN',
      EventName: '',
    });
    expect(rows[1]).toMatchObject({
      Body: '{"id":7,"tags":["x"]}',
      EventName: 'order.placed',
      LogAttributes: { nested: '{"deep":[1,null]}' },
    });
  });

  test('send sums, gauges and both kinds of histograms', async () => {
    const reader = new PeriodicExportingMetricReader({
      exporter: new MetricExporter(at('metrics')),
      exportIntervalMillis: 60_000,
    });
    const provider = new MeterProvider({
      resource,
      readers: [reader],
      views: [
        {
          instrumentName: 'latency.exponential',
          aggregation: { type: AggregationType.EXPONENTIAL_HISTOGRAM },
        },
      ],
    });
    const meter = provider.getMeter('stock');
    meter.createCounter('orders', { unit: '{order}', description: 'Orders placed' }).add(3, { region: 'eu' });
    meter.createGauge('temperature').record(-4.5);
    meter.createHistogram('latency').record(12);
    meter.createHistogram('latency.exponential').record(12);
    await provider.forceFlush();
    await provider.shutdown();
    const of = (table: string, metric: string): string =>
      `SELECT * FROM ${table} WHERE ServiceName = 'stock-${encoding}' AND MetricName = '${metric}' ORDER BY TimeUnix LIMIT 1`;
    await askUntil(
      service.url,
      of('otel_metrics_exponential_histogram', 'latency.exponential'),
      (rows) => rows.length === 1,
    );

    const [sum] = await askUntil<object>(
      service.url,
      of('otel_metrics_sum', 'orders'),
      (rows) => rows.length === 1,
    );
    const [gauge] = await askUntil<object>(
      service.url,
      of('otel_metrics_gauge', 'temperature'),
      (rows) => rows.length === 1,
    );
    const [histogram] = await askUntil<Record<string, unknown>>(
      service.url,
      of('otel_metrics_histogram', 'latency'),
      (rows) => rows.length === 1,
    );
    const [exponential] = await ask<object>(
      service.url,
      of('otel_metrics_exponential_histogram', 'latency.exponential'),
    );

    expect(sum).toMatchObject({
      Value: 3,
      MetricUnit: '{order}',
      MetricDescription: 'Orders placed',
      Attributes: { region: 'eu' },
      IsMonotonic: true,
      AggregationTemporality: 2,
    });
    expect(gauge).toMatchObject({ Value: -4.5 });
    expect(histogram).toMatchObject({ Count: 1, Sum: 12, Min: 12, Max: 12 });
    expect(
      ((histogram?.['BucketCounts'] ?? []) as number[]).reduce((total, count) => total + Number(count), 0),
    ).toBe(1);
    expect(exponential).toMatchObject({ Count: 1, Sum: 12, Min: 12, Max: 12, ZeroCount: 0 });
  });
});

describe('the published OTLP examples', () => {
  beforeAll(async () => {
    for (const [signal, name] of [
      ['traces', 'trace'],
      ['metrics', 'metrics'],
      ['logs', 'logs'],
      ['logs', 'events'],
    ] as const) {
      const response = await post(`/v1/${signal}`, await example(name));
      expect(await response.json()).toEqual({});
      expect(response.status).toBe(200);
    }
    await askUntil(
      service.url,
      "SELECT 1 FROM otel_logs WHERE ServiceName = 'my.service'",
      (rows) => rows.length === 2,
    );
    await askUntil(
      service.url,
      "SELECT 1 FROM otel_metrics_exponential_histogram WHERE ServiceName = 'my.service'",
      (rows) => rows.length === 1,
    );
    await askUntil(
      service.url,
      "SELECT 1 FROM otel_traces WHERE ServiceName = 'my.service'",
      (rows) => rows.length === 1,
    );
  });

  const common = {
    ProjectId: 'default',
    ServiceName: 'my.service',
    ResourceAttributes: { 'service.name': 'my.service' },
    ScopeName: 'my.library',
    ScopeVersion: '1.0.0',
    ScopeAttributes: { 'my.scope.attribute': 'some scope attribute' },
  };
  const read = async (table: string, where = '1'): Promise<Record<string, unknown>[]> =>
    ask(service.url, `SELECT * FROM ${table} WHERE ServiceName = 'my.service' AND ${where}`);

  test('trace.json comes back field by field', async () => {
    expect(await read('otel_traces')).toEqual([
      expect.objectContaining({
        ...common,
        Timestamp: '2018-12-13 14:51:00.000000000',
        TraceId: '5b8efff798038103d269b633813fc60c',
        SpanId: 'eee19b7ec3c1b174',
        ParentSpanId: 'eee19b7ec3c1b173',
        SpanName: "I'm a server span",
        SpanKind: 'Server',
        Duration: 1_000_000_000,
        SpanAttributes: { 'my.span.attr': 'some value' },
        StatusCode: 'Unset',
      }),
    ]);
  });

  test('logs.json comes back field by field', async () => {
    expect(await read('otel_logs', "EventName = ''")).toEqual([
      expect.objectContaining({
        ...common,
        Timestamp: '2018-12-13 14:51:00.300000000',
        ObservedTimestamp: '2018-12-13 14:51:00.300000000',
        SeverityNumber: 10,
        SeverityText: 'Information',
        TraceId: '5b8efff798038103d269b633813fc60c',
        SpanId: 'eee19b7ec3c1b174',
        Body: 'Example log record',
        LogAttributes: {
          'string.attribute': 'some string',
          'boolean.attribute': 'true',
          'int.attribute': '10',
          'double.attribute': '637.704',
          'array.attribute': '["many","values"]',
          'map.attribute': '{"some.map.key":"some value"}',
        },
      }),
    ]);
  });

  test('events.json comes back field by field', async () => {
    const [row] = await read('otel_logs', "EventName != ''");

    expect(row).toMatchObject({
      ...common,
      EventName: 'browser.page_view',
      Timestamp: '2018-12-13 14:51:00.300000000',
      SeverityNumber: 9,
      SeverityText: 'test severity text',
      LogAttributes: { 'event.attribute': 'some event attribute' },
    });
    expect(JSON.parse(String(row?.['Body']))).toMatchObject({ type: 0 });
  });

  test('metrics.json comes back field by field', async () => {
    const time = '2018-12-13 14:51:00.300000000';
    expect(await read('otel_metrics_sum')).toEqual([
      expect.objectContaining({
        ...common,
        MetricName: 'my.counter',
        MetricUnit: '1',
        MetricDescription: 'I am a Counter',
        StartTimeUnix: time,
        TimeUnix: time,
        Value: 5,
        AggregationTemporality: 1,
        IsMonotonic: true,
        Attributes: { 'my.counter.attr': 'some value' },
      }),
    ]);
    expect(await read('otel_metrics_gauge')).toEqual([
      expect.objectContaining({
        ...common,
        MetricName: 'my.gauge',
        TimeUnix: time,
        Value: 10,
        Attributes: { 'my.gauge.attr': 'some value' },
      }),
    ]);
    expect(await read('otel_metrics_histogram')).toEqual([
      expect.objectContaining({
        ...common,
        MetricName: 'my.histogram',
        Count: 2,
        Sum: 2,
        BucketCounts: [1, 1],
        ExplicitBounds: [1],
        Min: 0,
        Max: 2,
      }),
    ]);
    expect(await read('otel_metrics_exponential_histogram')).toEqual([
      expect.objectContaining({
        ...common,
        MetricName: 'my.exponential.histogram',
        Count: 3,
        Sum: 10,
        Scale: 0,
        ZeroCount: 1,
        PositiveOffset: 1,
        PositiveBucketCounts: [0, 2],
        Min: 0,
        Max: 5,
        ZeroThreshold: 0,
      }),
    ]);
  });
});

describe('bad input gets a clear error and harms nothing', () => {
  const goodSpan = (name: string, traceId = 'a'.repeat(32)): object => ({
    traceId,
    spanId: 'b'.repeat(16),
    name,
    startTimeUnixNano: '1700000000000000000',
    endTimeUnixNano: '1700000001000000000',
  });
  const traces = (...spans: object[]): string =>
    JSON.stringify({ resourceSpans: [{ scopeSpans: [{ spans }] }] });

  test.each([
    ['malformed JSON', '/v1/traces', '{"resourceSpans": [', {}, 400],
    ['JSON that is not OTLP', '/v1/traces', '[1, 2]', {}, 400],
    [
      'malformed protobuf',
      '/v1/logs',
      Buffer.from([0x0a, 0xff, 0xff]),
      { 'Content-Type': 'application/x-protobuf' },
      400,
    ],
    ['an unknown content type', '/v1/metrics', 'a,b', { 'Content-Type': 'text/csv' }, 415],
    ['an unknown content encoding', '/v1/metrics', '{}', { 'Content-Encoding': 'br' }, 415],
    ['a body that is not gzip', '/v1/traces', 'not gzip', { 'Content-Encoding': 'gzip' }, 400],
    ['a body cut short', '/v1/traces', gzipSync('{}').subarray(0, 12), { 'Content-Encoding': 'gzip' }, 400],
    ['a bomb', '/v1/traces', gzipSync(Buffer.alloc(80_000_000, 0x20)), { 'Content-Encoding': 'gzip' }, 413],
    ['an oversized body', '/v1/traces', Buffer.alloc(17_000_000, 0x20), {}, 413],
  ])('%s', async (_, path, body, headers, status) => {
    const response = await post(path, body, headers);
    const answer = await response.text();

    expect(response.status).toBe(status);
    expect(answer.length).toBeGreaterThan(20);
  });

  test('errors are a google.rpc.Status in the encoding of the request', async () => {
    const json = await post('/v1/traces', '{');
    const protobuf = await post('/v1/traces', Buffer.from([0xff]), {
      'Content-Type': 'application/x-protobuf',
    });

    expect(await json.json()).toMatchObject({ code: 3, message: expect.any(String) });
    expect(protobuf.headers.get('content-type')).toBe('application/x-protobuf');
    expect(Buffer.from(await protobuf.arrayBuffer())[0]).toBe(0x08);
  });

  test('a bad span is refused alone, with its reason, and counted', async () => {
    const response = await post(
      '/v1/traces',
      traces(goodSpan('kept'), goodSpan('refused', 'xyz'), goodSpan('kept too')),
    );

    expect(await response.json()).toMatchObject({
      partialSuccess: { rejectedSpans: '1', errorMessage: expect.stringContaining('xyz') },
    });
    await askUntil(
      service.url,
      "SELECT SpanName FROM otel_traces WHERE SpanName IN ('kept', 'kept too', 'refused')",
      (rows) => rows.length === 2,
    );
    const metrics = await (await fetch(`${service.url}/metrics`)).text();
    expect(metrics).toMatch(/rollcall_refused_records_total\{reason="[a-z_]*trace_id"\} 1/);
  });

  test('an unknown path is a problem with a code', async () => {
    const response = await post('/v1/trace', '{}');

    expect(response.status).toBe(404);
    expect(response.headers.get('content-type')).toContain('application/problem+json');
    expect(await response.json()).toMatchObject({
      code: 'unknown_path',
      detail: expect.stringContaining('/v1/traces'),
    });
  });

  test('a web page under another name is not let in', async () => {
    const { get } = await import('node:http');
    const status = await new Promise((resolve, reject) => {
      get(`${service.url}/api/v1/runs`, { headers: { Host: 'evil.example' } }, (response) => {
        response.resume();
        resolve(response.statusCode);
      }).on('error', reject);
    });

    expect(status).toBe(403);
  });

  test('the service is healthy after all that', async () => {
    expect((await fetch(`${service.url}/healthz`)).status).toBe(200);
    expect(await (await fetch(`${service.url}/readyz`)).json()).toEqual({ clickhouse: true, spool: true });
  });
});

describe('what an attacker tried', () => {
  test('8 MB of bare values beside one long number are refused at once', async () => {
    const startedMs = performance.now();
    const body = gzipSync(`{"resourceSpans":[{"x":1234567890123456789,"y":[${'1,'.repeat(4_000_000)}1]}]}`);

    const response = await post('/v1/traces', body, { 'Content-Encoding': 'gzip' });

    expect(response.status).toBe(400);
    expect(performance.now() - startedMs).toBeLessThan(5_000);
  });

  test('an event of the year 2262 is refused, and the runs stay readable', async () => {
    const record = {
      timeUnixNano: '9223372036854775807',
      eventName: 'rollcall.run.started',
      attributes: [{ key: 'rollcall.run.id', value: { stringValue: '260101-000000' } }],
    };
    const response = await post(
      '/v1/logs',
      JSON.stringify({ resourceLogs: [{ scopeLogs: [{ logRecords: [record] }] }] }),
    );

    expect(await response.json()).toMatchObject({ partialSuccess: { rejectedLogRecords: '1' } });
    await expect(ask(service.url, 'SELECT verdict FROM job_runs')).resolves.toBeDefined();
  });

  test('a page of another site gets nothing and leaves nothing', async () => {
    const headers = { Origin: 'https://evil.example', 'Content-Type': 'text/plain' };
    const sql = await post('/api/v1/sql', JSON.stringify({ query: 'SELECT 1' }), headers);
    const run = await post('/api/v1/runs', JSON.stringify({ job: 'planted' }), headers);
    const spans = await post('/v1/traces', '{}', { Origin: 'https://evil.example' });

    expect([sql.status, run.status, spans.status]).toEqual([401, 403, 403]);
  });

  test('SQL is for the owner of the data folder, even where no key is configured', async () => {
    await expect(ask(service.url, 'SELECT 1', {}, '')).rejects.toThrow('key_missing');
    await expect(ask(service.url, 'SELECT 1 AS one')).resolves.toEqual([{ one: 1 }]);
  });
});
