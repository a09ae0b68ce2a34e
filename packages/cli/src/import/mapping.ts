/** Decides what each column of an old table means. */

import { readFile } from 'node:fs/promises';
import {
  AGGREGATIONS,
  defineMetrics,
  HERITAGE_METRICS,
  type Aggregation,
  type MetricDefinition,
} from '@rollcall/semconv';
import { z } from 'zod';
import { UsageError } from '../print/failure.ts';
import {
  DERIVED_NAMES,
  FIELD_NAMES,
  FIELDS,
  OUTCOMES,
  outcomeOf,
  plainName,
  type Field,
  type Outcome,
} from './heritage.ts';

/** A column's meaning. Of a field's columns the one with the lowest rank counts, where it is filled. */
export type Role =
  | { readonly kind: 'field'; readonly field: Field; readonly rank: number }
  | MetricRole
  /** Rollcall works it out itself. */
  | { readonly kind: 'derived' }
  | { readonly kind: 'unused' };

export interface MetricRole {
  readonly kind: 'metric';
  readonly name: string;
  readonly aggregation: Aggregation;
  readonly unit: string;
  /** Says which values are allowed. */
  readonly definition: MetricDefinition;
}

const columns = z.union([z.string(), z.array(z.string())]).transform((names) => [names].flat());
const aggregation = z.enum(AGGREGATIONS);
const schema = z.strictObject({
  job: z.string().min(1).max(128).optional(),
  columns: z.partialRecord(z.enum(FIELDS), columns).default({}),
  metrics: z
    .record(
      z.string(),
      z.union([
        aggregation,
        z.strictObject({ name: z.string().min(1).optional(), aggregation, unit: z.string().optional() }),
      ]),
    )
    .default({}),
  statuses: z.record(z.string(), z.enum(OUTCOMES)).default({}),
  ignore: z.array(z.string()).default([]),
});
export type MappingFile = z.infer<typeof schema>;

/**
 * Reads a mapping file; docs/import.md describes it.
 * @throws UsageError naming every fault
 */
export async function readMappingFile(path: string | undefined): Promise<MappingFile> {
  if (path === undefined) return schema.parse({});
  const text = await readFile(path, 'utf8').catch(() => {
    throw new UsageError(`There is no mapping file '${path}'.`);
  });
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw new UsageError(`The mapping file '${path}' is no JSON: ${(error as Error).message}`);
  }
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  const faults = parsed.error.issues.map(
    ({ path: at, message }) => `${at.join('.') || 'the file'}: ${message}`,
  );
  throw new UsageError(`Unusable mapping file '${path}': ${faults.join('; ')}`);
}

/** Knows the meaning of columns and statuses: the mapping file's word first, then the usual names. */
export class Mapping {
  readonly #file: MappingFile;
  readonly #statuses: ReadonlyMap<string, Outcome>;
  readonly #roles = new Map<string, Role>();

  constructor(file: MappingFile) {
    this.#file = file;
    this.#statuses = new Map(
      Object.entries(file.statuses).map(([text, outcome]) => [plainName(text), outcome]),
    );
  }

  /** The job of rows that name none, where the mapping file has one. */
  get job(): string | undefined {
    return this.#file.job;
  }

  roleOf(column: string): Role {
    const known = this.#roles.get(column);
    if (known !== undefined) return known;
    const role = this.#decide(column);
    this.#roles.set(column, role);
    return role;
  }

  outcomeOf(status: string): Outcome | null {
    return this.#statuses.get(plainName(status)) ?? outcomeOf(status);
  }

  /** The columns that were seen and say nothing to Rollcall. */
  unusedColumns(): string[] {
    return [...this.#roles].filter(([, { kind }]) => kind === 'unused').map(([column]) => column);
  }

  /**
   * Once all columns were seen: is everything there that the mapping file names, and the run ID?
   * @throws UsageError
   */
  check(): void {
    const { columns: fields, metrics } = this.#file;
    const seen = [...this.#roles.keys()];
    const list = seen.map((column) => `'${column}'`).join(', ');
    const missing = [...Object.values(fields).flat(), ...Object.keys(metrics)].find(
      (name) => !this.#roles.has(name),
    );
    if (missing !== undefined) {
      throw new UsageError(
        `The mapping file names the column '${missing}', which is not there; there are ${list}.`,
      );
    }
    if ([...this.#roles.values()].some((role) => role.kind === 'field' && role.field === 'runId')) return;
    throw new UsageError(
      `No column looks like a run ID ('Run ID'); there are ${list || 'none'}. Name it in a mapping file: {"columns": {"runId": "…"}}`,
    );
  }

  #decide(column: string): Role {
    const { columns: fields, metrics, ignore } = this.#file;
    if (ignore.includes(column)) return UNUSED;
    for (const field of FIELDS) {
      const rank = fields[field]?.indexOf(column) ?? -1;
      if (rank >= 0) return { kind: 'field', field, rank };
    }
    const metric = metrics[column];
    if (metric !== undefined) return metricRole(column, metric);
    return this.#guess(column);
  }

  #guess(column: string): Role {
    const plain = plainName(column);
    if (DERIVED_NAMES.has(plain)) return { kind: 'derived' };
    for (const field of FIELDS) {
      const rank = FIELD_NAMES[field].indexOf(plain);
      if (rank >= 0 && this.#file.columns[field] === undefined) return { kind: 'field', field, rank };
    }
    const metric = HERITAGE_METRICS.find(column);
    if (metric === undefined) return UNUSED;
    if (metric.derivedFrom !== undefined) return { kind: 'derived' };
    return { kind: 'metric', definition: HERITAGE_METRICS, ...metric };
  }
}

/** A mapping file says no more of a metric than how its values combine. */
const ANY_METRIC = defineMetrics({});
const UNUSED: Role = { kind: 'unused' };

function metricRole(column: string, given: MappingFile['metrics'][string]): Role {
  const {
    name = column,
    aggregation: how,
    unit = '',
  } = typeof given === 'string' ? { aggregation: given } : given;
  return { kind: 'metric', name, aggregation: how, unit, definition: ANY_METRIC };
}
