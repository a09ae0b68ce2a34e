/** Plants runs of known truth, at any time of the past, over OTLP/HTTP: as their processes would have told of them. */

import { createHash } from 'node:crypto';
import { generateRunId, type DeclaredStatus } from '@rollcall/semconv';

interface PlantedError {
  readonly type: string;
  readonly message: string;
  readonly stack?: string;
  readonly step?: string;
}

export interface PlantedAttempt {
  /** After the start of the run; 0 unless told. */
  readonly offsetMs?: number;
  readonly durationMs: number;
  /** `completed` unless told; null where it never ended. */
  readonly status?: DeclaredStatus | null;
  readonly error?: PlantedError;
  readonly metrics?: Readonly<Record<string, number>>;
  /** How long each step took, in the order in which they ran. */
  readonly steps?: Readonly<Record<string, number>>;
}

export interface PlantedRun {
  readonly job: string;
  readonly at: Date;
  readonly durationMs: number;
  readonly status?: DeclaredStatus | null;
  readonly error?: PlantedError;
  readonly expected?: readonly string[];
  readonly clients?: Readonly<Record<string, PlantedAttempt | readonly PlantedAttempt[]>>;
  readonly attempt?: number;
  readonly heartbeatIntervalMs?: number;
  /** So many of its events never arrive. */
  readonly lostEvents?: number;
  readonly alias?: string;
}

type Attributes = Record<string, string | number | undefined>;

interface Telemetry {
  readonly logs: object[];
  readonly spans: object[];
  readonly points: Map<string, object[]>;
}

/** Sends them in one request per signal, and returns their run IDs. */
export async function plantRuns(url: string, runs: readonly PlantedRun[]): Promise<string[]> {
  const telemetry: Telemetry = { logs: [], spans: [], points: new Map() };
  const runIds = runs.map((run) => plantRun(telemetry, run));
  const resource = {
    attributes: attributesOf({ 'service.name': 'planted', 'service.instance.id': 'planted-1' }),
  };
  const scope = { name: 'planted' };
  await post(url, 'logs', {
    resourceLogs: [{ resource, scopeLogs: [{ scope, logRecords: telemetry.logs }] }],
  });
  await post(url, 'traces', {
    resourceSpans: [{ resource, scopeSpans: [{ scope, spans: telemetry.spans }] }],
  });
  const metrics = [...telemetry.points].map(([name, dataPoints]) => ({
    name,
    sum: { aggregationTemporality: 2, isMonotonic: true, dataPoints },
  }));
  await post(url, 'metrics', { resourceMetrics: [{ resource, scopeMetrics: [{ scope, metrics }] }] });
  return runIds;
}

/** Waits until everything that the service accepted is in ClickHouse, and rolled up. */
export async function settled(url: string): Promise<void> {
  for (;;) {
    const metrics = await (await fetch(`${url}/metrics`)).text();
    if (/^rollcall_spool_bytes 0$/m.test(metrics) && /^rollcall_rollup_lag_seconds 0$/m.test(metrics)) return;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

function plantRun({ logs, spans, points }: Telemetry, run: PlantedRun): string {
  const runId = generateRunId(run.at);
  const startMs = run.at.getTime();
  const traceId = hex(`${run.job} ${startMs}`, 32);
  let sequence = 0;
  const of = (attributes: Attributes): Attributes => ({
    'rollcall.run.id': runId,
    'rollcall.run.origin': traceId,
    'rollcall.job.name': run.job,
    ...attributes,
  });
  const event = (name: string, atMs: number, attributes: Attributes): void => {
    sequence += 1;
    logs.push({
      timeUnixNano: nanos(atMs),
      eventName: name,
      traceId,
      spanId: hex(`${traceId} ${sequence}`, 16),
      attributes: attributesOf(of({ ...attributes, 'rollcall.event.sequence': sequence })),
    });
  };
  const attempt = run.attempt ?? 1;
  event('rollcall.run.started', startMs, {
    'rollcall.attempt': attempt,
    'rollcall.heartbeat.interval_ms': run.heartbeatIntervalMs,
  });
  if (run.expected !== undefined) {
    event('rollcall.run.roster', startMs, { 'rollcall.clients.expected': JSON.stringify(run.expected) });
  }
  if (run.alias !== undefined) {
    event('rollcall.run.alias', startMs, { 'rollcall.alias': run.alias, 'rollcall.alias.kind': 'external' });
  }
  for (const [clientId, planted] of Object.entries(run.clients ?? {})) {
    for (const [index, part] of [planted].flat().entries()) {
      const client = { 'rollcall.client.id': clientId, 'rollcall.attempt': index + 1 };
      const beginMs = startMs + (part.offsetMs ?? 0);
      const endMs = beginMs + part.durationMs;
      event('rollcall.client_run.started', beginMs, client);
      let stepMs = beginMs;
      for (const [name, durationMs] of Object.entries(part.steps ?? {})) {
        spans.push({
          traceId,
          spanId: hex(`${traceId} ${clientId} ${index} ${name}`, 16),
          name,
          startTimeUnixNano: nanos(stepMs),
          endTimeUnixNano: nanos(stepMs + durationMs),
          attributes: attributesOf(
            of({ ...client, 'rollcall.span.kind': 'step', 'rollcall.step.name': name }),
          ),
        });
        stepMs += durationMs;
      }
      for (const [metric, value] of Object.entries(part.metrics ?? {})) {
        points.set(metric, [
          ...(points.get(metric) ?? []),
          {
            startTimeUnixNano: nanos(beginMs),
            timeUnixNano: nanos(endMs),
            asDouble: value,
            attributes: attributesOf(of({ ...client, 'rollcall.metric.aggregation': 'sum' })),
          },
        ]);
      }
      if (part.error !== undefined) event('rollcall.failure', endMs, { ...client, ...exception(part.error) });
      if (part.status !== null) {
        event('rollcall.client_run.ended', endMs, {
          ...client,
          'rollcall.status': part.status ?? 'completed',
          ...(part.error === undefined ? {} : exception(part.error)),
        });
      }
    }
  }
  sequence += run.lostEvents ?? 0;
  const endMs = startMs + run.durationMs;
  if (run.error !== undefined) event('rollcall.failure', endMs, exception(run.error));
  if (run.status !== null) {
    event('rollcall.run.ended', endMs, {
      'rollcall.attempt': attempt,
      'rollcall.status': run.status ?? 'completed',
      ...(run.error === undefined ? {} : exception(run.error)),
    });
  }
  return runId;
}

function exception({ type, message, stack, step }: PlantedError): Attributes {
  return {
    'exception.type': type,
    'exception.message': message,
    'exception.stacktrace': stack,
    'rollcall.step.name': step,
  };
}

function attributesOf(attributes: Attributes): object[] {
  return Object.entries(attributes).flatMap(([key, value]) => {
    if (value === undefined) return [];
    return [{ key, value: typeof value === 'number' ? { intValue: String(value) } : { stringValue: value } }];
  });
}

async function post(url: string, signal: string, body: object): Promise<void> {
  const response = await fetch(`${url}/v1/${signal}`, {
    method: 'POST',
    headers: { 'Content-Type': 'application/json' },
    body: JSON.stringify(body),
  });
  const text = await response.text();
  if (!response.ok || text.includes('rejected')) throw new Error(`${signal}: ${response.status} ${text}`);
}

function nanos(ms: number): string {
  return `${BigInt(Math.round(ms * 1_000))}000`;
}

function hex(text: string, length: number): string {
  return createHash('sha256').update(text).digest('hex').slice(0, length);
}
