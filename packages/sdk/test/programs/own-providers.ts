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

const isJoined = process.argv[2] === 'joined';
const early = isJoined ? startRollcall({ registerGlobals: false }) : undefined;
const spanExporter = new InMemorySpanExporter();
const spanProcessor = new SimpleSpanProcessor({ exporter: spanExporter });
const tracerProvider = new TracerProvider({
  spanProcessors: early === undefined ? [spanProcessor] : [early.spanProcessor, spanProcessor],
});
const logExporter = new InMemoryLogRecordExporter();
const logProcessor = new SimpleLogRecordProcessor({ exporter: logExporter });
const loggerProvider = new LoggerProvider({
  processors: early === undefined ? [logProcessor] : [early.logRecordProcessor, logProcessor],
});
trace.setGlobalTracerProvider(tracerProvider);
logs.setGlobalLoggerProvider(loggerProvider);
context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable());
propagation.setGlobalPropagator(new W3CTraceContextPropagator());
const rollcall = early ?? startRollcall();

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
