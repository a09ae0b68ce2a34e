/** Carries spans, events and metric points to ingest. */
import { setImmediate as nextTurn, setTimeout as sleep } from 'node:timers/promises';
import {
  JsonLogsSerializer,
  JsonMetricsSerializer,
  JsonTraceSerializer,
  ProtobufLogsSerializer,
  ProtobufMetricsSerializer,
  ProtobufTraceSerializer,
  type ISerializer,
} from '@opentelemetry/otlp-transformer';
import type { ReadableLogRecord } from '@opentelemetry/sdk-logs';
import type { ResourceMetrics } from '@opentelemetry/sdk-metrics';
import type { ReadableSpan } from '@opentelemetry/sdk-trace';
import type { Config } from '../config.ts';
import { sdkLog } from '../faults.ts';
import type { Series } from '../metrics/series.ts';
import { Outbox, type SendResult } from './outbox.ts';
import { Transport } from './transport.ts';

/** Turns series into points at the moment of sending, and learns whether they arrived. */
export interface PointSource {
  read(batch: readonly Series[]): { metrics: ResourceMetrics; delivered: () => void };
  dropped(series: readonly Series[]): void;
}

const MAX_RECORDS = 200_000;
const MAX_SERIES = 500_000;
/** From here on a job that never waits for anything lets the event loop turn. */
const HIGH_WATER = 5_000;
/** From here on a job that outruns ingest is held back. */
const BRIM = MAX_RECORDS / 4;
const LONGEST_HOLD_MS = 50;
const HOLD_STEP_MS = 5;

/** Three outboxes and the way they take. */
export class Delivery {
  readonly spans: Outbox<ReadableSpan>;
  readonly events: Outbox<ReadableLogRecord>;
  readonly points: Outbox<Series>;
  readonly #transport: Transport | undefined;

  constructor(config: Config, source: PointSource) {
    this.#transport = openTransport(config);
    const json = config.protocol === 'http/json';
    const sendSpans = this.#sender('v1/traces', json ? JsonTraceSerializer : ProtobufTraceSerializer);
    const sendEvents = this.#sender('v1/logs', json ? JsonLogsSerializer : ProtobufLogsSerializer);
    const sendMetrics = this.#sender('v1/metrics', json ? JsonMetricsSerializer : ProtobufMetricsSerializer);
    this.spans = new Outbox({
      name: 'spans',
      send: async (batch) => sendSpans([...batch]),
      delayMs: 800,
      maxBatch: 1_000,
      limit: MAX_RECORDS,
    });
    this.events = new Outbox({
      name: 'events',
      send: async (batch) => sendEvents([...batch]),
      delayMs: 150,
      maxBatch: 1_000,
      limit: MAX_RECORDS,
    });
    this.points = new Outbox({
      name: 'metric points',
      send: async (batch) => {
        const reading = source.read(batch);
        const result = await sendMetrics(reading.metrics);
        if (result.status === 'delivered') reading.delivered();
        return result;
      },
      delayMs: 800,
      maxBatch: 2_500,
      limit: MAX_SERIES,
      onDrop: (series) => source.dropped(series),
    });
  }

  /** Records that ingest has not confirmed. */
  get backlog(): number {
    return this.spans.size + this.events.size + this.points.size;
  }

  get failing(): boolean {
    return this.#outboxes.some((outbox) => outbox.failing);
  }

  /** Waits until all that is held now was delivered, at most `timeoutMs`. Resolves to whether it was. */
  async flush(timeoutMs: number): Promise<boolean> {
    const flushed = await Promise.all(this.#outboxes.map(async (outbox) => outbox.flush(timeoutMs)));
    return flushed.every(Boolean);
  }

  /**
   * Lets a job that does nothing but produce telemetry pause for its export: not at all below the high-water mark,
   * for one turn of the event loop above it, and up to 50 ms while the backlog stands at the brim.
   * Undefined when there is nothing to wait for, so that the usual case costs no turn at all.
   */
  pace(): Promise<void> | undefined {
    return this.backlog < HIGH_WATER ? undefined : this.#hold();
  }

  async #hold(): Promise<void> {
    await nextTurn();
    for (let heldMs = 0; heldMs < LONGEST_HOLD_MS; heldMs += HOLD_STEP_MS) {
      if (this.backlog < BRIM || this.failing) return;
      await sleep(HOLD_STEP_MS);
    }
  }

  /** Gives up what is held and breaks off what is in flight. */
  close(): void {
    for (const outbox of this.#outboxes) outbox.close();
    this.#transport?.close();
  }

  get #outboxes() {
    return [this.events, this.spans, this.points];
  }

  #sender<Request, Response extends { partialSuccess?: object }>(
    path: string,
    serializer: ISerializer<Request, Response>,
  ): (request: Request) => Promise<SendResult> {
    return async (request) => {
      const payload = this.#transport && serializer.serializeRequest(request);
      if (this.#transport === undefined || payload === undefined) return { status: 'delivered' };
      const posted = await this.#transport.post(path, payload);
      if (posted.status !== 'accepted') return posted;
      reportPartialSuccess(path, serializer, posted.body);
      return { status: 'delivered' };
    };
  }
}

function openTransport(config: Config): Transport | undefined {
  if (config.disabled || config.endpoint === undefined) return undefined;
  return new Transport({
    endpoint: config.endpoint,
    headers: config.headers,
    contentType: config.protocol === 'http/json' ? 'application/json' : 'application/x-protobuf',
    requestTimeoutMs: config.requestTimeoutMs,
  });
}

function reportPartialSuccess<Response extends { partialSuccess?: object }>(
  path: string,
  serializer: ISerializer<never, Response>,
  body: Uint8Array,
): void {
  if (body.length === 0) return;
  try {
    const { partialSuccess } = serializer.deserializeResponse(body);
    if (partialSuccess !== undefined && Object.values(partialSuccess).some(Boolean)) {
      sdkLog.warn(`Ingest refused records of a request to ${path}: ${JSON.stringify(partialSuccess)}`);
    }
  } catch (error) {
    sdkLog.debug(`Ingest accepted a request to ${path} with an answer that cannot be read`, error);
  }
}
