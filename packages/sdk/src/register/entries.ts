/** Turns a config into entries: one for each function to be tracked, checked and ready to be asked. */
import { describeValue, type Aggregation } from '@rollcall/semconv';
import type { Schedule } from '../run/handles.ts';
import { readPath } from './read-path.ts';

/** What is made of the calls of a function. */
type Role = 'jobs' | 'clientRuns' | 'steps' | 'metrics';

/** The arguments of a call. */
export interface Call {
  args: unknown[];
  self: unknown;
}

interface MetricReader {
  metric: string;
  aggregation: Aggregation;
  read: (result: unknown, call: Call) => unknown;
}

/** A function to be tracked. */
export interface Entry {
  id: number;
  role: Role;
  /** Where the config names it: `jobs[0]`. */
  place: string;
  module: string;
  /** `Scorer.score` as its parts. */
  path: readonly string[];
  name: string;
  metrics: readonly MetricReader[];
  failed: ((result: unknown, call: Call) => unknown) | undefined;
  nothingToDo: ((result: unknown, call: Call) => unknown) | undefined;
  clientId: ((call: Call) => unknown) | undefined;
  expect: ((call: Call) => unknown) | undefined;
  options: { schedule?: Schedule | null; lateAfterMs?: number; maxRuntimeMs?: number };
}

const ROLES: readonly Role[] = ['jobs', 'clientRuns', 'steps', 'metrics'];
const COMMON = ['module', 'export', 'metrics'];
const FIELDS: Record<Role, readonly string[]> = {
  jobs: [...COMMON, 'name', 'failed', 'nothingToDo', 'expect', 'schedule', 'lateAfterMs', 'maxRuntimeMs'],
  clientRuns: [...COMMON, 'failed', 'nothingToDo', 'clientId'],
  steps: [...COMMON, 'name', 'failed'],
  metrics: COMMON,
};
const AGGREGATIONS = ['sum', 'min', 'max', 'last'] as const;

type Given = Record<string, unknown>;

/** What cannot be used is left out, and named in `problems`: which entry, what was seen, what would work. */
export function readEntries(config: Given, problems: string[]): Entry[] {
  const entries: Entry[] = [];
  for (const role of ROLES) {
    const given = config[role];
    if (given === undefined) continue;
    if (!Array.isArray(given)) {
      problems.push(`${role} is ${describeValue(given)}; use a list of { module, export }`);
      continue;
    }
    for (const [index, one] of given.entries()) {
      const entry = readEntry(
        one as unknown,
        { id: entries.length, role, place: `${role}[${index}]` },
        problems,
      );
      if (entry !== undefined) entries.push(entry);
    }
  }
  return entries;
}

function readEntry(
  given: unknown,
  { id, role, place }: Pick<Entry, 'id' | 'role' | 'place'>,
  problems: string[],
): Entry | undefined {
  const known = problems.length;
  const refuse = (field: string, value: unknown, use: string) => {
    problems.push(`${place}${field === '' ? '' : `.${field}`} is ${describeValue(value)}; use ${use}`);
    return undefined;
  };
  if (!isRecord(given)) return refuse('', given, "{ module: './batch.js', export: 'main' }");
  const { module, export: name, metrics } = given;
  if (!isText(module))
    refuse('module', module, "a file, relative to this one, such as './batch.js', or a package");
  if (!isText(name))
    refuse('export', name, "the function's name, such as 'main', 'Scorer.score' or 'default'");
  for (const field of Object.keys(given)) {
    if (!FIELDS[role].includes(field)) {
      problems.push(
        `${place}.${field} means nothing there; an entry of ${role} has ${FIELDS[role].join(', ')}`,
      );
    }
  }
  const { clientId, expect } = given;
  if (role === 'clientRuns' && !isText(clientId) && !isIndex(clientId) && typeof clientId !== 'function') {
    refuse(
      'clientId',
      clientId,
      "an argument's number, a path such as '0.id', or a function of the arguments",
    );
  }
  const readers = readMetrics(metrics, place, problems);
  for (const field of ['failed', 'nothingToDo'] as const) {
    const value = given[field];
    if (value !== undefined && typeof value !== 'string' && typeof value !== 'function') {
      refuse(field, value, 'a path into the result, or a function of it');
    }
  }
  if (
    problems.length > known &&
    (!isText(module) || !isText(name) || (role === 'clientRuns' && clientId === undefined))
  )
    return undefined;
  if (!isText(module) || !isText(name)) return undefined;
  const path = name.split(/[.#]/).filter((part) => part !== '' && part !== 'prototype');
  return {
    id,
    role,
    place,
    module,
    path,
    name: isText(given['name']) ? given['name'] : (path.at(-1) ?? name),
    metrics: readers,
    failed: resultReader(given['failed']),
    nothingToDo: resultReader(given['nothingToDo']),
    clientId: argumentReader(clientId),
    expect: Array.isArray(expect) ? () => expect : argumentReader(expect),
    options: optionsOf(given),
  };
}

function optionsOf({ schedule, lateAfterMs, maxRuntimeMs }: Given): Entry['options'] {
  return Object.fromEntries(
    Object.entries({ schedule, lateAfterMs, maxRuntimeMs }).filter(([, value]) => value !== undefined),
  ) as Entry['options'];
}

function readMetrics(given: unknown, place: string, problems: string[]): MetricReader[] {
  if (given === undefined) return [];
  const example = "{ 'Rows Read': 'stats.rows', 'Slowest Query': { max: 'stats.slowestMs' } }";
  if (!isRecord(given)) {
    problems.push(`${place}.metrics is ${describeValue(given)}; use ${example}`);
    return [];
  }
  const readers: MetricReader[] = [];
  for (const [metric, source] of Object.entries(given)) {
    const aggregation = isRecord(source) ? AGGREGATIONS.find((one) => source[one] !== undefined) : 'sum';
    const value = isRecord(source) && aggregation !== undefined ? source[aggregation] : source;
    const read = typeof value === 'number' ? () => value : resultReader(value);
    if (aggregation === undefined || read === undefined) {
      problems.push(`${place}.metrics['${metric}'] is ${describeValue(source)}; use ${example}`);
    } else readers.push({ metric, aggregation, read });
  }
  return readers;
}

function resultReader(given: unknown): Entry['failed'] {
  if (typeof given === 'function') return (result, { args }) => given(result, ...args) as unknown;
  return typeof given === 'string' ? (result) => readPath(result, given) : undefined;
}

/** `0.id` is of the first argument, `this.tenant` of the object whose method it is. */
function argumentReader(given: unknown): Entry['clientId'] {
  if (typeof given === 'function') return ({ args, self }) => given.apply(self, args) as unknown;
  if (isIndex(given)) return ({ args }) => args[given];
  if (!isText(given)) return undefined;
  return ({ args, self }) => readPath({ ...Object.fromEntries(args.entries()), args, this: self }, given);
}

function isRecord(value: unknown): value is Given {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function isText(value: unknown): value is string {
  return typeof value === 'string' && value.trim() !== '';
}

function isIndex(value: unknown): value is number {
  return typeof value === 'number' && Number.isInteger(value) && value >= 0;
}
