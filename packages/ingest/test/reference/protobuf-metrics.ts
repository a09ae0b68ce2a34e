/** Decodes the points of a protobuf `ExportMetricsServiceRequest`. */
import { missingKind } from '../../src/otlp/check-metric.ts';
import type { Fault, RecordSink } from '../../src/otlp/fault.ts';
import { walkRequest } from './protobuf-origins.ts';
import {
  readExponentialHistogramPoint,
  readHistogramPoint,
  readNumberPoint,
  readSummaryPoint,
} from './protobuf-points.ts';
import type { ProtobufReader } from '../../src/otlp/protobuf-reader.ts';
import { readAttribute } from '../../src/otlp/protobuf-values.ts';
import type { Metric, MetricPoint, Origin, SignalRecords } from '../../src/otlp/records.ts';

type MetricSink = RecordSink<SignalRecords['metrics']>;

/** Sends every point of `body` to `sink`; throws `MalformedBody` where the body is not OTLP. */
export function decodeProtobufMetrics(body: Uint8Array, sink: MetricSink): void {
  walkRequest(body, {
    read(reader, origin) {
      const result = reader.record((metric) => readMetric(metric, origin, sink));
      if ('fault' in result) sink.fault(result.fault);
    },
    refuse(reader, fault) {
      const result = reader.record((metric) => refusePoints(metric, fault, sink));
      if ('fault' in result) sink.fault(result.fault);
    },
  });
}

/** How to read the points of each kind, by its field in `Metric` (opentelemetry/proto/metrics/v1/metrics.proto). */
const POINT_READERS = new Map<number, (reader: ProtobufReader) => MetricPoint>([
  [5, (reader) => readNumberPoint(reader, 'gauge')],
  [7, (reader) => readNumberPoint(reader, 'sum')],
  [9, readHistogramPoint],
  [10, readExponentialHistogramPoint],
  [11, readSummaryPoint],
]);

interface Head {
  metric: Metric;
  /** The field that holds the points, 0 where there is none. */
  dataField: number;
}

function readMetric(reader: ProtobufReader, origin: Origin, sink: MetricSink): void {
  const head = reader.lookAhead(readHead);
  if ('fault' in head) return refusePoints(reader, head.fault, sink);
  const { metric, dataField } = head.item;
  const readPoint = POINT_READERS.get(dataField);
  if (!readPoint) throw missingKind(metric.name);
  while (reader.next()) {
    if (reader.fieldNumber === dataField) {
      reader.message((data) =>
        readPoints(data, readPoint, (point) => sink.record(origin, { metric, point }), sink),
      );
    } else reader.skip();
  }
}

/** Everything but the points: the sender may write name, metadata and temporality behind them. */
function readHead(reader: ProtobufReader): Head {
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
    if (POINT_READERS.has(reader.fieldNumber)) {
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

function readPoints(
  reader: ProtobufReader,
  readPoint: (reader: ProtobufReader) => MetricPoint,
  record: (point: MetricPoint) => void,
  sink: MetricSink,
): void {
  while (reader.next()) {
    const closed = sink.closed();
    if (reader.fieldNumber !== 1) reader.skip();
    else if (closed) {
      reader.skip();
      sink.fault(closed);
    } else {
      const result = reader.record(readPoint);
      if ('fault' in result) sink.fault(result.fault);
      else record(result.item);
    }
  }
}

/** Counts the points of a metric that cannot be kept; a metric without points counts as one. */
function refusePoints(reader: ProtobufReader, fault: Fault, sink: MetricSink): void {
  let count = 0;
  while (reader.next()) {
    if (POINT_READERS.has(reader.fieldNumber)) count += reader.message(countPoints);
    else reader.skip();
  }
  sink.fault(fault, Math.max(count, 1));
}

function countPoints(reader: ProtobufReader): number {
  let count = 0;
  while (reader.next()) {
    if (reader.fieldNumber === 1) count++;
    reader.skip();
  }
  return count;
}
