/** Turns a row of an old table into what it says about a run. */

import type { Aggregation } from '@rollcall/semconv';
import { FIELDS, type Field, type Outcome } from './heritage.ts';
import { identifyRun, type RunIdentity } from './identify-run.ts';
import type { Mapping } from './mapping.ts';
import type { Cells } from './read-rows.ts';
import { readMetric, readTime, textOf } from './read-values.ts';

/** What a row says about a run. Times are nanoseconds since 1970. */
export interface ImportedRun extends RunIdentity {
  readonly attempt: number;
  readonly outcome: Outcome;
  readonly startedNs: bigint;
  /** null while it runs, as far as the table knows. */
  readonly endedNs: bigint | null;
  readonly error: { readonly type: string; readonly message: string } | null;
  /** What the table remarks, in words. */
  readonly remark: string;
  readonly metrics: readonly ImportedMetric[];
  /** What had to be assumed, in words. */
  readonly assumed: readonly string[];
  /** Values that were left out; the rest of the row counts. */
  readonly refusedValues: readonly Refusal[];
}

export interface ImportedMetric {
  readonly name: string;
  readonly aggregation: Aggregation;
  readonly unit: string;
  readonly value: number;
}

/** A value that can not be taken. */
export interface Refusal {
  readonly column: string;
  readonly value: string;
  /** What is wrong, and what would work. */
  readonly reason: string;
}

export type RunReading = { status: 'ok'; run: ImportedRun } | ({ status: 'refused' } & Refusal);

/** How to read the rows of an export. */
export interface Reading {
  readonly mapping: Mapping;
  /** The job of rows that name none. */
  readonly job: string;
  /** Now: no run of an old table starts later. */
  readonly nowMs: number;
}

/** Reads only whose run a row is about. */
export function readIdentity(cells: Cells, reading: Reading): RunIdentity | null {
  const identified = identify(pickFields(cells, reading.mapping), reading);
  return identified.status === 'ok' ? identified : null;
}

/** Reads a row, or says which of its cells makes that impossible. */
export function readRun(cells: Cells, reading: Reading): RunReading {
  const fields = pickFields(cells, reading.mapping);
  const identity = identify(fields, reading);
  if (identity.status === 'refused') {
    const { field, value, reason } = identity;
    return refuse(fields, field, reason, value);
  }
  const outcome = reading.mapping.outcomeOf(fields.status.text);
  if (outcome === null) return refuse(fields, 'status', whyUnknown(fields.status.text));
  const started = readTime(fields.startedAt.cell, reading.nowMs);
  if (started.status === 'refused') return refuse(fields, 'startedAt', started.reason);
  const ended = readTime(fields.endedAt.cell, reading.nowMs);
  if (ended.status === 'refused') return refuse(fields, 'endedAt', ended.reason);
  const attempt = Number(fields.attempt.text.trim() || 1);
  if (!isAttempt(attempt)) {
    return refuse(fields, 'attempt', 'An attempt is a whole number from 1 to 65535.');
  }
  if (started.value !== null && ended.value !== null && ended.value < started.value) {
    return refuse(
      fields,
      'endedAt',
      `It is before the start, ${fields.startedAt.text}; correct one of the two.`,
    );
  }
  const error = readError(fields);
  const assumed: string[] = [];
  const times = settleTimes({ identity, outcome, startedNs: started.value, endedNs: ended.value }, assumed);
  const { metrics, refusedValues } = readMetrics(cells, reading.mapping);
  return {
    status: 'ok',
    run: {
      ...identity,
      ...times,
      attempt,
      // An error speaks against a run that says completed.
      outcome: outcome === 'completed' && error !== null ? 'completed_with_errors' : outcome,
      error,
      remark: fields.notes.text.trim(),
      metrics,
      assumed,
      refusedValues,
    },
  };
}

interface FieldCell {
  readonly column: string;
  readonly cell: unknown;
  readonly text: string;
}

/** The filled cell of each field that comes first in rank. */
function pickFields(cells: Cells, mapping: Mapping): Record<Field, FieldCell> {
  const picked: Partial<Record<Field, FieldCell & { rank: number }>> = {};
  for (const column in cells) {
    const role = mapping.roleOf(column);
    if (role.kind !== 'field') continue;
    const text = textOf(cells[column]);
    const before = picked[role.field];
    const isBetter = before === undefined || before.text === '' || (text !== '' && role.rank < before.rank);
    if (isBetter) picked[role.field] = { column, cell: cells[column], text, rank: role.rank };
  }
  for (const field of FIELDS) picked[field] ??= { column: '', cell: null, text: '', rank: 0 };
  return picked as Record<Field, FieldCell>;
}

function identify(
  fields: Record<Field, FieldCell>,
  { job, mapping }: Reading,
): ReturnType<typeof identifyRun> {
  return identifyRun({
    runId: fields.runId.text,
    clientId: fields.clientId.text,
    job: fields.job.text.trim() || job || (mapping.job ?? ''),
  });
}

function refuse(
  fields: Record<Field, FieldCell>,
  field: Field,
  reason: string,
  value = fields[field].text,
): RunReading {
  return { status: 'refused', column: fields[field].column, value, reason };
}

function whyUnknown(status: string): string {
  const what = status.trim() === '' ? 'There is no status' : 'It is no status that Rollcall knows';
  return `${what}; say what it means in a mapping file: {"statuses": {${JSON.stringify(status)}: "completed"}}`;
}

function isAttempt(value: number): boolean {
  return Number.isInteger(value) && value >= 1 && value <= 65_535;
}

// What people write where there is no error.
const NO_ERROR = /^(?:none|no|no errors?|null|undefined|false|0|-|n\/a)$/i;
const TYPE_AND_MESSAGE = /^(\w*(?:Error|Exception)): +(.+)$/s;
const TYPE = /^[A-Za-z][\w.:-]{0,99}$/;

/** 'Error' holds the type where 'Error Message' has the rest, the message where it stands alone. */
function readError({ errorType, error, errorMessage }: Record<Field, FieldCell>): ImportedRun['error'] {
  const [type, short, long] = [errorType, error, errorMessage].map(({ text }) =>
    NO_ERROR.test(text.trim()) ? '' : text.trim(),
  ) as [string, string, string];
  const message = long || short;
  if (message === '' && type === '') return null;
  if (type !== '') return { type, message };
  if (long !== '' && TYPE.test(short)) return { type: short, message };
  const [, prefix, rest] = TYPE_AND_MESSAGE.exec(message) ?? [];
  return prefix === undefined || rest === undefined
    ? { type: 'Error', message }
    : { type: prefix, message: rest };
}

/** Keeps the table's times. Where one is missing or contradicts the status, what stands in for it is noted. */
function settleTimes(
  {
    identity,
    outcome,
    ...told
  }: {
    identity: RunIdentity;
    outcome: Outcome;
    startedNs: bigint | null;
    endedNs: bigint | null;
  },
  assumed: string[],
): { startedNs: bigint; endedNs: bigint | null } {
  const { startedNs, endedNs } = told;
  const start = startedNs ?? (endedNs !== null && endedNs < identity.idNs ? endedNs : identity.idNs);
  if (startedNs === null && identity.clientId !== null) {
    assumed.push('The table has no start time for this client; the start of its job run stands in.');
  }
  if (outcome === 'running') {
    if (endedNs !== null)
      assumed.push('The table says running and has an end time; it is kept as not ended.');
    return { startedNs: start, endedNs: null };
  }
  if (endedNs === null) assumed.push('The table has no end time; the start time stands in.');
  return { startedNs: start, endedNs: endedNs ?? start };
}

function readMetrics(
  cells: Cells,
  mapping: Mapping,
): { metrics: ImportedMetric[]; refusedValues: Refusal[] } {
  const metrics: ImportedMetric[] = [];
  const refusedValues: Refusal[] = [];
  for (const column in cells) {
    const role = mapping.roleOf(column);
    if (role.kind !== 'metric') continue;
    const { name, aggregation, unit } = role;
    const read = readMetric(cells[column], role);
    if (read.status === 'refused')
      refusedValues.push({ column, value: textOf(cells[column]), reason: read.reason });
    else if (read.value !== null) metrics.push({ name, aggregation, unit, value: read.value });
  }
  return { metrics, refusedValues };
}
