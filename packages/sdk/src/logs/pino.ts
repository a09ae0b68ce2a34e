/** Sends what is logged with pino inside a run to that run as well. */

import { tracingChannel } from 'node:diagnostics_channel';
import { SeverityNumber } from '@opentelemetry/api';
import { placeOf } from '../run/scope.ts';
import { CONTEXT_FIELDS } from './log-context.ts';
import { sendLine, toText, type LogLine } from './log-line.ts';

const CHANNEL = 'pino_asJson';
/** Told by every line of a pino logger, and by the telemetry itself. */
const OWN_FIELDS = new Set(['level', 'time', 'pid', 'hostname']);

let stop: (() => void) | undefined;

/**
 * From now on every line of every pino logger, written inside a run, also arrives as a log of that run. pino tells of
 * its lines on a diagnostics channel, after redaction, so nothing of it is patched and its own output stays as it is.
 * Returns the function that ends it.
 */
export function capturePino(): () => void {
  stop ??= subscribe();
  return stop;
}

interface Told {
  instance?: PinoLike;
  result?: unknown;
}

interface PinoLike {
  levels?: { labels?: Record<number, string> };
}

function subscribe(): () => void {
  const channel = tracingChannel<unknown, Told>(CHANNEL);
  const onLine = (message: unknown) => {
    const place = placeOf();
    if (place !== undefined) sendLine(() => readLine(message as Told), place);
  };
  channel.end.subscribe(onLine);
  return () => {
    stop = undefined;
    channel.end.unsubscribe(onLine);
  };
}

function readLine({ instance, result }: Told): LogLine | undefined {
  if (typeof result !== 'string') return undefined;
  const line = JSON.parse(result) as Record<string, unknown>;
  const { level, time, err } = line;
  const message = line['msg'] ?? line['message'];
  const rest = Object.entries(line).filter(([name]) => {
    return !OWN_FIELDS.has(name) && !CONTEXT_FIELDS.has(name) && name !== 'msg' && name !== 'err';
  });
  const isError = typeof err === 'object' && err !== null;
  return {
    source: 'pino',
    severity: severityOf(Number(level)),
    level: instance?.levels?.labels?.[Number(level)] ?? String(level),
    message: typeof message === 'string' ? message : '',
    fields: Object.fromEntries(rest),
    ...(isError ? { error: asError(err as Record<string, unknown>) } : {}),
    ...(typeof time === 'number' ? { epochMs: time } : {}),
  };
}

/** pino serialises errors as `{ type, message, stack }`. */
function asError({ type, message, stack }: Record<string, unknown>) {
  return { name: toText(type ?? 'Error'), message: toText(message ?? ''), stack };
}

/** pino's levels are numbers; those in between are of the kind below. */
function severityOf(level: number): SeverityNumber {
  if (level >= 60) return SeverityNumber.FATAL;
  if (level >= 50) return SeverityNumber.ERROR;
  if (level >= 40) return SeverityNumber.WARN;
  if (level >= 30) return SeverityNumber.INFO;
  return level >= 20 ? SeverityNumber.DEBUG : SeverityNumber.TRACE;
}
