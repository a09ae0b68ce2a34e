import {
  SpanKind,
  SpanStatusCode,
  TraceFlags,
  ValueType,
  type Attributes,
  type HrTime,
} from '@opentelemetry/api';
import { TraceState } from '@opentelemetry/core';
import {
  ProtobufLogsSerializer,
  ProtobufMetricsSerializer,
  ProtobufTraceSerializer,
} from '@opentelemetry/otlp-transformer';
import { resourceFromAttributes } from '@opentelemetry/resources';
import type { ReadableLogRecord } from '@opentelemetry/sdk-logs';
import { AggregationTemporality, DataPointType, type ResourceMetrics } from '@opentelemetry/sdk-metrics';
import type { ReadableSpan } from '@opentelemetry/sdk-trace';
import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { Stamp, STAMP, withStamp } from '../../otel/stamp.ts';
import { encodeLogs, encodePoints, encodeSpans } from './encode-request.ts';

const hex = (length: number) =>
  fc.string({
    unit: fc.constantFrom(...Array.from('0123456789abcdef')),
    minLength: length,
    maxLength: length,
  });
const time = fc.tuple(fc.integer({ min: 0, max: 9_000_000_000 }), fc.integer({ min: 0, max: 999_999_999 }));
const text = fc.oneof(
  fc.string(),
  fc.string({ unit: 'grapheme', maxLength: 200 }),
  fc.string({ minLength: 100, maxLength: 300 }),
);
const value = fc.oneof(
  text,
  fc.boolean(),
  fc.integer(),
  fc.maxSafeInteger(),
  fc.double(),
  fc.array(text, { maxLength: 5 }),
  fc.array(fc.double(), { maxLength: 5 }),
);
// Names that JavaScript takes for array indices change their place in an object, in both encoders alike.
const attributes = fc.dictionary(text, value, { maxKeys: 20, noNullPrototype: true });
const resource = attributes.map((given) => resourceFromAttributes(given));
const scope = fc.record({ name: text, version: fc.option(text, { nil: undefined }) });
const traceFlags = fc.constantFrom(TraceFlags.NONE, TraceFlags.SAMPLED);
const spanContext = fc.record({
  traceId: hex(32),
  spanId: hex(16),
  traceFlags,
  traceState: fc.option(fc.constant(new TraceState('a=1,b=2')), { nil: undefined }),
  isRemote: fc.boolean(),
});
const count = fc.nat({ max: 300 });

const span = fc
  .record({
    context: spanContext,
    parentSpanContext: fc.option(spanContext, { nil: undefined }),
    name: text,
    kind: fc.constantFrom(SpanKind.INTERNAL, SpanKind.CLIENT, SpanKind.CONSUMER),
    startTime: time,
    endTime: time,
    attributes,
    droppedAttributesCount: count,
    events: fc.array(fc.record({ time, name: text, attributes }), { maxLength: 3 }),
    droppedEventsCount: count,
    links: fc.array(fc.record({ context: spanContext, attributes }), { maxLength: 2 }),
    droppedLinksCount: count,
    status: fc.record({
      code: fc.constantFrom(SpanStatusCode.UNSET, SpanStatusCode.OK, SpanStatusCode.ERROR),
      message: fc.option(text, { nil: undefined }),
    }),
  })
  .map(({ context, ...rest }) => ({ ...rest, spanContext: () => context }));

const record = fc.record({
  hrTime: time,
  hrTimeObserved: time,
  severityNumber: fc.option(fc.integer({ min: 0, max: 24 }), { nil: undefined }),
  severityText: fc.option(text, { nil: undefined }),
  body: fc.option(fc.oneof(value, attributes), { nil: undefined }),
  attributes,
  droppedAttributesCount: count,
  spanContext: fc.option(spanContext, { nil: undefined }),
  eventName: fc.option(text, { nil: undefined }),
});

function underSources<Record>(records: fc.Arbitrary<Record>) {
  return fc
    .tuple(
      fc.array(resource, { minLength: 1, maxLength: 2 }),
      fc.array(scope, { minLength: 1, maxLength: 2 }),
    )
    .chain(([resources, scopes]) =>
      fc.array(
        fc
          .tuple(records, fc.constantFrom(...resources), fc.constantFrom(...scopes))
          .map(([one, from, by]) => ({ ...one, resource: from, instrumentationScope: by })),
        { minLength: 1, maxLength: 6 },
      ),
    );
}

test('spans become the same bytes as with the stock serializer', () => {
  fc.assert(
    fc.property(underSources(span), (spans) => {
      const given = spans as unknown as ReadableSpan[];
      expect(Buffer.from(encodeSpans(given))).toEqual(
        Buffer.from(ProtobufTraceSerializer.serializeRequest(given)!),
      );
    }),
  );
});

test('log records become the same bytes as with the stock serializer', () => {
  fc.assert(
    fc.property(underSources(record), (records) => {
      const given = records as unknown as ReadableLogRecord[];
      expect(Buffer.from(encodeLogs(given))).toEqual(
        Buffer.from(ProtobufLogsSerializer.serializeRequest(given)!),
      );
    }),
  );
});

test('sums and gauges become the same bytes as with the stock serializer', () => {
  const metric = fc.record({
    descriptor: fc.record({
      name: text,
      description: fc.constant(''),
      unit: fc.oneof(fc.constant(''), text),
      valueType: fc.constant(ValueType.DOUBLE),
    }),
    aggregationTemporality: fc.constant(AggregationTemporality.CUMULATIVE),
    dataPointType: fc.constantFrom(DataPointType.SUM, DataPointType.GAUGE),
    isMonotonic: fc.boolean(),
    dataPoints: fc.array(fc.record({ startTime: time, endTime: time, value: fc.double(), attributes }), {
      maxLength: 5,
    }),
  });
  fc.assert(
    fc.property(resource, scope, fc.array(metric, { maxLength: 4 }), (from, by, metrics) => {
      const given = { resource: from, scopeMetrics: [{ scope: by, metrics }] } as unknown as ResourceMetrics;
      expect(Buffer.from(encodePoints(given))).toEqual(
        Buffer.from(ProtobufMetricsSerializer.serializeRequest(given)!),
      );
    }),
  );
});

const name = fc.constantFrom('run', 'client', 'step', 'kind', 'note');
const few = fc.dictionary(name, value, { noNullPrototype: true });
const stamp = fc
  .tuple(few, fc.array(few, { maxLength: 3 }))
  .map(([first, further]) => further.reduce(stampWithin, new Stamp(first)));

function stampWithin(base: Stamp, given: Attributes): Stamp {
  return new Stamp(Object.fromEntries(Object.entries(given).filter(([key]) => !base.has(key))), base);
}

test('records with stamps become the same bytes as with all their attributes copied onto them', () => {
  const records = fc
    .array(stamp, { minLength: 1, maxLength: 3 })
    .chain((stamps) => fc.array(fc.tuple(record, few, fc.constantFrom(...stamps)), { maxLength: 9 }));
  fc.assert(
    fc.property(resource, scope, records, (from, by, drawn) => {
      const given = drawn.map(([one, own, stamped]) => ({
        ...one,
        attributes: own,
        resource: from,
        instrumentationScope: by,
        [STAMP]: stamped,
      })) as unknown as ReadableLogRecord[];
      const whole = given.map(withStamp);
      for (const each of [1, 2]) {
        expect(Buffer.from(encodeLogs(given)), `request ${each}`).toEqual(
          Buffer.from(ProtobufLogsSerializer.serializeRequest(whole) ?? []),
        );
      }
    }),
  );
});

test('more stamps than an encoder keeps, and longer ones, are written all the same', () => {
  const stamps = Array.from(
    { length: 4_000 },
    (_, index) =>
      new Stamp({ client: 'c'.repeat(index % 1_000 === 0 ? 20_000 : 150), index, job: 'nightly' }),
  );
  const from = resourceFromAttributes({ 'service.name': 'bench' });
  const given = Array.from({ length: 9_000 }, (_, index) => ({
    hrTime: [1_764_079_200, index],
    hrTimeObserved: [1_764_079_200, index],
    attributes: { sequence: index },
    droppedAttributesCount: 0,
    resource: from,
    instrumentationScope: { name: 'bench' },
    [STAMP]: stamps[(index * 7) % stamps.length],
  })) as unknown as ReadableLogRecord[];
  const bytes = Buffer.from(encodeLogs(given));
  expect(bytes.equals(Buffer.from(ProtobufLogsSerializer.serializeRequest(given.map(withStamp))!))).toBe(
    true,
  );
});

test('what an attribute named __proto__ brings along is not taken for attributes', () => {
  const given: Record<string, string> = { name: 'value' };
  // What happens to a name that comes from outside.
  Reflect.set(given, '__proto__', { inherited: 'from nowhere' });
  const line = {
    hrTime: [0, 0],
    hrTimeObserved: [0, 0],
    attributes: given,
    droppedAttributesCount: 0,
    resource: resourceFromAttributes({}),
    instrumentationScope: { name: 'bench' },
  } as unknown as ReadableLogRecord;
  const bytes = Buffer.from(encodeLogs([line]));
  expect(bytes.equals(Buffer.from(ProtobufLogsSerializer.serializeRequest([line])!))).toBe(true);
  expect(bytes.includes('inherited')).toBe(false);
});

test('a request that outgrows every buffer is whole', () => {
  const long: HrTime = [1_764_079_200, 1];
  const from = resourceFromAttributes({ 'service.name': 'bench' });
  const records = Array.from({ length: 5_000 }, (_, index) => ({
    hrTime: long,
    hrTimeObserved: long,
    body: 'x'.repeat(index % 700),
    attributes: { index, name: `name ${index}`, negative: -index },
    droppedAttributesCount: 0,
    resource: from,
    instrumentationScope: { name: 'bench' },
  })) as unknown as ReadableLogRecord[];
  expect(
    Buffer.from(encodeLogs(records)).equals(Buffer.from(ProtobufLogsSerializer.serializeRequest(records)!)),
  ).toBe(true);
});
