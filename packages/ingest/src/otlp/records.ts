/** Describes OTLP telemetry as plain objects: the same ones whether it came as protobuf or as JSON. */

/** An OTLP `AnyValue`: `bigint` is an int, `number` a double, a `Map` a key-value list, `null` an empty value. */
export type AnyValue = string | boolean | bigint | number | Uint8Array | AnyValue[] | Attributes | null;

/** Attributes in the order of their first appearance; of a key that comes twice the last value stays. */
export type Attributes = Map<string, AnyValue>;

/** What a group of records has in common. */
export interface Origin {
  resource: Resource;
  resourceSchemaUrl: string;
  scope: Scope;
  scopeSchemaUrl: string;
}

export interface Resource {
  attributes: Attributes;
}

export interface Scope {
  name: string;
  version: string;
  attributes: Attributes;
  droppedAttributesCount: number;
}

/** Times are nanoseconds since 1970, 0 where absent. IDs are lower-case hex, empty where absent. */
export interface Span {
  traceId: string;
  spanId: string;
  parentSpanId: string;
  traceState: string;
  flags: number;
  name: string;
  kind: number;
  startNs: bigint;
  endNs: bigint;
  attributes: Attributes;
  droppedAttributesCount: number;
  events: SpanEvent[];
  droppedEventsCount: number;
  links: SpanLink[];
  droppedLinksCount: number;
  statusCode: number;
  statusMessage: string;
}

export interface SpanEvent {
  timeNs: bigint;
  name: string;
  attributes: Attributes;
  droppedAttributesCount: number;
}

export interface SpanLink {
  traceId: string;
  spanId: string;
  traceState: string;
  attributes: Attributes;
  droppedAttributesCount: number;
  flags: number;
}

export interface LogRecord {
  timeNs: bigint;
  observedNs: bigint;
  severityNumber: number;
  severityText: string;
  eventName: string;
  body: AnyValue;
  attributes: Attributes;
  droppedAttributesCount: number;
  flags: number;
  traceId: string;
  spanId: string;
}

/** A metric without its points. */
export interface Metric {
  name: string;
  description: string;
  unit: string;
  metadata: Attributes;
  /** 0 unspecified, 1 delta, 2 cumulative; 0 for the kinds that have none. */
  temporality: number;
  isMonotonic: boolean;
}

/** One point of a metric. */
export type MetricPoint = NumberPoint | HistogramPoint | ExponentialHistogramPoint | SummaryPoint;

interface PointBase {
  attributes: Attributes;
  startNs: bigint;
  timeNs: bigint;
  flags: number;
}

export interface NumberPoint extends PointBase {
  kind: 'gauge' | 'sum';
  /** `bigint` where the sender said int, `null` where it said nothing. */
  value: number | bigint | null;
  exemplars: Exemplar[];
}

export interface HistogramPoint extends PointBase {
  kind: 'histogram';
  count: bigint;
  sum: number | null;
  min: number | null;
  max: number | null;
  bucketCounts: bigint[];
  explicitBounds: number[];
  exemplars: Exemplar[];
}

export interface ExponentialHistogramPoint extends PointBase {
  kind: 'exponential_histogram';
  count: bigint;
  sum: number | null;
  min: number | null;
  max: number | null;
  scale: number;
  zeroCount: bigint;
  zeroThreshold: number;
  positive: Buckets;
  negative: Buckets;
  exemplars: Exemplar[];
}

export interface Buckets {
  offset: number;
  counts: bigint[];
}

export interface SummaryPoint extends PointBase {
  kind: 'summary';
  count: bigint;
  sum: number;
  quantiles: { quantile: number; value: number }[];
}

export interface Exemplar {
  attributes: Attributes;
  timeNs: bigint;
  value: number | bigint | null;
  traceId: string;
  spanId: string;
}

/** The record of each signal; a metric's record is one point, with the metric that it belongs to. */
export interface SignalRecords {
  traces: Span;
  logs: LogRecord;
  metrics: { metric: Metric; point: MetricPoint };
}

export type Signal = keyof SignalRecords;
