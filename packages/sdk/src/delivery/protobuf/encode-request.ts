/** Turns spans, log records and metric points into OTLP requests. */

import type { InstrumentationScope } from '@opentelemetry/core';
import type { Resource } from '@opentelemetry/resources';
import type { ReadableLogRecord } from '@opentelemetry/sdk-logs';
import { DataPointType, type MetricData, type ResourceMetrics } from '@opentelemetry/sdk-metrics';
import type { ReadableSpan } from '@opentelemetry/sdk-trace';
import { AttributeWriter, bySource } from './attributes.ts';
import { ProtobufWriter } from './writer.ts';

/** Grows to the size of the largest request; requests are made one at a time. */
const writer = new ProtobufWriter();

/**
 * `ExportTraceServiceRequest`. The same bytes as the stock serializer's, which walks everything twice and encodes
 * each attribute anew: half of what a client run cost.
 * Fields: https://github.com/open-telemetry/opentelemetry-proto
 */
export function encodeSpans(spans: readonly ReadableSpan[]): Uint8Array {
  return encodeRecords(spans, encodeSpan);
}

/** `ExportLogsServiceRequest`. */
export function encodeLogs(records: readonly ReadableLogRecord[]): Uint8Array {
  return encodeRecords(records, encodeLogRecord);
}

/** `ExportMetricsServiceRequest` with sums and gauges of doubles, which are all that runs have. */
export function encodePoints({ resource, scopeMetrics }: ResourceMetrics): Uint8Array {
  writer.begin();
  const attributes = new AttributeWriter(writer);
  writer.tag(0x0a);
  const resourceStart = writer.open();
  attributes.resource(resource);
  for (const { scope, metrics } of scopeMetrics) {
    writer.tag(0x12);
    const scopeStart = writer.open();
    attributes.scope(scope);
    for (const metric of metrics) {
      writer.tag(0x12);
      encodeMetric(metric, attributes);
    }
    writer.close(scopeStart);
  }
  writer.close(resourceStart);
  return writer.finish();
}

function encodeRecords<Source extends { resource: Resource; instrumentationScope: InstrumentationScope }>(
  records: readonly Source[],
  encode: (record: Source, attributes: AttributeWriter) => void,
): Uint8Array {
  writer.begin();
  const attributes = new AttributeWriter(writer);
  for (const [resource, scopes] of bySource(records)) {
    writer.tag(0x0a);
    const resourceStart = writer.open();
    attributes.resource(resource);
    for (const [scope, same] of scopes) {
      writer.tag(0x12);
      const scopeStart = writer.open();
      attributes.scope(scope);
      for (const record of same) {
        writer.tag(0x12);
        const start = writer.open();
        encode(record, attributes);
        writer.close(start);
      }
      writer.close(scopeStart);
    }
    writer.close(resourceStart);
  }
  return writer.finish();
}

/** Bits of a span's flags that say whether its parent is in another process. */
const HAS_IS_REMOTE = 0x100;
const IS_REMOTE = 0x200;

function encodeSpan(span: ReadableSpan, attributes: AttributeWriter): void {
  const { traceId, spanId, traceState, traceFlags } = span.spanContext();
  const parent = span.parentSpanContext;
  writer.tag(0x0a);
  writer.traceId(traceId);
  writer.tag(0x12);
  writer.hex(spanId);
  writeTraceState(traceState?.serialize());
  if (parent !== undefined && parent.spanId !== '') {
    writer.tag(0x22);
    writer.hex(parent.spanId);
  }
  writer.tag(0x2a);
  writer.text(span.name);
  writer.tag(0x30);
  writer.varint(span.kind + 1);
  writer.tag(0x39);
  writer.time(span.startTime);
  writer.tag(0x41);
  writer.time(span.endTime);
  attributes.of(span, 0x4a);
  writer.tag(0x50);
  writer.varint(span.droppedAttributesCount);
  for (const event of span.events) {
    writer.tag(0x5a);
    const start = writer.open();
    writer.tag(0x09);
    writer.time(event.time);
    writer.tag(0x12);
    writer.text(event.name);
    attributes.all(event.attributes ?? {}, 0x1a);
    writer.tag(0x20);
    writer.varint(event.droppedAttributesCount ?? 0);
    writer.close(start);
  }
  writer.tag(0x60);
  writer.varint(span.droppedEventsCount);
  for (const link of span.links) {
    writer.tag(0x6a);
    const start = writer.open();
    writer.tag(0x0a);
    writer.hex(link.context.traceId);
    writer.tag(0x12);
    writer.hex(link.context.spanId);
    writeTraceState(link.context.traceState?.serialize());
    attributes.all(link.attributes ?? {}, 0x22);
    writer.tag(0x28);
    writer.varint(link.droppedAttributesCount ?? 0);
    writer.tag(0x35);
    writer.fixed32(flagsOf(link.context.traceFlags, link.context.isRemote));
    writer.close(start);
  }
  writer.tag(0x70);
  writer.varint(span.droppedLinksCount);
  writer.tag(0x7a);
  const start = writer.open();
  if (span.status.message !== undefined && span.status.message !== '') {
    writer.tag(0x12);
    writer.text(span.status.message);
  }
  writer.tag(0x18);
  writer.varint(span.status.code);
  writer.close(start);
  // The tag of field 16 takes two bytes.
  writer.varint(0x85);
  writer.fixed32(flagsOf(traceFlags, parent?.isRemote));
}

function writeTraceState(state: string | undefined): void {
  if (state === undefined || state === '') return;
  writer.tag(0x1a);
  writer.text(state);
}

function flagsOf(traceFlags: number, isRemote: boolean | undefined): number {
  return (traceFlags & 0xff) | HAS_IS_REMOTE | (isRemote === true ? IS_REMOTE : 0);
}

function encodeLogRecord(record: ReadableLogRecord, attributes: AttributeWriter): void {
  const { severityNumber = 0, severityText = '', body, spanContext, eventName = '' } = record;
  writer.tag(0x09);
  writer.time(record.hrTime);
  if (severityNumber !== 0) {
    writer.tag(0x10);
    writer.varint(severityNumber);
  }
  if (severityText !== '') {
    writer.tag(0x1a);
    writer.text(severityText);
  }
  if (body !== undefined) {
    writer.tag(0x2a);
    attributes.value(body);
  }
  attributes.of(record, 0x32);
  writer.tag(0x38);
  writer.varint(record.droppedAttributesCount);
  if (spanContext !== undefined) {
    if (spanContext.traceFlags !== 0) {
      writer.tag(0x45);
      writer.fixed32(spanContext.traceFlags);
    }
    writer.tag(0x4a);
    writer.traceId(spanContext.traceId);
    writer.tag(0x52);
    writer.hex(spanContext.spanId);
  }
  writer.tag(0x59);
  writer.time(record.hrTimeObserved);
  if (eventName !== '') {
    writer.tag(0x62);
    writer.text(eventName);
  }
}

const CUMULATIVE = 2;

function encodeMetric(metric: MetricData, attributes: AttributeWriter): void {
  const { name, description, unit } = metric.descriptor;
  const start = writer.open();
  writer.tag(0x0a);
  writer.text(name);
  if (description !== '') {
    writer.tag(0x12);
    writer.text(description);
  }
  if (unit !== '') {
    writer.tag(0x1a);
    writer.text(unit);
  }
  const isSum = metric.dataPointType === DataPointType.SUM;
  writer.tag(isSum ? 0x3a : 0x2a);
  const pointsStart = writer.open();
  for (const point of metric.dataPoints) {
    const { startTime, endTime, value } = point;
    writer.tag(0x0a);
    const pointStart = writer.open();
    writer.tag(0x11);
    writer.time(startTime);
    writer.tag(0x19);
    writer.time(endTime);
    writer.tag(0x21);
    writer.double(value as number);
    attributes.of(point, 0x3a);
    writer.close(pointStart);
  }
  if (isSum) {
    writer.tag(0x10);
    writer.varint(CUMULATIVE);
    if (metric.isMonotonic) {
      writer.tag(0x18);
      writer.varint(1);
    }
  }
  writer.close(pointsStart);
  writer.close(start);
}
