/** What the stock OpenTelemetry SDK serialises, in both of its encodings. */
import { SeverityNumber, SpanKind, SpanStatusCode, trace, context, TraceFlags } from '@opentelemetry/api';
import {
  JsonLogsSerializer,
  JsonMetricsSerializer,
  JsonTraceSerializer,
  ProtobufLogsSerializer,
  ProtobufMetricsSerializer,
  ProtobufTraceSerializer,
} from '@opentelemetry/otlp-transformer';
import { resourceFromAttributes } from '@opentelemetry/resources';
import { InMemoryLogRecordExporter, LoggerProvider, SimpleLogRecordProcessor } from '@opentelemetry/sdk-logs';
import {
  AggregationTemporality,
  AggregationType,
  InMemoryMetricExporter,
  MeterProvider,
  PeriodicExportingMetricReader,
} from '@opentelemetry/sdk-metrics';
import { InMemorySpanExporter, SimpleSpanProcessor, TracerProvider } from '@opentelemetry/sdk-trace';
import { expect, test } from 'vitest';
import type { Signal } from '../otlp/records.ts';
import { CONTEXT, rowsOf, SPAN_ID, TRACE_ID } from './read-rows.fixture.ts';
import { transcode, type TranscodedBlocks } from './transcode.fixture.ts';

const resource = resourceFromAttributes({ 'service.name': 'scoring', 'rollcall.run.id': '260102-030405' });

/** Transcodes both, and says that they agree. */
function agreed(
  signal: Signal,
  protobuf: Uint8Array | undefined,
  json: Uint8Array | undefined,
): TranscodedBlocks {
  const result = transcode(signal, 'protobuf', protobuf ?? Buffer.of(), CONTEXT);
  expect(transcode(signal, 'json', json ?? Buffer.of(), CONTEXT)).toEqual(result);
  return result;
}

test('spans arrive whole', async () => {
  const exporter = new InMemorySpanExporter();
  const provider = new TracerProvider({ resource, spanProcessors: [new SimpleSpanProcessor({ exporter })] });
  const linked = { traceId: TRACE_ID, spanId: SPAN_ID, traceFlags: TraceFlags.SAMPLED };
  const parent = trace.setSpanContext(context.active(), linked);
  const span = provider.getTracer('lib', '1.2.3', { schemaUrl: 'https://schema/1' }).startSpan(
    'score client',
    {
      kind: SpanKind.CONSUMER,
      startTime: [1_544_712_660, 123_456_789],
      attributes: { 'rollcall.client.id': 'Zoë', list: ['a', 'b'], ratio: 0.1, count: 12, on: true },
      links: [{ context: linked, attributes: { why: 'batch' } }],
    },
    parent,
  );
  span.addEvent('retry', { n: 1 }, [1_544_712_660, 200_000_000]);
  span.setStatus({ code: SpanStatusCode.ERROR, message: 'no "quota"\n' });
  span.end([1_544_712_661, 123_456_790]);
  await provider.forceFlush();

  const spans = exporter.getFinishedSpans();
  const result = agreed(
    'traces',
    ProtobufTraceSerializer.serializeRequest(spans),
    JsonTraceSerializer.serializeRequest(spans),
  );

  expect(result).toMatchObject({ accepted: 1, refused: [] });
  expect(rowsOf(result, 'otel_traces')).toMatchObject([
    {
      Timestamp: '1544712660123456789',
      Duration: '1000000001',
      TraceId: TRACE_ID,
      ParentSpanId: SPAN_ID,
      SpanName: 'score client',
      SpanKind: 'Consumer',
      ServiceName: 'scoring',
      ScopeName: 'lib',
      ScopeVersion: '1.2.3',
      ScopeSchemaUrl: 'https://schema/1',
      RunId: '260102-030405',
      ClientId: 'Zoë',
      SpanAttributes: {
        'rollcall.client.id': 'Zoë',
        list: '["a","b"]',
        ratio: '0.1',
        count: '12',
        on: 'true',
      },
      StatusCode: 'Error',
      StatusMessage: 'no "quota"\n',
      'Events.Timestamp': ['1544712660200000000'],
      'Events.Name': ['retry'],
      'Events.Attributes': [{ n: '1' }],
      'Links.TraceId': [TRACE_ID],
      'Links.SpanId': [SPAN_ID],
      'Links.Attributes': [{ why: 'batch' }],
    },
  ]);
  await provider.shutdown();
});

test('events arrive whole', async () => {
  const exporter = new InMemoryLogRecordExporter();
  const provider = new LoggerProvider({ resource, processors: [new SimpleLogRecordProcessor({ exporter })] });
  provider.getLogger('lib').emit({
    eventName: 'rollcall.run.started',
    timestamp: [1_544_712_660, 1],
    observedTimestamp: [1_544_712_660, 2],
    severityNumber: SeverityNumber.INFO,
    severityText: 'INFO',
    body: { nested: { list: [1, 2.5, null] } },
    attributes: { 'rollcall.job.name': 'batch_scoring' },
  });
  await provider.forceFlush();

  const logs = exporter.getFinishedLogRecords();
  const result = agreed(
    'logs',
    ProtobufLogsSerializer.serializeRequest(logs),
    JsonLogsSerializer.serializeRequest(logs),
  );

  expect(rowsOf(result, 'otel_logs')).toMatchObject([
    {
      Timestamp: '1544712660000000001',
      ObservedTimestamp: '1544712660000000002',
      EventName: 'rollcall.run.started',
      SeverityNumber: 9,
      SeverityText: 'INFO',
      Body: '{"nested":{"list":[1,2.5,null]}}',
      RunId: '260102-030405',
      JobName: 'batch_scoring',
    },
  ]);
  await provider.shutdown();
});

test('metrics arrive whole', async () => {
  const exporter = new InMemoryMetricExporter(AggregationTemporality.CUMULATIVE);
  const reader = new PeriodicExportingMetricReader({ exporter, exportIntervalMillis: 1e9 });
  const exponential = { type: AggregationType.EXPONENTIAL_HISTOGRAM } as const;
  const provider = new MeterProvider({
    resource,
    readers: [reader],
    views: [{ instrumentName: 'spread', aggregation: exponential }],
  });
  const meter = provider.getMeter('lib');
  meter.createCounter('leads', { unit: '{lead}', description: 'Leads processed' }).add(35, { kind: 'new' });
  meter.createGauge('load').record(0.25);
  meter.createHistogram('latency', { advice: { explicitBucketBoundaries: [1, 10] } }).record(5);
  meter.createHistogram('spread').record(3);
  await provider.forceFlush();

  const [metrics] = exporter.getMetrics();
  const result = metrics
    ? agreed(
        'metrics',
        ProtobufMetricsSerializer.serializeRequest(metrics),
        JsonMetricsSerializer.serializeRequest(metrics),
      )
    : undefined;

  expect(result).toMatchObject({ accepted: 4, refused: [] });
  const tables = result as TranscodedBlocks;
  expect(rowsOf(tables, 'otel_metrics_sum')).toMatchObject([
    {
      MetricName: 'leads',
      MetricUnit: '{lead}',
      MetricDescription: 'Leads processed',
      Attributes: { kind: 'new' },
      Value: 35,
      AggregationTemporality: 2,
      IsMonotonic: true,
      RunId: '260102-030405',
    },
  ]);
  expect(rowsOf(tables, 'otel_metrics_gauge')).toMatchObject([{ MetricName: 'load', Value: 0.25 }]);
  expect(rowsOf(tables, 'otel_metrics_histogram')).toMatchObject([
    {
      MetricName: 'latency',
      Count: '1',
      Sum: 5,
      Min: 5,
      Max: 5,
      BucketCounts: ['0', '1', '0'],
      ExplicitBounds: [1, 10],
    },
  ]);
  expect(rowsOf(tables, 'otel_metrics_exponential_histogram')).toMatchObject([
    { MetricName: 'spread', Count: '1', Sum: 3, PositiveBucketCounts: ['1'], NegativeBucketCounts: [] },
  ]);
  await provider.shutdown();
});
