/** Walks an OTLP/JSON export request down to its records: resources, their scopes, the records of each. */
import { encodeMetric, type PointWriter } from '../rows/metric-writer.ts';
import type { EncodedOrigin } from '../rows/origin-columns.ts';
import type { Writers } from '../rows/writers.ts';
import { missingKind } from './check-metric.ts';
import { contain, type Fault, MalformedBody, RecordError } from './fault.ts';
import { describeJson } from './json-body.ts';
import { walkJsonLogRecord } from './json-logs.ts';
import { FieldNames } from './json-names.ts';
import {
  walkJsonExponentialHistogramPoint,
  walkJsonHistogramPoint,
  walkJsonNumberPoint,
  walkJsonSummaryPoint,
} from './json-points.ts';
import { walkJsonSpan } from './json-spans.ts';
import { type JsonTape, KIND } from './json-tape.ts';
import { bool, checkObject, int32, listToken, objectToken, textToken } from './json-tokens.ts';
import { attributesOf, toResource, toScope } from './json-values.ts';
import { faultOf, type RecordWriter } from './protobuf-records.ts';
import type { Metric, Origin, Signal } from './records.ts';
import type { Request } from './request.ts';

/** The fields that differ between the signals. */
const REQUESTS = {
  traces: new FieldNames(['resourceSpans']),
  logs: new FieldNames(['resourceLogs']),
  metrics: new FieldNames(['resourceMetrics']),
} as const;
const RESOURCE_GROUPS = {
  traces: new FieldNames(['scopeSpans', 'resource', 'schemaUrl']),
  logs: new FieldNames(['scopeLogs', 'resource', 'schemaUrl']),
  metrics: new FieldNames(['scopeMetrics', 'resource', 'schemaUrl']),
} as const;
const SCOPE_GROUPS = {
  traces: new FieldNames(['spans', 'scope', 'schemaUrl']),
  logs: new FieldNames(['logRecords', 'scope', 'schemaUrl']),
  metrics: new FieldNames(['metrics', 'scope', 'schemaUrl']),
} as const;

/** What to do with the records of a request. */
interface RecordVisitor {
  begin(origin: EncodedOrigin): void;
  read(record: number, origin: EncodedOrigin): void;
  end(origin: EncodedOrigin): void;
  /** Called instead where the resource or the scope is faulty, so that every record is accounted for. */
  refuse(record: number, fault: Fault): void;
}

/** Walks every record of `body`; throws `MalformedBody` where the body is not OTLP. */
export function walkJsonRequest(
  signal: Signal,
  body: Uint8Array,
  request: Request,
  writers: Writers,
  tape: JsonTape,
): void {
  tape.parse(body, writers.show(body));
  if (tape.kinds[0] !== KIND.OBJECT) {
    throw new MalformedBody(`Not OTLP/JSON: the body is ${describeJson(tape.value(0))}; send an object.`);
  }
  const visitor = visitorOf(signal, tape, request, writers);
  try {
    walkBody(signal, tape, request, visitor);
  } catch (error) {
    // What is wrong inside a record was contained there: this is the frame around the records.
    if (error instanceof RecordError) throw new MalformedBody(error.message, { cause: error });
    throw error;
  } finally {
    tape.release();
  }
}

function visitorOf(signal: Signal, tape: JsonTape, request: Request, writers: Writers): RecordVisitor {
  if (signal === 'traces') return new RecordWalker(tape, request, writers.span, walkJsonSpan);
  if (signal === 'logs') return new RecordWalker(tape, request, writers.log, walkJsonLogRecord);
  return new MetricWalker(tape, request, writers);
}

function walkBody(signal: Signal, tape: JsonTape, request: Request, visitor: RecordVisitor): void {
  const fields = REQUESTS[signal];
  fields.collect(tape, 0);
  const groups = listToken(tape, fields, 0);
  if (groups === 0) return checkSignal(tape, fields.names[0] ?? '');
  const end = tape.nexts[groups] as number;
  for (let group = groups + 1; group < end; group = tape.nexts[group] as number) {
    checkObject(tape, group, fields.names[0] ?? '');
    walkResourceGroup(signal, group, tape, request, visitor);
  }
}

/** Telemetry of another signal would otherwise pass as an empty request, and be lost without a word. */
function checkSignal(tape: JsonTape, wanted: string): void {
  const end = tape.nexts[0] as number;
  for (let key = 1; key < end; key = tape.nexts[key + 1] as number) {
    // A null of the wanted name is an absent one.
    if (tape.kinds[key + 1] === KIND.NULL) continue;
    const other = JSON.stringify(tape.string(key).slice(0, 60));
    throw new MalformedBody(`Not OTLP/JSON for this path: found ${other}; send ${wanted}.`);
  }
}

function walkResourceGroup(
  signal: Signal,
  group: number,
  tape: JsonTape,
  request: Request,
  visitor: RecordVisitor,
): void {
  const fields = RESOURCE_GROUPS[signal];
  fields.collect(tape, group);
  const head = contain(() => {
    const resource = objectToken(tape, fields, 1);
    return {
      resource: toResource(resource === 0 ? {} : tape.object(resource)),
      resourceSchemaUrl: text(tape, textToken(tape, fields, 2)),
    };
  });
  const groups = listToken(tape, fields, 0);
  if (groups === 0) return;
  const end = tape.nexts[groups] as number;
  for (let item = groups + 1; item < end; item = tape.nexts[item] as number) {
    checkObject(tape, item, fields.names[0] ?? '');
    walkScopeGroup(signal, item, head, tape, request, visitor);
  }
}

function walkScopeGroup(
  signal: Signal,
  group: number,
  head: { item: Pick<Origin, 'resource' | 'resourceSchemaUrl'> } | { fault: Fault },
  tape: JsonTape,
  request: Request,
  visitor: RecordVisitor,
): void {
  const fields = SCOPE_GROUPS[signal];
  fields.collect(tape, group);
  const decoded = 'fault' in head ? head : contain(() => toOrigin(tape, fields, head.item));
  const origin = 'fault' in decoded ? decoded : request.origins.of(decoded.item);
  const records = listToken(tape, fields, 0);
  if (records === 0) return;
  const end = tape.nexts[records] as number;
  if ('item' in origin) visitor.begin(origin.item);
  for (let record = records + 1; record < end; record = tape.nexts[record] as number) {
    if ('fault' in origin) visitor.refuse(record, origin.fault);
    else visitor.read(record, origin.item);
  }
  if ('item' in origin) visitor.end(origin.item);
}

function toOrigin(
  tape: JsonTape,
  fields: (typeof SCOPE_GROUPS)[Signal],
  head: Pick<Origin, 'resource' | 'resourceSchemaUrl'>,
): Origin {
  const scope = objectToken<string>(tape, fields, 1);
  return {
    ...head,
    scope: toScope(scope === 0 ? {} : tape.object(scope)),
    scopeSchemaUrl: text(tape, textToken<string>(tape, fields, 2)),
  };
}

function text(tape: JsonTape, token: number): string {
  return token === 0 ? '' : tape.string(token);
}

/** Spans and log records. */
class RecordWalker<Writer extends RecordWriter> implements RecordVisitor {
  readonly #tape: JsonTape;
  readonly #request: Request;
  readonly #writer: Writer;
  readonly #walk: (tape: JsonTape, token: number, writer: Writer) => void;
  #firstRow = 0;

  constructor(
    tape: JsonTape,
    request: Request,
    writer: Writer,
    walk: (tape: JsonTape, token: number, writer: Writer) => void,
  ) {
    this.#tape = tape;
    this.#request = request;
    this.#writer = writer;
    this.#walk = walk;
  }

  begin(): void {
    this.#firstRow = this.#writer.rows;
  }

  read(record: number, origin: EncodedOrigin): void {
    const { tally, receivedAtMs } = this.#request;
    if (tally.closed) return tally.refuse(tally.closed);
    try {
      checkObject(this.#tape, record, 'record');
      this.#walk(this.#tape, record, this.#writer);
      this.#writer.write(this.#tape, origin, receivedAtMs);
    } catch (error) {
      this.#writer.undoRecord();
      tally.refuse(faultOf(error));
      return;
    }
    tally.accept();
  }

  end(origin: EncodedOrigin): void {
    this.#writer.origin.fill(origin, this.#writer.rows - this.#firstRow);
  }

  refuse(_record: number, fault: Fault): void {
    this.#request.tally.refuse(fault);
  }
}

const METRIC = new FieldNames([
  'gauge',
  'sum',
  'histogram',
  'exponentialHistogram',
  'summary',
  'name',
  'description',
  'unit',
  'metadata',
]);
const KINDS = 5;
const DATA = new FieldNames(['dataPoints', 'aggregationTemporality', 'isMonotonic']);

interface MetricData {
  readonly metric: Metric;
  readonly kind: number;
  /** Token of the list of points, 0 where absent. */
  readonly points: number;
}

class MetricWalker implements RecordVisitor {
  readonly #tape: JsonTape;
  readonly #request: Request;
  readonly #writers: Writers;
  readonly #walks: readonly ((token: number) => void)[];
  #firstRows: readonly number[] = [];

  constructor(tape: JsonTape, request: Request, writers: Writers) {
    const { gauge, sum, histogram, exponentialHistogram, summary } = writers;
    this.#tape = tape;
    this.#request = request;
    this.#writers = writers;
    this.#walks = [
      (token) => walkJsonNumberPoint(tape, token, gauge),
      (token) => walkJsonNumberPoint(tape, token, sum),
      (token) => walkJsonHistogramPoint(tape, token, histogram),
      (token) => walkJsonExponentialHistogramPoint(tape, token, exponentialHistogram),
      (token) => walkJsonSummaryPoint(tape, token, summary),
    ];
  }

  begin(): void {
    this.#firstRows = this.#writers.points.map(({ rows }) => rows);
  }

  read(token: number, origin: EncodedOrigin): void {
    const data = contain(() => this.#toMetric(token));
    if ('fault' in data) return this.refuse(token, data.fault);
    const { metric, kind, points } = data.item;
    const writer = this.#writers.points[kind] as PointWriter;
    const encoded = encodeMetric(metric);
    const firstRow = writer.rows;
    const end = points === 0 ? 0 : (this.#tape.nexts[points] as number);
    for (let point = points + 1; point < end; point = this.#tape.nexts[point] as number) {
      this.#readPoint(point, kind, writer, (receivedAtMs) =>
        writer.write(this.#tape, encoded, origin, receivedAtMs),
      );
    }
    writer.fillMetric(encoded, writer.rows - firstRow);
  }

  end(origin: EncodedOrigin): void {
    this.#writers.points.forEach((writer, index) => {
      writer.origin.fill(origin, writer.rows - (this.#firstRows[index] ?? 0));
    });
  }

  /** Counts the points of a metric that cannot be kept; a metric without points counts as one. */
  refuse(token: number, fault: Fault): void {
    const tape = this.#tape;
    let count = 0;
    if (tape.kinds[token] === KIND.OBJECT) {
      METRIC.collect(tape, token);
      for (let kind = 0; kind < KINDS; kind++) count += this.#countPoints(METRIC.token(kind));
    }
    this.#request.tally.refuse(fault, Math.max(count, 1));
  }

  #readPoint(point: number, kind: number, writer: PointWriter, write: (receivedAtMs: number) => void): void {
    const { tally, receivedAtMs } = this.#request;
    if (tally.closed) return tally.refuse(tally.closed);
    try {
      checkObject(this.#tape, point, 'dataPoints');
      this.#walks[kind]?.(point);
      write(receivedAtMs);
    } catch (error) {
      writer.undoRecord();
      tally.refuse(faultOf(error));
      return;
    }
    tally.accept();
  }

  #toMetric(token: number): MetricData {
    const tape = this.#tape;
    checkObject(tape, token, 'metrics');
    METRIC.collect(tape, token);
    const name = text(tape, textToken(tape, METRIC, 5));
    let kind = 0;
    while (kind < KINDS && METRIC.token(kind) === 0) kind++;
    if (kind === KINDS) throw missingKind(name);
    const data = objectToken(tape, METRIC, kind);
    DATA.collect(tape, data);
    const metadata = METRIC.token(8);
    const metric = {
      name,
      description: text(tape, textToken(tape, METRIC, 6)),
      unit: text(tape, textToken(tape, METRIC, 7)),
      metadata: attributesOf({ metadata: metadata === 0 ? null : tape.value(metadata) }, 'metadata'),
      temporality: int32(tape, DATA, 1),
      isMonotonic: bool(tape, DATA, 2),
    };
    return { metric, kind, points: listToken(tape, DATA, 0) };
  }

  #countPoints(data: number): number {
    const tape = this.#tape;
    if (data === 0 || tape.kinds[data] !== KIND.OBJECT) return 0;
    DATA.collect(tape, data);
    const points = DATA.token(0);
    if (points === 0 || tape.kinds[points] !== KIND.ARRAY) return 0;
    let count = 0;
    const end = tape.nexts[points] as number;
    for (let point = points + 1; point < end; point = tape.nexts[point] as number) count++;
    return count;
  }
}
