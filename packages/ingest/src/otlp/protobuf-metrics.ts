/** Walks the points of a protobuf `ExportMetricsServiceRequest` into the columns of their tables. */
import { encodeMetric, type EncodedMetric, type PointWriter } from '../rows/metric-writer.ts';
import type { EncodedOrigin } from '../rows/origin-columns.ts';
import type { ShownBody, Writers } from '../rows/writers.ts';
import { missingKind } from './check-metric.ts';
import type { Fault } from './fault.ts';
import { MAX_NAME_LENGTH } from './limits.ts';
import { type RecordVisitor, walkRequest } from './protobuf-origins.ts';
import type { ProtobufReader } from './protobuf-reader.ts';
import { faultOf, KernelReader } from './protobuf-records.ts';
import { readAttribute } from './protobuf-values.ts';
import type { Metric, Origin } from './records.ts';
import type { Request } from './request.ts';
import {
  walkExponentialHistogramPoint,
  walkHistogramPoint,
  walkNumberPoint,
  walkSummaryPoint,
} from './walk-points.ts';
import { Wire } from './wire.ts';

/** Walks every point of `body`; throws `MalformedBody` where the body is not OTLP. */
export function walkProtobufMetrics(
  body: Uint8Array,
  request: Request,
  writers: Writers,
  shown?: ShownBody,
): void {
  walkRequest(body, new MetricWalker(body, request, writers, shown));
}

/** How to walk the points of a kind. */
interface PointWalker {
  readonly writer: PointWriter;
  readonly walk: (wire: Wire, end: number) => void;
}

class MetricWalker implements RecordVisitor {
  readonly #wire: Wire;
  readonly #request: Request;
  readonly #writers: Writers;
  /** By the field in `Metric` (opentelemetry/proto/metrics/v1/metrics.proto). */
  readonly #kinds: ReadonlyMap<number, PointWalker>;
  #origin: { item: EncodedOrigin } | { fault: Fault } | undefined;
  #firstRows: ReadonlyMap<PointWriter, number> = new Map();

  readonly #kernel: KernelReader;

  constructor(body: Uint8Array, request: Request, writers: Writers, shown: ShownBody | undefined) {
    this.#kernel = new KernelReader(shown);
    const { gauge, sum, histogram, exponentialHistogram, summary } = writers;
    this.#wire = new Wire(body);
    this.#request = request;
    this.#writers = writers;
    this.#kinds = new Map<number, PointWalker>([
      [5, { writer: gauge, walk: (wire, end) => walkNumberPoint(wire, end, gauge) }],
      [7, { writer: sum, walk: (wire, end) => walkNumberPoint(wire, end, sum) }],
      [9, { writer: histogram, walk: (wire, end) => walkHistogramPoint(wire, end, histogram) }],
      [
        10,
        {
          writer: exponentialHistogram,
          walk: (wire, end) => walkExponentialHistogramPoint(wire, end, exponentialHistogram),
        },
      ],
      [11, { writer: summary, walk: (wire, end) => walkSummaryPoint(wire, end, summary) }],
    ]);
  }

  begin(origin: Origin): void {
    this.#origin = this.#request.origins.of(origin);
    this.#firstRows = new Map(this.#writers.points.map((writer) => [writer, writer.rows]));
  }

  passAhead(reader: ProtobufReader): void {
    this.#kernel.pass(reader);
  }

  /** The points of a metric are read ahead, not the metrics. */
  readAhead(): void {}

  read(reader: ProtobufReader): void {
    const origin = this.#origin;
    if (!origin || 'fault' in origin) return origin && this.refuse(reader, origin.fault);
    const result = reader.record((metric) => this.#readMetric(metric, origin.item));
    if ('fault' in result) this.#request.tally.refuse(result.fault);
  }

  end(): void {
    const origin = this.#origin;
    if (!origin || 'fault' in origin) return;
    for (const [writer, firstRow] of this.#firstRows) writer.origin.fill(origin.item, writer.rows - firstRow);
  }

  /** Counts the points of a metric that cannot be kept. */
  refuse(reader: ProtobufReader, fault: Fault): void {
    const result = reader.record((metric) => this.#refusePoints(metric, fault));
    if ('fault' in result) this.#request.tally.refuse(result.fault);
  }

  #readMetric(reader: ProtobufReader, origin: EncodedOrigin): void {
    const head = reader.lookAhead((metric) => readHead(metric, this.#kinds));
    if ('fault' in head) return this.#refusePoints(reader, head.fault);
    const { metric, dataField } = head.item;
    const kind = this.#kinds.get(dataField);
    if (!kind) throw missingKind(metric.name);
    const encoded = encodeMetric(metric);
    const firstRow = kind.writer.rows;
    try {
      while (reader.next()) {
        if (reader.fieldNumber === dataField) {
          reader.message((data) => this.#readPoints(data, kind, encoded, origin));
        } else reader.skip();
      }
    } finally {
      // What was kept before the metric broke off stays.
      kind.writer.fillMetric(encoded, kind.writer.rows - firstRow);
    }
  }

  #readPoints(reader: ProtobufReader, kind: PointWalker, metric: EncodedMetric, origin: EncodedOrigin): void {
    const { tally } = this.#request;
    const isNamed = metric.metric.name !== '' && metric.metric.name.length <= MAX_NAME_LENGTH;
    for (;;) {
      if (isNamed) this.#kernel.walk(reader, kind.writer, origin, this.#request, metric.sizeBytes);
      if (!reader.next()) break;
      if (reader.fieldNumber !== 1) reader.skip();
      else if (tally.closed) {
        reader.skip();
        tally.refuse(tally.closed);
      } else this.#readPoint(reader, kind, metric, origin);
    }
  }

  #readPoint(
    reader: ProtobufReader,
    { writer, walk }: PointWalker,
    metric: EncodedMetric,
    origin: EncodedOrigin,
  ): void {
    const { tally, receivedAtMs } = this.#request;
    const wire = this.#wire;
    wire.at = reader.pass();
    wire.parts = 0;
    try {
      walk(wire, reader.position);
      writer.write(wire, metric, origin, receivedAtMs);
    } catch (error) {
      writer.undoRecord();
      tally.refuse(faultOf(error));
      return;
    }
    tally.accept();
  }

  /** A metric without points counts as one. */
  #refusePoints(reader: ProtobufReader, fault: Fault): void {
    let count = 0;
    while (reader.next()) {
      if (this.#kinds.has(reader.fieldNumber)) count += reader.message(countPoints);
      else reader.skip();
    }
    this.#request.tally.refuse(fault, Math.max(count, 1));
  }
}

interface Head {
  metric: Metric;
  /** The field that holds the points, 0 where there is none. */
  dataField: number;
}

/** Everything but the points: the sender may write name, metadata and temporality behind them. */
function readHead(reader: ProtobufReader, kinds: ReadonlyMap<number, unknown>): Head {
  const metric: Metric = {
    name: '',
    description: '',
    unit: '',
    metadata: new Map(),
    temporality: 0,
    isMonotonic: false,
  };
  let dataField = 0;
  let metadataCount = 0;
  while (reader.next()) {
    if (kinds.has(reader.fieldNumber)) {
      dataField = reader.fieldNumber;
      reader.message((data) => readDataHeadInto(data, metric, dataField));
    } else if (reader.fieldNumber === 1) metric.name = reader.string();
    else if (reader.fieldNumber === 2) metric.description = reader.string();
    else if (reader.fieldNumber === 3) metric.unit = reader.string();
    else if (reader.fieldNumber === 12) readAttribute(reader, metric.metadata, ++metadataCount);
    else reader.skip();
  }
  return { metric, dataField };
}

function readDataHeadInto(reader: ProtobufReader, metric: Metric, dataField: number): void {
  const hasTemporality = dataField === 7 || dataField === 9 || dataField === 10;
  while (reader.next()) {
    if (reader.fieldNumber === 2 && hasTemporality) metric.temporality = reader.int32();
    else if (reader.fieldNumber === 3 && dataField === 7) metric.isMonotonic = reader.bool();
    else reader.skip();
  }
}

function countPoints(reader: ProtobufReader): number {
  let count = 0;
  while (reader.next()) {
    if (reader.fieldNumber === 1) count++;
    reader.skip();
  }
  return count;
}
