/** Declares metrics once, and reads what programs report against the declaration. */
import { AGGREGATIONS, type Aggregation } from '../metrics.ts';
import { describeValue, quote } from '../run-id/describe-value.ts';
import { MAX_METRIC_NAME_LENGTH, metricNameKey, tidyMetricName } from './metric-name.ts';
import { readInstant } from './read-instant.ts';
import { readNumber } from './read-number.ts';

/** What is said of a metric, once. */
export interface MetricDeclaration {
  /** How values combine: within a client run over time, and over the clients of a job run. */
  aggregation: Aggregation;
  /** UCUM: `s`, `By`, `{lead}`. Default `1`, or `s` for a time. */
  unit?: string;
  /** One sentence for people who see the number. */
  description?: string;
  /** The smallest allowed value. */
  min?: number;
  /** The largest allowed value. */
  max?: number;
  /** Whether only whole numbers are allowed. */
  integer?: boolean;
  /** A point in time, kept as seconds since 1970. Takes Dates and ISO 8601 texts as well. */
  time?: boolean;
  /** Rollcall works this one out itself; what it comes from, in words. Reported values are refused. */
  derivedFrom?: string;
}

export interface DeclaredMetric extends Readonly<MetricDeclaration> {
  readonly name: string;
  readonly unit: string;
}

/** A value that can be stored, or why it cannot. Never a 0 in place of something else. */
export type MetricReading =
  | { status: 'ok'; metric: string; aggregation: Aggregation; unit: string; value: number }
  | { status: 'refused'; subject: string; reason: string };

/** A set of declared metrics. */
export interface MetricDefinition {
  readonly metrics: readonly DeclaredMetric[];
  /** The metric that a name in any spelling declares. */
  find(name: string): DeclaredMetric | undefined;
  /**
   * Reads one reported value. Undeclared names are accepted, as a `sum` of unit `''` unless an aggregation is given.
   * Never throws.
   */
  read(name: unknown, value: unknown, aggregation?: Aggregation): MetricReading;
}

/** What an undeclared metric is taken for when nobody says otherwise. */
export const DEFAULT_AGGREGATION: Aggregation = 'sum';

/**
 * Declares metrics by name. Throws a TypeError when the declaration contradicts itself:
 * two spellings of one name, an unknown aggregation, an empty range.
 * @example
 * defineMetrics({ 'End Time': { aggregation: 'max', time: true } }).read('endTime', '2025-09-30T12:30:45Z') // => { status: 'ok', metric: 'End Time', aggregation: 'max', unit: 's', value: 1759235445 }
 * defineMetrics({ Leads: { aggregation: 'sum', min: 0 } }).read('leads', -1) // => { status: 'refused', subject: 'Leads', reason: '-1 is below 0, the smallest allowed' }
 */
export function defineMetrics(declarations: Readonly<Record<string, MetricDeclaration>>): MetricDefinition {
  const byKey = new Map<string, DeclaredMetric>();
  for (const [name, declaration] of Object.entries(declarations)) {
    const metric = checkDeclaration(name, declaration);
    const other = byKey.get(metricNameKey(name));
    if (other !== undefined) throw new TypeError(`${quote(name)} and ${quote(other.name)} are one name`);
    byKey.set(metricNameKey(name), metric);
  }
  const find = (name: string) => byKey.get(metricNameKey(name));
  return Object.freeze({
    metrics: Object.freeze([...byKey.values()]),
    find,
    read: (name: unknown, value: unknown, aggregation?: Aggregation) => {
      const refusal = refuseName(name);
      if (refusal !== null) return refusal;
      const metric = find(String(name)) ?? undeclared(String(name), aggregation);
      return readAgainst(metric, value, aggregation);
    },
  });
}

/**
 * A metric's name as it is stored: the declared one where a declaration knows the name in any spelling,
 * else the name itself, trimmed, with single spaces inside.
 * @example
 * normalizeMetricName('endTime', defineMetrics({ 'End Time': { aggregation: 'max' } })) // => 'End Time'
 * normalizeMetricName('  Rows   written ') // => 'Rows written'
 */
export function normalizeMetricName(name: string, definition?: MetricDefinition): string {
  return definition?.find(name)?.name ?? tidyMetricName(name);
}

function checkDeclaration(name: string, declaration: MetricDeclaration): DeclaredMetric {
  const refusal = refuseName(name);
  if (refusal?.status === 'refused') throw new TypeError(`A metric cannot be declared: ${refusal.reason}`);
  if (name !== tidyMetricName(name)) throw new TypeError(`${quote(name)} has stray white space; remove it`);
  const { aggregation, min = -Infinity, max = Infinity } = declaration;
  if (!AGGREGATIONS.includes(aggregation)) {
    throw new TypeError(`${quote(name)} has the aggregation ${describeValue(aggregation)}; use ${CHOICE}`);
  }
  if (!(min <= max)) throw new TypeError(`${quote(name)} allows nothing: from ${min} to ${max}`);
  const unit = declaration.unit ?? (declaration.time === true ? 's' : '1');
  return Object.freeze({ ...declaration, name, unit });
}

const CHOICE = AGGREGATIONS.map((aggregation) => `'${aggregation}'`).join(', ');

function refuseName(name: unknown): (MetricReading & { status: 'refused' }) | null {
  if (typeof name !== 'string') {
    const subject = describeValue(name);
    return refused(subject, `a metric's name is a text, not ${subject}`);
  }
  const subject = tidyMetricName(name).slice(0, MAX_METRIC_NAME_LENGTH);
  if (metricNameKey(name) === '') return refused(subject, "a metric's name cannot be empty");
  if (tidyMetricName(name).length > MAX_METRIC_NAME_LENGTH) {
    return refused(subject, `a metric's name has at most ${MAX_METRIC_NAME_LENGTH} characters`);
  }
  if (/[\p{Cc}\p{Cs}]/u.test(tidyMetricName(name))) {
    return refused(JSON.stringify(subject), `a metric's name is printable; got ${quote(name)}`);
  }
  return null;
}

function undeclared(name: string, aggregation: Aggregation = DEFAULT_AGGREGATION): DeclaredMetric {
  return { name: tidyMetricName(name), aggregation, unit: '' };
}

function readAgainst(metric: DeclaredMetric, value: unknown, aggregation?: Aggregation): MetricReading {
  const { name, unit, time = false } = metric;
  if (metric.derivedFrom !== undefined) {
    return refused(name, `it is not reported; Rollcall derives it from ${metric.derivedFrom}`);
  }
  if (aggregation !== undefined && aggregation !== metric.aggregation) {
    return refused(name, `it came as ${aggregation}, but the metric is a ${metric.aggregation}`);
  }
  const reading = time ? readInstant(value) : readNumber(value);
  if (reading.status === 'refused') return refused(name, reading.reason);
  const reason = outsideOf(metric, reading.value);
  if (reason !== null) return refused(name, reason);
  return { status: 'ok', metric: name, aggregation: metric.aggregation, unit, value: reading.value };
}

function outsideOf({ min, max, integer }: DeclaredMetric, value: number): string | null {
  if (integer === true && !Number.isInteger(value)) return `${value} is not a whole number`;
  if (min !== undefined && value < min) return `${value} is below ${min}, the smallest allowed`;
  if (max !== undefined && value > max) return `${value} is above ${max}, the largest allowed`;
  return null;
}

function refused(subject: string, reason: string): MetricReading & { status: 'refused' } {
  return { status: 'refused', subject, reason };
}
