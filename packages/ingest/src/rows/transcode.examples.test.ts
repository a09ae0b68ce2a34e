/** The example requests of the OTLP specification, row by row and field by field. */
import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { encodeProtobuf, type JsonRequest } from '../otlp/protobuf-request.fixture.ts';
import type { Signal } from '../otlp/records.ts';
import { CONTEXT, RECEIVED_AT, rowsOf, SPAN_ID, TRACE_ID } from './read-rows.fixture.ts';
import { transcode } from './transcode.fixture.ts';

const ORIGIN_COLUMNS = {
  ProjectId: 'acme',
  ReceivedAt: RECEIVED_AT,
  ServiceName: 'my.service',
  ResourceAttributes: { 'service.name': 'my.service' },
  ResourceSchemaUrl: '',
  ScopeName: 'my.library',
  ScopeVersion: '1.0.0',
  ScopeAttributes: { 'my.scope.attribute': 'some scope attribute' },
  ScopeDroppedAttrCount: 0,
  ScopeSchemaUrl: '',
  RunId: '',
  JobName: '',
  ClientId: '',
};

function example(name: string): Buffer {
  return readFileSync(new URL(`../../test/otlp-examples/${name}.json`, import.meta.url));
}

test('trace.json becomes one row of otel_traces', () => {
  const result = transcode('traces', 'json', example('trace'), CONTEXT);

  expect(result).toMatchObject({ status: 'ok', accepted: 1, refused: [] });
  expect(rowsOf(result, 'otel_traces')).toEqual([
    {
      ...ORIGIN_COLUMNS,
      Timestamp: '1544712660000000000',
      TraceId: TRACE_ID,
      SpanId: SPAN_ID,
      ParentSpanId: 'eee19b7ec3c1b173',
      TraceState: '',
      SpanName: "I'm a server span",
      SpanKind: 'Server',
      SpanAttributes: { 'my.span.attr': 'some value' },
      SpanDroppedAttributesCount: 0,
      SpanFlags: 0,
      Duration: '1000000000',
      StatusCode: 'Unset',
      StatusMessage: '',
      'Events.Timestamp': [],
      'Events.Name': [],
      'Events.Attributes': [],
      'Events.DroppedAttributesCount': [],
      EventsDroppedCount: 0,
      'Links.TraceId': [],
      'Links.SpanId': [],
      'Links.TraceState': [],
      'Links.Attributes': [],
      'Links.DroppedAttributesCount': [],
      'Links.Flags': [],
      LinksDroppedCount: 0,
    },
  ]);
});

test('logs.json becomes one row of otel_logs', () => {
  const result = transcode('logs', 'json', example('logs'), CONTEXT);

  expect(result).toMatchObject({ status: 'ok', accepted: 1, refused: [] });
  expect(rowsOf(result, 'otel_logs')).toEqual([
    {
      ...ORIGIN_COLUMNS,
      Timestamp: '1544712660300000000',
      ObservedTimestamp: '1544712660300000000',
      TraceId: TRACE_ID,
      SpanId: SPAN_ID,
      TraceFlags: 0,
      SeverityText: 'Information',
      SeverityNumber: 10,
      EventName: '',
      Body: 'Example log record',
      LogAttributes: {
        'string.attribute': 'some string',
        'boolean.attribute': 'true',
        'int.attribute': '10',
        'double.attribute': '637.704',
        'array.attribute': '["many","values"]',
        'map.attribute': '{"some.map.key":"some value"}',
      },
      DroppedAttributesCount: 0,
    },
  ]);
});

test('events.json becomes one row of otel_logs with its event name', () => {
  const result = transcode('logs', 'json', example('events'), CONTEXT);

  expect(result).toMatchObject({ status: 'ok', accepted: 1, refused: [] });
  expect(rowsOf(result, 'otel_logs')).toEqual([
    {
      ...ORIGIN_COLUMNS,
      Timestamp: '1544712660300000000',
      ObservedTimestamp: '1544712660300000000',
      TraceId: '',
      SpanId: '',
      TraceFlags: 0,
      SeverityText: 'test severity text',
      SeverityNumber: 9,
      EventName: 'browser.page_view',
      Body:
        '{"type":0,"url":"https://www.guidgenerator.com/online-guid-generator.aspx",' +
        '"referrer":"https://wwww.google.com","title":"Free Online GUID Generator"}',
      LogAttributes: { 'event.attribute': 'some event attribute' },
      DroppedAttributesCount: 0,
    },
  ]);
});

const METRIC_COLUMNS = {
  ...ORIGIN_COLUMNS,
  MetricUnit: '1',
  MetricMetadata: {},
  TimeUnix: '1544712660300000000',
  Flags: 0,
};
const NO_EXEMPLARS = {
  'Exemplars.FilteredAttributes': [],
  'Exemplars.TimeUnix': [],
  'Exemplars.Value': [],
  'Exemplars.SpanId': [],
  'Exemplars.TraceId': [],
};

test('metrics.json becomes one row in each of four tables', () => {
  const result = transcode('metrics', 'json', example('metrics'), CONTEXT);

  expect(result).toMatchObject({ status: 'ok', accepted: 4, refused: [] });
  expect(rowsOf(result, 'otel_metrics_sum')).toEqual([
    {
      ...METRIC_COLUMNS,
      ...NO_EXEMPLARS,
      MetricName: 'my.counter',
      MetricDescription: 'I am a Counter',
      StartTimeUnix: '1544712660300000000',
      Attributes: { 'my.counter.attr': 'some value' },
      Value: 5,
      AggregationTemporality: 1,
      IsMonotonic: true,
    },
  ]);
  expect(rowsOf(result, 'otel_metrics_gauge')).toEqual([
    {
      ...METRIC_COLUMNS,
      ...NO_EXEMPLARS,
      MetricName: 'my.gauge',
      MetricDescription: 'I am a Gauge',
      StartTimeUnix: 0,
      Attributes: { 'my.gauge.attr': 'some value' },
      Value: 10,
    },
  ]);
  expect(rowsOf(result, 'otel_metrics_histogram')).toEqual([
    {
      ...METRIC_COLUMNS,
      ...NO_EXEMPLARS,
      MetricName: 'my.histogram',
      MetricDescription: 'I am a Histogram',
      StartTimeUnix: '1544712660300000000',
      Attributes: { 'my.histogram.attr': 'some value' },
      Count: '2',
      Sum: 2,
      Min: 0,
      Max: 2,
      BucketCounts: ['1', '1'],
      ExplicitBounds: [1],
      AggregationTemporality: 1,
    },
  ]);
  expect(rowsOf(result, 'otel_metrics_exponential_histogram')).toEqual([
    {
      ...METRIC_COLUMNS,
      ...NO_EXEMPLARS,
      MetricName: 'my.exponential.histogram',
      MetricDescription: 'I am an Exponential Histogram',
      StartTimeUnix: '1544712660300000000',
      Attributes: { 'my.exponential.histogram.attr': 'some value' },
      Count: '3',
      Sum: 10,
      Min: 0,
      Max: 5,
      Scale: 0,
      ZeroCount: '1',
      ZeroThreshold: 0,
      PositiveOffset: 1,
      PositiveBucketCounts: ['0', '2'],
      NegativeOffset: 0,
      NegativeBucketCounts: [],
      AggregationTemporality: 1,
    },
  ]);
});

test.each<[string, Signal]>([
  ['trace', 'traces'],
  ['logs', 'logs'],
  ['events', 'logs'],
  ['metrics', 'metrics'],
])('%s.json written as protobuf gives the same rows', (name, signal) => {
  const json = example(name);
  const protobuf = encodeProtobuf(signal, JSON.parse(json.toString()) as JsonRequest);

  const fromProtobuf = transcode(signal, 'protobuf', protobuf, CONTEXT);

  expect(fromProtobuf).toEqual(transcode(signal, 'json', json, CONTEXT));
});
