/** Walks protobuf log records from the wire into the columns of otel_logs. */
import type { LogWriter } from '../rows/log-writer.ts';
import { walkAnyValue, walkAttribute } from './walk-attributes.ts';
import { fieldBits, type Wire } from './wire.ts';

const LOG_FIELDS = fieldBits(1, 2, 3, 5, 6, 7, 8, 9, 10, 11, 12);

/** Walks one log record up to `end`. Tags and field numbers: opentelemetry/proto/logs/v1/logs.proto. */
export function walkLogRecord(wire: Wire, end: number, log: LogWriter): void {
  log.begin();
  while (wire.at < end) {
    const tag = wire.tag();
    switch (tag) {
      case 0x32:
        walkAttribute(wire, end, log.attributes);
        break;
      case 0x09:
        wire.fixed64(end);
        log.timeLow = wire.low;
        log.timeHigh = wire.high;
        break;
      case 0x59:
        wire.fixed64(end);
        log.observedLow = wire.low;
        log.observedHigh = wire.high;
        break;
      case 0x10:
        log.severityNumber = wire.varint(end) | 0;
        break;
      case 0x1a:
        log.severityTextLength = wire.slice(end);
        log.severityTextAt = wire.at - log.severityTextLength;
        break;
      case 0x2a:
        log.beginBody();
        walkAnyValue(wire, wire.message(end), log.body.texts);
        break;
      case 0x4a:
        log.traceIdLength = wire.slice(end);
        log.traceIdAt = wire.at - log.traceIdLength;
        break;
      case 0x52:
        log.spanIdLength = wire.slice(end);
        log.spanIdAt = wire.at - log.spanIdLength;
        break;
      case 0x62:
        log.eventNameLength = wire.slice(end);
        log.eventNameAt = wire.at - log.eventNameLength;
        break;
      case 0x38:
        log.droppedAttributesCount = wire.varint(end);
        break;
      case 0x45:
        log.flags = wire.fixed32(end);
        break;
      default:
        wire.skip(tag, end, LOG_FIELDS);
    }
  }
}
