/** Decodes the log records of a protobuf `ExportLogsServiceRequest`. */
import type { RecordSink } from '../../src/otlp/fault.ts';
import { visitRecords, walkRequest } from './protobuf-origins.ts';
import type { ProtobufReader } from '../../src/otlp/protobuf-reader.ts';
import { readAnyValue, readAttribute } from '../../src/otlp/protobuf-values.ts';
import type { LogRecord } from '../../src/otlp/records.ts';

/** Sends every log record of `body` to `sink`; throws `MalformedBody` where the body is not OTLP. */
export function decodeProtobufLogs(body: Uint8Array, sink: RecordSink<LogRecord>): void {
  walkRequest(body, visitRecords(sink, readLogRecord));
}

/** Field numbers: opentelemetry/proto/logs/v1/logs.proto. */
function readLogRecord(reader: ProtobufReader): LogRecord {
  const log = emptyLogRecord();
  let attributeCount = 0;
  while (reader.next()) {
    if (reader.fieldNumber === 6) readAttribute(reader, log.attributes, ++attributeCount);
    else if (reader.fieldNumber === 1) log.timeNs = reader.fixed64();
    else if (reader.fieldNumber === 2) log.severityNumber = reader.int32();
    else if (reader.fieldNumber === 3) log.severityText = reader.string();
    else if (reader.fieldNumber === 5) log.body = reader.message((body) => readAnyValue(body));
    else if (reader.fieldNumber === 7) log.droppedAttributesCount = reader.uint32();
    else if (reader.fieldNumber === 8) log.flags = reader.fixed32();
    else if (reader.fieldNumber === 9) log.traceId = reader.id();
    else if (reader.fieldNumber === 10) log.spanId = reader.id();
    else if (reader.fieldNumber === 11) log.observedNs = reader.fixed64();
    else if (reader.fieldNumber === 12) log.eventName = reader.string();
    else reader.skip();
  }
  return log;
}

function emptyLogRecord(): LogRecord {
  return {
    timeNs: 0n,
    observedNs: 0n,
    severityNumber: 0,
    severityText: '',
    eventName: '',
    body: null,
    attributes: new Map(),
    droppedAttributesCount: 0,
    flags: 0,
    traceId: '',
    spanId: '',
  };
}
