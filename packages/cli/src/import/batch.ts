/** Gathers evidence into OTLP requests of a bounded size. */

import { ATTR } from '@rollcall/semconv';
import { PRODUCER, type Evidence, type PointText } from './evidence.ts';

/** What one request is to hold. */
export type OtlpRequest =
  | { readonly signal: 'logs'; readonly records: readonly string[] }
  | { readonly signal: 'metrics'; readonly records: readonly PointText[] };

// The service walks through bodies of more than 1 MiB once more, and parses big ones at the expense of its memory.
const FULL_CHARACTERS = 1_000_000;

/** Takes rows until it is full. */
export class Batch {
  rows = 0;
  #characters = 0;
  readonly #events: string[] = [];
  readonly #points: PointText[] = [];

  get isFull(): boolean {
    return this.#characters >= FULL_CHARACTERS;
  }

  add({ events, points }: Evidence): void {
    this.rows++;
    this.#events.push(...events);
    this.#points.push(...points);
    for (const event of events) this.#characters += event.length;
    for (const { point } of points) this.#characters += point.length;
  }

  requests(): OtlpRequest[] {
    const all: OtlpRequest[] = [
      { signal: 'logs', records: this.#events },
      { signal: 'metrics', records: this.#points },
    ];
    return all.filter(({ records }) => records.length > 0);
  }
}

const RESOURCE = JSON.stringify({
  attributes: [ATTR.SERVICE_NAME, ATTR.SERVICE_INSTANCE_ID].map((key) => ({
    key,
    value: { stringValue: PRODUCER },
  })),
});
const SCOPE = JSON.stringify({ name: PRODUCER });

/** The request as OTLP/JSON. */
export function bodyOf({ signal, records }: OtlpRequest): string {
  return signal === 'logs'
    ? `{"resourceLogs":[{"resource":${RESOURCE},"scopeLogs":[{"scope":${SCOPE},"logRecords":[${records.join(',')}]}]}]}`
    : `{"resourceMetrics":[{"resource":${RESOURCE},"scopeMetrics":[{"scope":${SCOPE},"metrics":[${metricsOf(records)}]}]}]}`;
}

/** Two requests with half of the records each, or none where there is but one record. */
export function halve(request: OtlpRequest): OtlpRequest[] {
  const middle = Math.ceil(request.records.length / 2);
  if (middle === request.records.length) return [];
  return [
    [0, middle],
    [middle, request.records.length],
  ].map(([from, to]) =>
    request.signal === 'logs'
      ? { signal: 'logs', records: request.records.slice(from, to) }
      : { signal: 'metrics', records: request.records.slice(from, to) },
  );
}

function metricsOf(points: readonly PointText[]): string {
  const byMetric = Map.groupBy(points, ({ head, tail }) => head + tail);
  return Array.from(byMetric.values(), (ofMetric) => {
    const { head, tail } = ofMetric[0] as PointText;
    return head + ofMetric.map(({ point }) => point).join(',') + tail;
  }).join(',');
}
