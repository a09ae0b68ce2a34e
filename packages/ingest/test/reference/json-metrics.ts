/** Decodes the points of an OTLP/JSON `ExportMetricsServiceRequest`. */
import { missingKind } from '../../src/otlp/check-metric.ts';
import { contain, type Fault, type RecordSink } from '../../src/otlp/fault.ts';
import { isJsonObject, type JsonObject } from '../../src/otlp/json-body.ts';
import { boolOf, fieldOf, int32Of, listOf, textOf, toObject } from '../../src/otlp/json-fields.ts';
import { walkJsonRequest } from './json-origins.ts';
import {
  toExponentialHistogramPoint,
  toHistogramPoint,
  toNumberPoint,
  toSummaryPoint,
} from './json-points.ts';
import { attributesOf } from '../../src/otlp/json-values.ts';
import type { Metric, MetricPoint, Origin, SignalRecords } from '../../src/otlp/records.ts';

type MetricSink = RecordSink<SignalRecords['metrics']>;

/** Sends every point of `body` to `sink`; throws `MalformedBody` where the body is not OTLP. */
export function decodeJsonMetrics(body: Uint8Array, sink: MetricSink): void {
  const shape = { resources: 'resourceMetrics', scopes: 'scopeMetrics', records: 'metrics' } as const;
  walkJsonRequest(body, shape, {
    read(metric, origin) {
      const result = contain(() => toMetric(toObject(metric, 'metrics')));
      if ('fault' in result) refusePoints(metric, result.fault, sink);
      else readPoints(result.item, origin, sink);
    },
    refuse(metric, fault) {
      refusePoints(metric, fault, sink);
    },
  });
}

const POINT_READERS: readonly (readonly [string, (point: JsonObject) => MetricPoint])[] = [
  ['gauge', (point) => toNumberPoint(point, 'gauge')],
  ['sum', (point) => toNumberPoint(point, 'sum')],
  ['histogram', toHistogramPoint],
  ['exponentialHistogram', toExponentialHistogramPoint],
  ['summary', toSummaryPoint],
];

interface MetricData {
  metric: Metric;
  points: readonly unknown[];
  readPoint: (point: JsonObject) => MetricPoint;
}

function toMetric(object: JsonObject): MetricData {
  const name = textOf(object, 'name');
  for (const [kind, readPoint] of POINT_READERS) {
    const value = fieldOf(object, kind);
    if (value === undefined) continue;
    const data = toObject(value, kind);
    const metric = {
      name,
      description: textOf(object, 'description'),
      unit: textOf(object, 'unit'),
      metadata: attributesOf(object, 'metadata'),
      temporality: int32Of(data, 'aggregationTemporality'),
      isMonotonic: boolOf(data, 'isMonotonic'),
    };
    return { metric, points: listOf(data, 'dataPoints'), readPoint };
  }
  throw missingKind(name);
}

function readPoints({ metric, points, readPoint }: MetricData, origin: Origin, sink: MetricSink): void {
  for (const point of points) {
    const closed = sink.closed();
    const result = closed ? { fault: closed } : contain(() => readPoint(toObject(point, 'dataPoints')));
    if ('fault' in result) sink.fault(result.fault);
    else sink.record(origin, { metric, point: result.item });
  }
}

/** Counts the points of a metric that cannot be kept; a metric without points counts as one. */
function refusePoints(metric: unknown, fault: Fault, sink: MetricSink): void {
  let count = 0;
  for (const [kind] of POINT_READERS) {
    const data = isJsonObject(metric) ? fieldOf(metric, kind) : undefined;
    const points = isJsonObject(data) ? fieldOf(data, 'dataPoints') : undefined;
    if (Array.isArray(points)) count += points.length;
  }
  sink.fault(fault, Math.max(count, 1));
}
