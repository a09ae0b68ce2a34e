/** A real OTLP/HTTP receiver for tests: takes the JSON encoding and remembers what arrived. */
import { once } from 'node:events';
import http from 'node:http';
import type { AddressInfo } from 'node:net';
import { gunzipSync } from 'node:zlib';

type Attributes = Record<string, unknown>;

export interface ReceivedSpan {
  name: string;
  traceId: string;
  spanId: string;
  parentSpanId: string | undefined;
  startNs: string;
  endNs: string;
  statusCode: number;
  attributes: Attributes;
  events: { name: string; attributes: Attributes }[];
  resource: Attributes;
}

export interface ReceivedEvent {
  eventName: string;
  timeNs: string;
  severityText: string;
  body: unknown;
  traceId: string;
  spanId: string;
  attributes: Attributes;
  resource: Attributes;
}

export interface ReceivedPoint {
  name: string;
  unit: string;
  kind: 'sum' | 'gauge';
  monotonic: boolean | undefined;
  temporality: number | undefined;
  value: number;
  startNs: string;
  timeNs: string;
  attributes: Attributes;
  resource: Attributes;
}

export interface ReceivedRequest {
  path: string;
  headers: http.IncomingHttpHeaders;
  body: Buffer;
  /** Records in it. */
  size: number;
}

/** What to answer to a request before it is looked at; undefined accepts it. */
export type Answer = { status: number; headers?: Record<string, string>; body?: string } | undefined;

export class Receiver implements AsyncDisposable {
  readonly spans: ReceivedSpan[] = [];
  readonly events: ReceivedEvent[] = [];
  readonly points: ReceivedPoint[] = [];
  readonly requests: ReceivedRequest[] = [];
  /** Set it to refuse requests. A refusal with `store` set keeps the data all the same, like a lost answer. */
  answer: (path: string) => (Answer & { store?: boolean }) | undefined = () => undefined;
  readonly #server = http.createServer((request, response) => void this.#take(request, response));
  readonly #watchers = new Set<() => void>();

  static async start(port = 0): Promise<Receiver> {
    const receiver = new Receiver();
    receiver.#server.listen(port, '127.0.0.1');
    await once(receiver.#server, 'listening');
    return receiver;
  }

  get endpoint(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  /** Resolves as soon as the condition holds; looks after every request. */
  async until(condition: () => boolean): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    const look = () => {
      if (condition()) resolve();
    };
    this.#watchers.add(look);
    look();
    await promise;
    this.#watchers.delete(look);
  }

  named(eventName: string): ReceivedEvent[] {
    return this.events.filter((event) => event.eventName === eventName);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.closeAllConnections();
    this.#server.close();
    await once(this.#server, 'close');
  }

  async #take(request: http.IncomingMessage, response: http.ServerResponse): Promise<void> {
    const path = request.url ?? '';
    if (path.includes('/api/v1/')) {
      // Like an ingest without the tracking API.
      request.resume();
      response.writeHead(404).end();
      return;
    }
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const answer = this.answer(path);
    if (answer === undefined || answer.store === true) {
      const body = Buffer.concat(chunks);
      this.#store(
        path,
        request.headers,
        request.headers['content-encoding'] === 'gzip' ? gunzipSync(body) : body,
      );
    }
    const contentType = request.headers['content-type'] ?? '';
    response.writeHead(answer?.status ?? 200, { 'content-type': contentType, ...answer?.headers });
    response.end(answer?.body ?? (contentType === 'application/json' ? '{}' : ''));
    for (const look of this.#watchers) look();
  }

  #store(path: string, headers: http.IncomingHttpHeaders, body: Buffer): void {
    const before = this.spans.length + this.events.length + this.points.length;
    if (headers['content-type'] === 'application/json') this.#decode(JSON.parse(body.toString()));
    const size = this.spans.length + this.events.length + this.points.length - before;
    this.requests.push({ path, headers, body, size });
  }

  #decode(message: OtlpMessage): void {
    for (const { resource, scopeSpans } of message.resourceSpans ?? []) {
      const from = toAttributes(resource.attributes);
      for (const { spans } of scopeSpans) for (const span of spans) this.spans.push(toSpan(span, from));
    }
    for (const { resource, scopeLogs } of message.resourceLogs ?? []) {
      const from = toAttributes(resource.attributes);
      for (const { logRecords } of scopeLogs)
        for (const record of logRecords) this.events.push(toEvent(record, from));
    }
    for (const { resource, scopeMetrics } of message.resourceMetrics ?? []) {
      const from = toAttributes(resource.attributes);
      for (const { metrics } of scopeMetrics)
        for (const metric of metrics) this.points.push(...toPoints(metric, from));
    }
  }
}

interface OtlpValue {
  stringValue?: string;
  intValue?: number | string;
  doubleValue?: number;
  boolValue?: boolean;
  arrayValue?: { values: OtlpValue[] };
}
type OtlpAttributes = { key: string; value: OtlpValue }[];
interface OtlpSpan {
  name: string;
  traceId: string;
  spanId: string;
  parentSpanId?: string;
  startTimeUnixNano: string;
  endTimeUnixNano: string;
  status: { code: number };
  attributes: OtlpAttributes;
  events: { name: string; attributes: OtlpAttributes }[];
}
interface OtlpRecord {
  eventName?: string;
  timeUnixNano: string;
  severityText: string;
  body?: OtlpValue;
  traceId: string;
  spanId: string;
  attributes: OtlpAttributes;
}
interface OtlpPoint {
  asDouble: number;
  startTimeUnixNano: string;
  timeUnixNano: string;
  attributes: OtlpAttributes;
}
interface OtlpMetric {
  name: string;
  unit?: string;
  sum?: { dataPoints: OtlpPoint[]; isMonotonic: boolean; aggregationTemporality: number };
  gauge?: { dataPoints: OtlpPoint[] };
}
interface OtlpResource {
  attributes: OtlpAttributes;
}
interface OtlpMessage {
  resourceSpans?: { resource: OtlpResource; scopeSpans: { spans: OtlpSpan[] }[] }[];
  resourceLogs?: { resource: OtlpResource; scopeLogs: { logRecords: OtlpRecord[] }[] }[];
  resourceMetrics?: { resource: OtlpResource; scopeMetrics: { metrics: OtlpMetric[] }[] }[];
}

function toSpan(span: OtlpSpan, resource: Attributes): ReceivedSpan {
  return {
    name: span.name,
    traceId: span.traceId,
    spanId: span.spanId,
    parentSpanId: span.parentSpanId,
    startNs: span.startTimeUnixNano,
    endNs: span.endTimeUnixNano,
    statusCode: span.status.code,
    attributes: toAttributes(span.attributes),
    events: span.events.map(({ name, attributes }) => ({ name, attributes: toAttributes(attributes) })),
    resource,
  };
}

function toEvent(record: OtlpRecord, resource: Attributes): ReceivedEvent {
  return {
    eventName: record.eventName ?? '',
    timeNs: record.timeUnixNano,
    severityText: record.severityText,
    body: record.body === undefined ? undefined : toValue(record.body),
    traceId: record.traceId,
    spanId: record.spanId,
    attributes: toAttributes(record.attributes),
    resource,
  };
}

function toPoints({ name, unit = '', sum, gauge }: OtlpMetric, resource: Attributes): ReceivedPoint[] {
  return (sum?.dataPoints ?? gauge?.dataPoints ?? []).map((point) => ({
    name,
    unit,
    kind: sum === undefined ? 'gauge' : 'sum',
    monotonic: sum?.isMonotonic,
    temporality: sum?.aggregationTemporality,
    value: point.asDouble,
    startNs: point.startTimeUnixNano,
    timeNs: point.timeUnixNano,
    attributes: toAttributes(point.attributes),
    resource,
  }));
}

function toAttributes(attributes: OtlpAttributes): Attributes {
  return Object.fromEntries(attributes.map(({ key, value }) => [key, toValue(value)]));
}

function toValue(value: OtlpValue): unknown {
  if (value.arrayValue !== undefined) return value.arrayValue.values.map(toValue);
  if (value.intValue !== undefined) return Number(value.intValue);
  return value.stringValue ?? value.doubleValue ?? value.boolValue;
}
