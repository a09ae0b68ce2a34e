/** Reads reported metrics into what the tracking API takes, and sets aside what cannot be kept. */
import type { Aggregation, MetricDefinition } from '@rollcall/semconv';
import type { MetricRefusal } from './records.ts';

/** A number, a text that says one exactly, a Date for a metric that is a time; or one of these with its aggregation. */
export type MetricValue =
  | number
  | string
  | Date
  | { value: number | string | Date; aggregation?: Aggregation; unit?: string };

export type MetricValues = Readonly<Record<string, MetricValue>>;

/** By stored name. */
export type WireMetrics = Record<string, { value: number; aggregation?: Aggregation; unit?: string }>;

/**
 * Undefined values are left out: nothing was said. Everything else is kept or refused with a reason.
 * Additions can only be made to sums.
 */
export function readMetrics(
  metrics: MetricValues,
  definition: MetricDefinition,
  { areAdditions = false } = {},
): { kept: WireMetrics; refused: MetricRefusal[] } {
  const kept: WireMetrics = {};
  const refused: MetricRefusal[] = [];
  for (const [name, given] of Object.entries(metrics)) {
    if (given === undefined) continue;
    const {
      value,
      aggregation = areAdditions ? 'sum' : undefined,
      unit,
    } = isDetailed(given) ? given : { value: given };
    const reading = definition.read(name, value, aggregation);
    if (reading.status === 'refused') {
      refused.push({ subject: reading.subject, reason: reading.reason });
    } else if (Object.hasOwn(kept, reading.metric)) {
      refused.push({ subject: reading.metric, reason: `${name} names the metric a second time` });
    } else {
      const isDeclared = definition.find(name) !== undefined;
      const told = isDeclared || aggregation !== undefined ? { aggregation: reading.aggregation } : {};
      const measured = unit ?? reading.unit;
      kept[reading.metric] = {
        value: reading.value,
        ...told,
        ...(measured === '' ? {} : { unit: measured }),
      };
    }
  }
  return { kept, refused };
}

function isDetailed(given: MetricValue): given is Exclude<MetricValue, number | string | Date> {
  return typeof given === 'object' && given !== null && 'value' in given;
}
