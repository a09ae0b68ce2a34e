/** Sends a log line of the application as an OTLP record of the run that it was written in. */

import { inspect } from 'node:util';
import { SeverityNumber, type Attributes } from '@opentelemetry/api';
import { ATTR } from '@rollcall/semconv';
import { safely } from '../faults.ts';
import { describeError } from '../run/describe-error.ts';
import type { Place } from '../run/scope.ts';

export interface LogLine {
  /** Who wrote it: `pino`. */
  source: string;
  severity: SeverityNumber;
  /** The level under the name that the logger has for it. */
  level: string;
  message: string;
  /** What else the line says. */
  fields?: Record<string, unknown>;
  /** An error that the line is about. */
  error?: unknown;
  /** Now unless given. */
  epochMs?: number;
}

const LONGEST_TEXT = 32_768;
const LONGEST_FIELD = 8_192;
const MOST_FIELDS = 64;

let isSending = false;

/** Does not throw. What a line causes to be logged on its way is not sent in turn. */
export function sendLine(line: () => LogLine | undefined, place: Place): void {
  if (isSending) return;
  isSending = true;
  safely('send a log line', () => {
    const given = line();
    if (given !== undefined) emit(given, place);
  });
  isSending = false;
}

function emit(
  { source, severity, level, message, fields = {}, error, epochMs }: LogLine,
  place: Place,
): void {
  place.scope.run.core.logLines(source).emit({
    severityNumber: severity,
    severityText: level.toUpperCase(),
    body: message.slice(0, LONGEST_TEXT),
    attributes: { ...toAttributes(fields), ...describeException(error) },
    context: place.context,
    ...(epochMs === undefined ? {} : { timestamp: epochMs }),
  });
}

/** Numbers, texts and booleans as they are; the rest as JSON. */
function toAttributes(fields: Record<string, unknown>): Attributes {
  const attributes: Attributes = {};
  for (const [name, value] of Object.entries(fields).slice(0, MOST_FIELDS)) {
    if (value === undefined || value === null || typeof value === 'function') continue;
    const isPlain = typeof value === 'number' || typeof value === 'boolean';
    attributes[name] = isPlain ? value : toText(value).slice(0, LONGEST_FIELD);
  }
  return attributes;
}

/** Any value as text; the texts of things that have none of their own are JSON. */
export function toText(value: unknown): string {
  if (typeof value === 'string') return value;
  if (typeof value !== 'object') return inspect(value);
  try {
    return JSON.stringify(value) ?? '';
  } catch {
    return Object.prototype.toString.call(value);
  }
}

function describeException(error: unknown): Attributes {
  if (error === undefined) return {};
  const { type, message, stacktrace } = describeError(error);
  return {
    [ATTR.EXCEPTION_TYPE]: type,
    [ATTR.EXCEPTION_MESSAGE]: message,
    ...(stacktrace === undefined ? {} : { [ATTR.EXCEPTION_STACKTRACE]: stacktrace }),
  };
}

/** Severity for levels that are known by name in any logger. */
export function severityOfName(level: string): SeverityNumber {
  switch (level.toLowerCase()) {
    case 'trace':
    case 'silly':
      return SeverityNumber.TRACE;
    case 'debug':
    case 'verbose':
      return SeverityNumber.DEBUG;
    case 'warn':
    case 'warning':
      return SeverityNumber.WARN;
    case 'error':
      return SeverityNumber.ERROR;
    case 'crit':
    case 'alert':
    case 'emerg':
    case 'fatal':
      return SeverityNumber.FATAL;
    default:
      return SeverityNumber.INFO;
  }
}
