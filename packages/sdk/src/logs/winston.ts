/** Ties the lines of a winston logger to the run that they are written in. */

import { Writable } from 'node:stream';
import { placeOf, type Place } from '../run/scope.ts';
import { CONTEXT_FIELDS, contextOf } from './log-context.ts';
import { sendLine, severityOfName, toText, type LogLine } from './log-line.ts';

/** What is needed of a winston logger, so that the SDK need not depend on winston. */
export interface WinstonLike {
  level: string;
  write(info: object, ...rest: never[]): boolean;
  add(transport: NodeJS.WritableStream): unknown;
  remove(transport: NodeJS.WritableStream): unknown;
  isLevelEnabled?(level: string): boolean;
}

type Info = Record<string | symbol, unknown>;

/** Where a line was written. winston may hand it on much later, in another context. */
const PLACE = Symbol('rollcall.place');

/**
 * From now on the lines of this logger and of its children carry `run`, `client` and `step` when they are written inside
 * a run, and arrive as logs of that run, as the logger's own format has made them.
 * Returns the function that ends it.
 * @example
 * captureWinston(logger);
 */
export function captureWinston(logger: WinstonLike): () => void {
  // oxlint-disable-next-line typescript/unbound-method -- called on the logger, and put back into it
  const original = logger.write;
  const transport = new RunTransport(logger);
  let isOn = true;
  const write = function (this: WinstonLike, info: object, ...rest: never[]): boolean {
    const place = isOn ? placeOf() : undefined;
    if (place !== undefined) stamp(info as Info, place);
    return original.call(this, info, ...rest);
  };
  logger.write = write;
  logger.add(transport);
  return () => {
    isOn = false;
    logger.remove(transport);
    if (logger.write === write) logger.write = original;
  };
}

/** What the line says itself wins. */
function stamp(info: Info, place: Place): void {
  for (const [name, value] of Object.entries(contextOf(place))) info[name] ??= value;
  Object.defineProperty(info, PLACE, { value: place, enumerable: true, configurable: true });
}

/** A winston transport, which is a writable stream of objects. */
class RunTransport extends Writable {
  readonly #logger: WinstonLike;

  constructor(logger: WinstonLike) {
    super({ objectMode: true, highWaterMark: 1_000 });
    this.#logger = logger;
  }

  override _write(info: Info, _encoding: BufferEncoding, done: () => void): void {
    this.log(info, done);
  }

  /** winston tells modern transports by this method. */
  log(info: Info, done: () => void): void {
    const place = info[PLACE] as Place | undefined;
    const level = toText(info['level']);
    const isEnabled = this.#logger.isLevelEnabled?.(levelOf(info)) ?? true;
    if (place !== undefined && isEnabled) sendLine(() => readInfo(info, level), place);
    done();
  }
}

/** The level before a format coloured it. */
function levelOf(info: Info): string {
  return toText(info[Symbol.for('level')] ?? info['level']);
}

const OWN_FIELDS = new Set(['level', 'message', 'timestamp', 'stack']);

function readInfo(info: Info, level: string): LogLine {
  const rest = Object.entries(info).filter(([name]) => !OWN_FIELDS.has(name) && !CONTEXT_FIELDS.has(name));
  const { message, stack } = info;
  const error = [info, message, ...rest.map(([, value]) => value)].find((value) => value instanceof Error);
  const shown =
    error ?? (typeof stack === 'string' ? { name: 'Error', message: toText(message), stack } : undefined);
  return {
    source: 'winston',
    severity: severityOfName(levelOf(info)),
    level: levelOf(info) || level,
    message: message instanceof Error ? message.message : toText(message ?? ''),
    fields: Object.fromEntries(rest.filter(([, value]) => !(value instanceof Error))),
    ...(shown === undefined ? {} : { error: shown }),
  };
}
