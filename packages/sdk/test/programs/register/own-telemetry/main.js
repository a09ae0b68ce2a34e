/** An application that sets up its own OpenTelemetry when it starts, and knows nothing of Rollcall. */
import { context, diag, DiagLogLevel, logs, propagation, trace } from '@opentelemetry/api';
import { AsyncLocalStorageContextManager } from '@opentelemetry/context-async-hooks';
import { W3CTraceContextPropagator } from '@opentelemetry/core';
import { InMemoryLogRecordExporter, LoggerProvider, SimpleLogRecordProcessor } from '@opentelemetry/sdk-logs';
import { InMemorySpanExporter, SimpleSpanProcessor, TracerProvider } from '@opentelemetry/sdk-trace';

const complaints = [];
const complain = (...words) => complaints.push(words.join(' '));
const nothing = () => undefined;
diag.setLogger(
  { error: complain, warn: complain, info: nothing, debug: nothing, verbose: nothing },
  { logLevel: DiagLogLevel.WARN },
);
const exporter = new InMemorySpanExporter();
const tracerProvider = new TracerProvider({ spanProcessors: [new SimpleSpanProcessor({ exporter })] });
const logExporter = new InMemoryLogRecordExporter();
const registered = [
  trace.setGlobalTracerProvider(tracerProvider),
  logs.setGlobalLoggerProvider(
    new LoggerProvider({ processors: [new SimpleLogRecordProcessor({ exporter: logExporter })] }),
  ),
  context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable()),
  propagation.setGlobalPropagator(new W3CTraceContextPropagator()),
];
const tracer = trace.getTracer('application');

async function nightly() {
  tracer.startActiveSpan('query', (span) => span.end());
  logs.getLogger('application').emit({ body: 'queried' });
}

tracer.startSpan('start-up').end();
await nightly();
console.log(
  JSON.stringify({
    registered,
    complaints,
    spans: exporter.getFinishedSpans().map(({ name }) => name),
    logs: logExporter.getFinishedLogRecords().map(({ body }) => body),
  }),
);
