/** Lets the spans and log records of an application's own OpenTelemetry join the run, whenever it is set up. */
import { type Context } from '@opentelemetry/api';
import type { LogRecordProcessor, ReadWriteLogRecord } from '@opentelemetry/sdk-logs';
import type { ReadableSpan, Span, SpanProcessor } from '@opentelemetry/sdk-trace';
import { safely, sdkLog } from '../faults.ts';
import { adoptedRun, scopeOf } from '../run/scope.ts';
import type { Rollcall } from '../start.ts';

/**
 * Where all copies of OpenTelemetry's API, also an application's own, keep what was registered. Nothing is put there
 * before the application: a copy of another version would refuse to register anything beside it.
 */
const API = Symbol.for('opentelemetry.js.api.1');
/** Where older copies keep the provider of loggers, behind a function. */
const LOGS_API = Symbol.for('io.opentelemetry.js.api.logs');

interface Provider {
  getDelegate?: () => Provider;
  setDelegate?: (provider: Provider) => void;
  addSpanProcessor?: (processor: SpanProcessor) => void;
  addLogRecordProcessor?: (processor: LogRecordProcessor) => void;
  _activeSpanProcessor?: SpanProcessor;
  _sharedState?: { activeProcessor?: LogRecordProcessor };
}

/** Joins what is registered already, and what will be. */
export function joinForeignProviders(rollcall: Rollcall): void {
  const joined = new WeakSet<object>();
  const once = (provider: unknown, join: (provider: Provider) => void) => {
    if (typeof provider !== 'object' || provider === null || joined.has(provider)) return;
    joined.add(provider);
    join(provider);
  };
  const spans = new JoiningSpanProcessor(rollcall.spanProcessor);
  const records = new JoiningLogProcessor(rollcall.logRecordProcessor);
  const joinSpans = (provider: Provider) => joinTracerProvider(provider, spans);
  const joinLogs = (provider: Provider) => joinLoggerProvider(provider, records);
  watch(globalThis, API, (api) => {
    watch(api as object, 'trace', (registered) => {
      const standIn = registered as Provider;
      const { setDelegate } = standIn;
      if (setDelegate === undefined) {
        once(standIn, joinSpans);
        return;
      }
      // The API registers its stand-in first, and tells it the provider then.
      const present = standIn.getDelegate?.();
      // Without a provider it has one that does nothing.
      if (present?._activeSpanProcessor !== undefined) once(present, joinSpans);
      standIn.setDelegate = function (provider) {
        once(provider, joinSpans);
        setDelegate.call(this, provider);
      };
    });
    watch(api as object, 'logs', (provider) => once(provider, joinLogs));
  });
  watch(globalThis, LOGS_API, (provide) => {
    if (typeof provide === 'function') once(provide(1), joinLogs);
  });
}

/** Hears of a value that is or will be put into an object, and leaves it there. */
function watch(holder: object, name: string | symbol, onSet: (value: unknown) => void): void {
  const hear = (given: unknown) => {
    if (given !== undefined && given !== null)
      safely("join the application's OpenTelemetry", () => onSet(given));
  };
  let value: unknown = Reflect.get(holder, name);
  Object.defineProperty(holder, name, {
    configurable: true,
    enumerable: true,
    get: () => value,
    set: (given: unknown) => {
      value = given;
      hear(given);
    },
  });
  hear(value);
}

/** SDKs take their processors when they are made; but they all ask one object, whose methods can be followed by ours. */
function joinTracerProvider(provider: Provider, spans: SpanProcessor): void {
  const { _activeSpanProcessor: active } = provider;
  if (typeof provider.addSpanProcessor === 'function') provider.addSpanProcessor(spans);
  else if (typeof active?.onStart === 'function' && typeof active.onEnd === 'function') {
    follow(active, 'onStart', (span: Span, context: Context) => spans.onStart(span, context));
    follow(active, 'onEnd', (span: ReadableSpan) => spans.onEnd(span));
  } else sdkLog.warn("The application's tracer provider is unknown: its spans do not join the run");
}

function joinLoggerProvider(provider: Provider, records: LogRecordProcessor): void {
  const active = provider._sharedState?.activeProcessor;
  if (typeof provider.addLogRecordProcessor === 'function') provider.addLogRecordProcessor(records);
  else if (typeof active?.onEmit === 'function') {
    // First, so that the application's own exporter sees the record as it was emitted, with the run on it.
    follow(
      active,
      'onEmit',
      (record: ReadWriteLogRecord, context: Context) => records.onEmit(record, context),
      true,
    );
  } else sdkLog.warn("The application's logger provider is unknown: its log records do not join the run");
}

// eslint-disable-next-line typescript/no-explicit-any -- the methods of processors differ
type AnyMethod = (...args: any[]) => void;

function follow(owner: object, name: string, also: AnyMethod, isFirst = false): void {
  const original = Reflect.get(owner, name) as AnyMethod;
  Reflect.set(owner, name, function (this: unknown, ...args: unknown[]) {
    const join = () => safely('let a span or a log record join the run', () => also(...args));
    if (isFirst) join();
    original.apply(this, args);
    if (!isFirst) join();
  });
}

/** What starts in no run belongs to that of the process, if it is one. */
class JoiningSpanProcessor implements SpanProcessor {
  readonly #own: SpanProcessor;

  constructor(own: SpanProcessor) {
    this.#own = own;
  }

  onStart(span: Span, context: Context): void {
    const adopted = scopeOf(context) === undefined ? adoptedRun() : undefined;
    if (adopted !== undefined) span.setAttributes(adopted.scope.stamp.attributes);
    this.#own.onStart(span, context);
  }

  onEnd(span: ReadableSpan): void {
    this.#own.onEnd(span);
  }

  async forceFlush(): Promise<void> {
    await this.#own.forceFlush();
  }

  async shutdown(): Promise<void> {
    await this.#own.shutdown();
  }
}

class JoiningLogProcessor implements LogRecordProcessor {
  readonly #own: LogRecordProcessor;

  constructor(own: LogRecordProcessor) {
    this.#own = own;
  }

  onEmit(record: ReadWriteLogRecord, context?: Context): void {
    const adopted = scopeOf(context) === undefined ? adoptedRun() : undefined;
    if (adopted !== undefined) record.setAttributes(adopted.scope.stamp.attributes);
    this.#own.onEmit(record, context);
  }

  async forceFlush(): Promise<void> {
    await this.#own.forceFlush();
  }

  async shutdown(): Promise<void> {
    await this.#own.shutdown();
  }
}
