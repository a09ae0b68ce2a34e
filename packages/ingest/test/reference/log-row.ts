/** Turns OTLP log records into rows of otel_logs. */
import {
  checkName,
  checkOptionalTime,
  checkRunTime,
  optionalSpanId,
  optionalTraceId,
} from '../../src/otlp/check-fields.ts';
import { RecordError } from '../../src/otlp/fault.ts';
import type { LogRecord, Origin } from '../../src/otlp/records.ts';
import { attributesJson, textJson, valueText } from './json-text.ts';
import type { RowContext } from './origin-columns.ts';
import type { Row } from './row-collector.ts';
import { runColumns } from './run-identity.ts';

const HIGHEST_SEVERITY = 24;

/** The row of one log record; throws a `RecordError` where the record cannot be kept. */
export function logRow(log: LogRecord, origin: Origin, { receivedAtMs }: RowContext): Row {
  checkLogRecord(log);
  const observedNs = log.observedNs === 0n ? BigInt(Math.floor(receivedAtMs)) * 1_000_000n : log.observedNs;
  const timeNs = log.timeNs === 0n ? observedNs : log.timeNs;
  if (log.eventName.startsWith('rollcall.')) checkRunTime(timeNs, receivedAtMs, `time of ${log.eventName}`);
  return {
    table: 'otel_logs',
    columns:
      `"Timestamp":${timeNs},"ObservedTimestamp":${observedNs},"TraceId":"${optionalTraceId(log.traceId)}",` +
      `"SpanId":"${optionalSpanId(log.spanId)}","TraceFlags":${log.flags},` +
      `"SeverityText":${textJson(log.severityText)},"SeverityNumber":${log.severityNumber},` +
      `"EventName":${textJson(log.eventName)},"Body":${textJson(valueText(log.body))},` +
      `${runColumns(log.attributes, origin.resource.attributes)},` +
      `"LogAttributes":${attributesJson(log.attributes)},"DroppedAttributesCount":${log.droppedAttributesCount}`,
  };
}

function checkLogRecord(log: LogRecord): void {
  checkName(log.eventName, 'event name');
  checkOptionalTime(log.timeNs, 'time of a log record');
  checkOptionalTime(log.observedNs, 'observed time of a log record');
  if (log.severityNumber >= 0 && log.severityNumber <= HIGHEST_SEVERITY) return;
  throw new RecordError(
    'invalid_severity',
    `The severity number ${log.severityNumber} is not one; send 1 to ${HIGHEST_SEVERITY}, or 0 where unknown.`,
  );
}
