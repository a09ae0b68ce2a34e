/** Writes OTLP/JSON requests as protobuf, for tests: a second description of the field numbers, apart from the decoder's. */
import type { Signal } from './records.ts';

type Kind =
  | 'string'
  | 'id'
  | 'base64'
  | 'bool'
  | 'varint'
  | 'sint32'
  | 'fixed32'
  | 'fixed64'
  | 'sfixed64'
  | 'double';
type Field = readonly [number: number, kind: Kind | (() => Message)];
type Message = Readonly<Record<string, Field>>;

/** A request in OTLP/JSON form, with the names in lowerCamelCase. */
export type JsonRequest = Record<string, unknown>;

/** The protobuf bytes of a request; fields are written in the order of the object's members. */
export function encodeProtobuf(signal: Signal, request: JsonRequest): Buffer {
  return encodeMessage(requests[signal], request);
}

const anyValue: Message = {
  stringValue: [1, 'string'],
  boolValue: [2, 'bool'],
  intValue: [3, 'varint'],
  doubleValue: [4, 'double'],
  arrayValue: [5, () => ({ values: [1, () => anyValue] })],
  kvlistValue: [6, () => ({ values: [1, () => keyValue] })],
  bytesValue: [7, 'base64'],
};
const keyValue: Message = { key: [1, 'string'], value: [2, () => anyValue] };
const attributes = (number: number): Field => [number, () => keyValue];

const resource: Message = { attributes: attributes(1), droppedAttributesCount: [2, 'varint'] };
const scope: Message = {
  name: [1, 'string'],
  version: [2, 'string'],
  attributes: attributes(3),
  droppedAttributesCount: [4, 'varint'],
};

const span: Message = {
  traceId: [1, 'id'],
  spanId: [2, 'id'],
  traceState: [3, 'string'],
  parentSpanId: [4, 'id'],
  name: [5, 'string'],
  kind: [6, 'varint'],
  startTimeUnixNano: [7, 'fixed64'],
  endTimeUnixNano: [8, 'fixed64'],
  attributes: attributes(9),
  droppedAttributesCount: [10, 'varint'],
  events: [
    11,
    () => ({
      timeUnixNano: [1, 'fixed64'],
      name: [2, 'string'],
      attributes: attributes(3),
      droppedAttributesCount: [4, 'varint'],
    }),
  ],
  droppedEventsCount: [12, 'varint'],
  links: [
    13,
    () => ({
      traceId: [1, 'id'],
      spanId: [2, 'id'],
      traceState: [3, 'string'],
      attributes: attributes(4),
      droppedAttributesCount: [5, 'varint'],
      flags: [6, 'fixed32'],
    }),
  ],
  droppedLinksCount: [14, 'varint'],
  status: [15, () => ({ message: [2, 'string'], code: [3, 'varint'] })],
  flags: [16, 'fixed32'],
};

const logRecord: Message = {
  timeUnixNano: [1, 'fixed64'],
  severityNumber: [2, 'varint'],
  severityText: [3, 'string'],
  body: [5, () => anyValue],
  attributes: attributes(6),
  droppedAttributesCount: [7, 'varint'],
  flags: [8, 'fixed32'],
  traceId: [9, 'id'],
  spanId: [10, 'id'],
  observedTimeUnixNano: [11, 'fixed64'],
  eventName: [12, 'string'],
};

const exemplar: Message = {
  timeUnixNano: [2, 'fixed64'],
  asDouble: [3, 'double'],
  spanId: [4, 'id'],
  traceId: [5, 'id'],
  asInt: [6, 'sfixed64'],
  filteredAttributes: attributes(7),
};
const times: Message = { startTimeUnixNano: [2, 'fixed64'], timeUnixNano: [3, 'fixed64'] };
const numberPoint: Message = {
  ...times,
  asDouble: [4, 'double'],
  exemplars: [5, () => exemplar],
  asInt: [6, 'sfixed64'],
  attributes: attributes(7),
  flags: [8, 'varint'],
};
const histogramPoint: Message = {
  ...times,
  count: [4, 'fixed64'],
  sum: [5, 'double'],
  bucketCounts: [6, 'fixed64'],
  explicitBounds: [7, 'double'],
  exemplars: [8, () => exemplar],
  attributes: attributes(9),
  flags: [10, 'varint'],
  min: [11, 'double'],
  max: [12, 'double'],
};
const buckets: Message = { offset: [1, 'sint32'], bucketCounts: [2, 'varint'] };
const exponentialHistogramPoint: Message = {
  ...times,
  attributes: attributes(1),
  count: [4, 'fixed64'],
  sum: [5, 'double'],
  scale: [6, 'sint32'],
  zeroCount: [7, 'fixed64'],
  positive: [8, () => buckets],
  negative: [9, () => buckets],
  flags: [10, 'varint'],
  exemplars: [11, () => exemplar],
  min: [12, 'double'],
  max: [13, 'double'],
  zeroThreshold: [14, 'double'],
};
const summaryPoint: Message = {
  ...times,
  count: [4, 'fixed64'],
  sum: [5, 'double'],
  quantileValues: [6, () => ({ quantile: [1, 'double'], value: [2, 'double'] })],
  attributes: attributes(7),
  flags: [8, 'varint'],
};
const dataOf = (point: Message): Message => ({
  dataPoints: [1, () => point],
  aggregationTemporality: [2, 'varint'],
  isMonotonic: [3, 'bool'],
});
const metric: Message = {
  name: [1, 'string'],
  description: [2, 'string'],
  unit: [3, 'string'],
  gauge: [5, () => dataOf(numberPoint)],
  sum: [7, () => dataOf(numberPoint)],
  histogram: [9, () => dataOf(histogramPoint)],
  exponentialHistogram: [10, () => dataOf(exponentialHistogramPoint)],
  summary: [11, () => dataOf(summaryPoint)],
  metadata: attributes(12),
};

const requestOf = (resources: string, scopes: string, records: string, record: Message): Message => ({
  [resources]: [
    1,
    () => ({
      resource: [1, () => resource],
      [scopes]: [
        2,
        () => ({ scope: [1, () => scope], [records]: [2, () => record], schemaUrl: [3, 'string'] }),
      ],
      schemaUrl: [3, 'string'],
    }),
  ],
});

const requests: Record<Signal, Message> = {
  traces: requestOf('resourceSpans', 'scopeSpans', 'spans', span),
  logs: requestOf('resourceLogs', 'scopeLogs', 'logRecords', logRecord),
  metrics: requestOf('resourceMetrics', 'scopeMetrics', 'metrics', metric),
};

function encodeMessage(message: Message, value: unknown): Buffer {
  const parts = Object.entries(value as JsonRequest).flatMap(([name, member]) => {
    const field = message[name];
    if (!field) throw new Error(`No field ${name}; add it to the fixture.`);
    return encodeField(field, member);
  });
  return Buffer.concat(parts);
}

function encodeField([number, kind]: Field, value: unknown): Buffer[] {
  if (Array.isArray(value)) {
    if (typeof kind === 'function' || kind === 'string') {
      return value.flatMap((item) => encodeField([number, kind], item));
    }
    return [delimited(number, Buffer.concat(value.map((item) => encodeScalar(kind, item))))];
  }
  if (typeof kind === 'function') return [delimited(number, encodeMessage(kind(), value))];
  const bytes = encodeScalar(kind, value);
  return kind === 'string' || kind === 'id' || kind === 'base64'
    ? [delimited(number, bytes)]
    : [tag(number, WIRE_TYPES[kind]), bytes];
}

const WIRE_TYPES = { bool: 0, varint: 0, sint32: 0, fixed64: 1, sfixed64: 1, double: 1, fixed32: 5 } as const;

function encodeScalar(kind: Kind, value: unknown): Buffer {
  switch (kind) {
    case 'string':
      return Buffer.from(value as string);
    case 'id':
      return Buffer.from(value as string, 'hex');
    case 'base64':
      return Buffer.from(value as string, 'base64');
    case 'bool':
      return Buffer.from([value ? 1 : 0]);
    case 'varint':
      return varint(BigInt(value as string | number));
    case 'sint32': {
      const number = value as number;
      return varint(BigInt(((number << 1) ^ (number >> 31)) >>> 0));
    }
    case 'fixed32':
    case 'fixed64':
    case 'sfixed64':
    case 'double':
      return encodeFixed(kind, value);
  }
}

function encodeFixed(kind: 'fixed32' | 'fixed64' | 'sfixed64' | 'double', value: unknown): Buffer {
  const bytes = Buffer.alloc(kind === 'fixed32' ? 4 : 8);
  if (kind === 'fixed32') bytes.writeUInt32LE(value as number);
  else if (kind === 'double') bytes.writeDoubleLE(Number(value));
  else bytes.writeBigUInt64LE(BigInt.asUintN(64, BigInt(value as string | number)));
  return bytes;
}

/** A length-delimited field: a message, a text, or bytes. */
export function delimited(number: number, bytes: Uint8Array): Buffer {
  return Buffer.concat([tag(number, 2), varint(BigInt(bytes.length)), bytes]);
}

export function tag(number: number, wireType: number): Buffer {
  return varint(BigInt(number * 8 + wireType));
}

export function varint(value: bigint): Buffer {
  const bytes: number[] = [];
  let rest = BigInt.asUintN(64, value);
  for (; rest > 0x7fn; rest >>= 7n) bytes.push(Number(rest & 0x7fn) | 0x80);
  return Buffer.from([...bytes, Number(rest)]);
}
