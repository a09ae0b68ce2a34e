/** The two forms of an OTLP request. */
import type { Attributes } from '@opentelemetry/api';
import {
  JsonLogsSerializer,
  JsonMetricsSerializer,
  JsonTraceSerializer,
  ProtobufLogsSerializer,
  ProtobufMetricsSerializer,
  ProtobufTraceSerializer,
} from '@opentelemetry/otlp-transformer';
import type { ReadableLogRecord } from '@opentelemetry/sdk-logs';
import type { MetricData, ResourceMetrics } from '@opentelemetry/sdk-metrics';
import type { ReadableSpan } from '@opentelemetry/sdk-trace';
import { withStamp } from '../otel/stamp.ts';
import { encodeLogs, encodePoints, encodeSpans } from './protobuf/encode-request.ts';

/** The stock serializers but for the encoding of requests, which is where the time goes. */
export const PROTOBUF_FORM = {
  traces: { ...ProtobufTraceSerializer, serializeRequest: encodeSpans },
  logs: { ...ProtobufLogsSerializer, serializeRequest: encodeLogs },
  metrics: { ...ProtobufMetricsSerializer, serializeRequest: encodePoints },
};

/** The stock serializers, which do not know of stamps. */
export const JSON_FORM = {
  traces: {
    ...JsonTraceSerializer,
    serializeRequest: (spans: ReadableSpan[]) => JsonTraceSerializer.serializeRequest(spans.map(withStamp)),
  },
  logs: {
    ...JsonLogsSerializer,
    serializeRequest: (records: ReadableLogRecord[]) =>
      JsonLogsSerializer.serializeRequest(records.map(withStamp)),
  },
  metrics: {
    ...JsonMetricsSerializer,
    serializeRequest: ({ resource, scopeMetrics }: ResourceMetrics) =>
      JsonMetricsSerializer.serializeRequest({
        resource,
        scopeMetrics: scopeMetrics.map(({ scope, metrics }) => ({
          scope,
          metrics: metrics.map(withStampedPoints),
        })),
      }),
  },
};

function withStampedPoints(metric: MetricData): MetricData {
  return {
    ...metric,
    dataPoints: (metric.dataPoints as { attributes: Attributes }[]).map(withStamp),
  } as MetricData;
}
