/** Generates OTLP requests of every shape for property tests, as OTLP/JSON objects. */
import * as fc from 'fast-check';
import type { JsonRequest } from '../otlp/protobuf-request.fixture.ts';
import type { Signal } from '../otlp/records.ts';

const string = fc.string({ unit: 'binary', maxLength: 12 });
const uint32 = fc.nat({ max: 0xffffffff });
const int32 = fc.integer();
const digits = (min: bigint, max: bigint) => fc.bigInt({ min, max }).map(String);
const uint64 = digits(0n, 2n ** 64n - 1n);
const int64 = digits(-(2n ** 63n), 2n ** 63n - 1n);
const time = digits(1n, 2n ** 63n - 1n);
const double = fc.double().map((value) => {
  if (Object.is(value, -0)) return '-0';
  return Number.isFinite(value) ? value : String(value);
});
const hex = (length: number) =>
  fc
    .array(
      fc.nat({ max: 15 }).map((digit) => digit.toString(16)),
      { minLength: length - 1, maxLength: length - 1 },
    )
    .map((letters) => `1${letters.join('')}`);
const optional = (model: Record<string, fc.Arbitrary<unknown>>, requiredKeys: string[] = []) =>
  fc.record(model, { requiredKeys, noNullPrototype: true });

const { value: anyValue } = fc.letrec<{ value: unknown }>((tie) => ({
  value: fc.oneof(
    { depthSize: 'small', withCrossShrink: true },
    fc.record({ stringValue: string }),
    fc.record({ boolValue: fc.boolean() }),
    fc.record({ intValue: int64 }),
    fc.record({ doubleValue: double }),
    fc.record({
      bytesValue: fc.uint8Array({ maxLength: 8 }).map((bytes) => Buffer.from(bytes).toString('base64')),
    }),
    fc.constant({}),
    fc.record({ arrayValue: fc.record({ values: fc.array(tie('value'), { maxLength: 3 }) }) }),
    fc.record({
      kvlistValue: fc.record({
        values: fc.array(fc.record({ key: string, value: tie('value') }), { maxLength: 3 }),
      }),
    }),
  ),
}));
const key = fc.string({ unit: 'binary', minLength: 1, maxLength: 12 });
const attributes = fc.array(fc.record({ key, value: anyValue }), { maxLength: 4 });

const span = optional(
  {
    traceId: hex(32),
    spanId: hex(16),
    parentSpanId: hex(16),
    traceState: string,
    name: string,
    kind: fc.nat({ max: 6 }),
    startTimeUnixNano: time,
    endTimeUnixNano: time,
    attributes,
    droppedAttributesCount: uint32,
    events: fc.array(
      optional({ timeUnixNano: time, name: string, attributes, droppedAttributesCount: uint32 }),
      {
        maxLength: 2,
      },
    ),
    droppedEventsCount: uint32,
    links: fc.array(
      optional({
        traceId: hex(32),
        spanId: hex(16),
        traceState: string,
        attributes,
        droppedAttributesCount: uint32,
        flags: uint32,
      }),
      { maxLength: 2 },
    ),
    droppedLinksCount: uint32,
    status: optional({ code: fc.nat({ max: 3 }), message: string }),
    flags: uint32,
  },
  ['traceId', 'spanId', 'startTimeUnixNano', 'endTimeUnixNano'],
);

const log = optional({
  timeUnixNano: time,
  observedTimeUnixNano: time,
  severityNumber: fc.nat({ max: 24 }),
  severityText: string,
  eventName: string,
  body: anyValue,
  attributes,
  droppedAttributesCount: uint32,
  flags: uint32,
  traceId: hex(32),
  spanId: hex(16),
});

const value = fc.oneof(fc.record({ asInt: int64 }), fc.record({ asDouble: double }));
const exemplar = fc
  .tuple(
    optional({ filteredAttributes: attributes, timeUnixNano: time, traceId: hex(32), spanId: hex(16) }),
    value,
  )
  .map(([fields, number]) => ({ ...fields, ...number }));
const pointFields = { attributes, startTimeUnixNano: time, timeUnixNano: time, flags: fc.constantFrom(0, 2) };
const exemplars = fc.array(exemplar, { maxLength: 2 });
const numberPoint = fc
  .tuple(optional({ ...pointFields, exemplars }, ['timeUnixNano']), value)
  .map(([fields, number]) => ({ ...fields, ...number }));
const distribution = { ...pointFields, exemplars, count: uint64, sum: double, min: double, max: double };
const histogramPoint = fc.nat({ max: 4 }).chain((bounds) =>
  optional(
    {
      ...distribution,
      bucketCounts: fc.array(uint64, { minLength: bounds + 1, maxLength: bounds + 1 }),
      explicitBounds: fc.array(double, { minLength: bounds, maxLength: bounds }),
    },
    ['timeUnixNano', 'bucketCounts', 'explicitBounds'],
  ),
);
const buckets = optional({ offset: int32, bucketCounts: fc.array(uint64, { maxLength: 3 }) });
const exponentialHistogramPoint = optional(
  {
    ...distribution,
    scale: int32,
    zeroCount: uint64,
    zeroThreshold: double,
    positive: buckets,
    negative: buckets,
  },
  ['timeUnixNano'],
);
const summaryPoint = optional(
  {
    ...pointFields,
    count: uint64,
    sum: double,
    quantileValues: fc.array(optional({ quantile: double, value: double }), { maxLength: 3 }),
  },
  ['timeUnixNano'],
);
const data = (point: fc.Arbitrary<unknown>, model: Record<string, fc.Arbitrary<unknown>> = {}) =>
  optional({ dataPoints: fc.array(point, { minLength: 1, maxLength: 2 }), ...model }, ['dataPoints']);
const temporality = { aggregationTemporality: fc.nat({ max: 2 }) };
const metric = fc
  .tuple(
    optional({ name: key, description: string, unit: string, metadata: attributes }, ['name']),
    fc.oneof(
      fc.record({ gauge: data(numberPoint) }),
      fc.record({ sum: data(numberPoint, { ...temporality, isMonotonic: fc.boolean() }) }),
      fc.record({ histogram: data(histogramPoint, temporality) }),
      fc.record({ exponentialHistogram: data(exponentialHistogramPoint, temporality) }),
      fc.record({ summary: data(summaryPoint) }),
    ),
  )
  .map(([fields, kind]) => ({ ...fields, ...kind }));

const listOf = (item: fc.Arbitrary<unknown>) => fc.array(item, { minLength: 1, maxLength: 3 });
const requestOf = (
  names: [resources: string, scopes: string, records: string],
  record: fc.Arbitrary<unknown>,
) => {
  const [resourcesName, scopesName, recordsName] = names;
  const scope = optional({ name: string, version: string, attributes, droppedAttributesCount: uint32 });
  const group = optional({ scope, schemaUrl: string, [recordsName]: listOf(record) }, [recordsName]);
  const resource = optional({ attributes });
  const groups = optional({ resource, schemaUrl: string, [scopesName]: listOf(group) }, [scopesName]);
  return fc.record({ [resourcesName]: listOf(groups) }) as fc.Arbitrary<JsonRequest>;
};

/** Requests that hold nothing to refuse. */
export const REQUESTS: Record<Signal, fc.Arbitrary<JsonRequest>> = {
  traces: requestOf(['resourceSpans', 'scopeSpans', 'spans'], span),
  logs: requestOf(['resourceLogs', 'scopeLogs', 'logRecords'], log),
  metrics: requestOf(['resourceMetrics', 'scopeMetrics', 'metrics'], metric),
};
