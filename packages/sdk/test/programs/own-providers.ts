/** An application with OpenTelemetry providers of its own, before and beside Rollcall. */
import { context, diag, DiagLogLevel, logs, propagation, trace } from '@opentelemetry/api';
import { AsyncLocalStorageContextManager } from '@opentelemetry/context-async-hooks';
import { W3CTraceContextPropagator } from '@opentelemetry/core';
import { InMemoryLogRecordExporter, LoggerProvider, SimpleLogRecordProcessor } from '@opentelemetry/sdk-logs';
import { InMemorySpanExporter, SimpleSpanProcessor, TracerProvider } from '@opentelemetry/sdk-trace';
import { startRollcall } from '@rollcall/sdk';

const complaints: string[] = [];
const complain = (...words: unknown[]) => complaints.push(words.join(' '));
const nothing = () => undefined;
diag.setLogger(
  { error: complain, warn: complain, info: nothing, debug: nothing, verbose: nothing },
  { logLevel: DiagLogLevel.WARN },
);

const contextManager = new AsyncLocalStorageContextManager().enable();
context.setGlobalContextManager(contextManager);
const propagator = new W3CTraceContextPropagator();
propagation.setGlobalPropagator(propagator);

// The processors that hand the application's telemetry to Rollcall as well are given when there is a Rollcall.
const later: { onStart?: (span: never, parent: never) => void; onEnd?: (span: never) => void } = {};
const spanExporter = new InMemorySpanExporter();
const tracerProvider = new TracerProvider({
  spanProcessors: [
    {
      onStart: (span, parent) => later.onStart?.(span as never, parent as never),
      onEnd: (span) => later.onEnd?.(span as never),
      forceFlush: async () => undefined,
      shutdown: async () => undefined,
    },
    new SimpleSpanProcessor({ exporter: spanExporter }),
  ],
});
trace.setGlobalTracerProvider(tracerProvider);
const logExporter = new InMemoryLogRecordExporter();
const loggerProvider = new LoggerProvider({
  processors: [new SimpleLogRecordProcessor({ exporter: logExporter })],
});
logs.setGlobalLoggerProvider(loggerProvider);

const rollcall = startRollcall();
if (process.argv[2] === 'joined') {
  const { spanProcessor } = rollcall;
  later.onStart = (span, parent) => spanProcessor.onStart(span, parent);
  later.onEnd = (span) => spanProcessor.onEnd(span);
}

const tracer = trace.getTracer('application');
const runId = await tracer.startActiveSpan('request', async (request) => {
  const id = await rollcall.job('inside', async (run) => {
    tracer.startActiveSpan('query', (query) => query.end());
    logs.getLogger('application').emit({ body: 'queried' });
    return run.runId;
  });
  request.end();
  return id;
});
await rollcall.shutdown();
// The application's own telemetry works on after Rollcall has gone.
tracer.startSpan('afterwards').end();

process.stdout.write(
  JSON.stringify({
    runId,
    complaints,
    spans: spanExporter.getFinishedSpans().map(({ name, attributes }) => ({ name, attributes })),
    logs: logExporter.getFinishedLogRecords().map(({ body }) => body),
  }),
);
