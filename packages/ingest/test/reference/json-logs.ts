/** Decodes the log records of an OTLP/JSON `ExportLogsServiceRequest`. */
import type { RecordSink } from '../../src/otlp/fault.ts';
import type { JsonObject } from '../../src/otlp/json-body.ts';
import { fieldOf, idOf, int32Of, textOf, uint32Of, uint64Of } from '../../src/otlp/json-fields.ts';
import { visitJsonRecords, walkJsonRequest } from './json-origins.ts';
import { attributesOf, toAnyValue } from '../../src/otlp/json-values.ts';
import type { LogRecord } from '../../src/otlp/records.ts';

/** Sends every log record of `body` to `sink`; throws `MalformedBody` where the body is not OTLP. */
export function decodeJsonLogs(body: Uint8Array, sink: RecordSink<LogRecord>): void {
  const shape = { resources: 'resourceLogs', scopes: 'scopeLogs', records: 'logRecords' } as const;
  walkJsonRequest(body, shape, visitJsonRecords(sink, toLogRecord));
}

function toLogRecord(object: JsonObject): LogRecord {
  return {
    timeNs: uint64Of(object, 'timeUnixNano'),
    observedNs: uint64Of(object, 'observedTimeUnixNano'),
    severityNumber: int32Of(object, 'severityNumber'),
    severityText: textOf(object, 'severityText'),
    eventName: textOf(object, 'eventName'),
    body: toAnyValue(fieldOf(object, 'body')),
    attributes: attributesOf(object),
    droppedAttributesCount: uint32Of(object, 'droppedAttributesCount'),
    flags: uint32Of(object, 'flags'),
    traceId: idOf(object, 'traceId'),
    spanId: idOf(object, 'spanId'),
  };
}
