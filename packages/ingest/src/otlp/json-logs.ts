/** Walks OTLP/JSON log records from the tape into the columns of otel_logs. */
import type { LogWriter } from '../rows/log-writer.ts';
import { walkJsonAnyValue, walkJsonAttributes } from './json-attributes.ts';
import { FieldNames } from './json-names.ts';
import { lengthOf } from './json-spans.ts';
import type { JsonTape } from './json-tape.ts';
import { int32, listToken, textToken, uint32, uint64 } from './json-tokens.ts';

const LOG = new FieldNames([
  'timeUnixNano',
  'observedTimeUnixNano',
  'severityNumber',
  'severityText',
  'eventName',
  'body',
  'attributes',
  'droppedAttributesCount',
  'flags',
  'traceId',
  'spanId',
]);

/** Walks one log record; `token` is an object. */
export function walkJsonLogRecord(tape: JsonTape, token: number, log: LogWriter): void {
  log.begin();
  LOG.collect(tape, token);
  uint64(tape, LOG, 0);
  log.timeLow = tape.low;
  log.timeHigh = tape.high;
  uint64(tape, LOG, 1);
  log.observedLow = tape.low;
  log.observedHigh = tape.high;
  log.severityNumber = int32(tape, LOG, 2);
  walkTexts(tape, log);
  log.droppedAttributesCount = uint32(tape, LOG, 7);
  log.flags = uint32(tape, LOG, 8);
  log.beginBody();
  walkJsonAnyValue(tape, LOG.token(5), log.body.texts);
  walkJsonAttributes(tape, listToken(tape, LOG, 6), log.attributes);
}

function walkTexts(tape: JsonTape, log: LogWriter): void {
  let text = textToken(tape, LOG, 3);
  log.severityTextAt = tape.starts[text] as number;
  log.severityTextLength = lengthOf(tape, text);
  text = textToken(tape, LOG, 4);
  log.eventNameAt = tape.starts[text] as number;
  log.eventNameLength = lengthOf(tape, text);
  text = textToken(tape, LOG, 9);
  log.traceIdAt = tape.starts[text] as number;
  log.traceIdLength = lengthOf(tape, text);
  text = textToken(tape, LOG, 10);
  log.spanIdAt = tape.starts[text] as number;
  log.spanIdLength = lengthOf(tape, text);
}
