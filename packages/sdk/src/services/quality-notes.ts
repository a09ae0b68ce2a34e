/** Tells a run of values that were refused before they were sent, so that it shows what it lacks. */
import { randomUUID } from 'node:crypto';
import { ATTR, EVENT } from '@rollcall/semconv';
import type { MetricRefusal } from './records.ts';
import type { TrackingClient } from './tracking-client.ts';

const MOST_COUNTED = 10_000;

/** Notes go the way of all notes: as events over OTLP, counted per run, client and metric. */
export class QualityNotes {
  readonly #client: TrackingClient;
  readonly #producer = randomUUID();
  readonly #counts = new Map<string, number>();

  constructor(client: TrackingClient) {
    this.#client = client;
  }

  /** Best effort: a note that does not arrive is in the log and in the answer to the caller all the same. */
  async tell(
    run: { runId: string; job: string; origin: string },
    clientId: string | null,
    refused: readonly MetricRefusal[],
    signal?: AbortSignal,
  ): Promise<void> {
    const logRecords = refused.map(({ subject, reason }) => {
      const count = this.#count(`${run.runId} ${run.origin} ${clientId ?? ''} ${subject}`);
      return toLogRecord({
        [ATTR.RUN_ID]: run.runId,
        [ATTR.RUN_ORIGIN]: run.origin,
        [ATTR.JOB_NAME]: run.job,
        ...(clientId === null ? {} : { [ATTR.CLIENT_ID]: clientId }),
        [ATTR.NOTE_CODE]: 'metric_refused',
        [ATTR.NOTE_SUBJECT]: subject,
        [ATTR.NOTE_TEXT]: reason,
        [ATTR.NOTE_COUNT]: count,
      });
    });
    const resource = { attributes: toAttributes({ [ATTR.SERVICE_INSTANCE_ID]: this.#producer }) };
    const scopeLogs = [{ scope: { name: '@rollcall/sdk' }, logRecords }];
    const body = { resourceLogs: [{ resource, scopeLogs }] };
    await this.#client.request({ method: 'POST', path: '/v1/logs', body, signal });
  }

  #count(key: string): number {
    if (this.#counts.size >= MOST_COUNTED) this.#counts.clear();
    const count = (this.#counts.get(key) ?? 0) + 1;
    this.#counts.set(key, count);
    return count;
  }
}

function toLogRecord(attributes: Record<string, string | number>): object {
  const timeUnixNano = `${Date.now()}000000`;
  return {
    eventName: EVENT.NOTE,
    timeUnixNano,
    observedTimeUnixNano: timeUnixNano,
    severityNumber: 9,
    severityText: 'INFO',
    attributes: toAttributes(attributes),
  };
}

function toAttributes(attributes: Record<string, string | number>): object[] {
  return Object.entries(attributes).map(([key, value]) => ({
    key,
    value: typeof value === 'number' ? { intValue: String(value) } : { stringValue: value },
  }));
}
