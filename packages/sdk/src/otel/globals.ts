/** Puts Rollcall into OpenTelemetry's global places that the application has left empty. */
import {
  context,
  createContextKey,
  logs,
  propagation,
  ROOT_CONTEXT,
  trace,
  type LoggerProvider,
  type TracerProvider,
} from '@opentelemetry/api';
import { AsyncLocalStorageContextManager } from '@opentelemetry/context-async-hooks';
import { CompositePropagator, W3CBaggagePropagator, W3CTraceContextPropagator } from '@opentelemetry/core';

/** Registers what is missing, never what is there. Returns the function that takes it away again. */
export function registerMissing(providers: { tracer?: TracerProvider; logger?: LoggerProvider }): () => void {
  const undo: (() => void)[] = [];
  if (!hasContextManager()) {
    context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable());
    undo.push(() => context.disable());
  }
  if (propagation.fields().length === 0) {
    const propagators = [new W3CTraceContextPropagator(), new W3CBaggagePropagator()];
    propagation.setGlobalPropagator(new CompositePropagator({ propagators }));
    undo.push(() => propagation.disable());
  }
  if (providers.tracer !== undefined && !hasTracerProvider()) {
    trace.setGlobalTracerProvider(providers.tracer);
    undo.push(() => trace.disable());
  }
  if (providers.logger !== undefined && !hasLoggerProvider()) {
    logs.setGlobalLoggerProvider(providers.logger);
    undo.push(() => logs.disable());
  }
  return () => {
    for (const step of undo) step();
  };
}

function hasContextManager(): boolean {
  const key = createContextKey('rollcall.probe');
  return context.with(ROOT_CONTEXT.setValue(key, true), () => context.active().getValue(key) === true);
}

/**
 * Whether the application has registered one. The API has no such question, and setting a second one logs an error;
 * its stand-in for a missing provider answers this call with undefined.
 */
export function hasTracerProvider(): boolean {
  const provider: TracerProvider & { getDelegateTracer?: (name: string) => unknown } =
    trace.getTracerProvider();
  return (
    provider.getDelegateTracer === undefined || provider.getDelegateTracer('@rollcall/sdk') !== undefined
  );
}

/** A missing provider's loggers, and those of a provider without processors, take no records. */
function hasLoggerProvider(): boolean {
  return logs.getLogger('@rollcall/sdk').enabled();
}
