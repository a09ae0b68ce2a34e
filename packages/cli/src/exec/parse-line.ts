/** Reads the lines by which a program in any language tells Rollcall something: `::rollcall VERB …` (docs/exec.md). */

import {
  AGGREGATIONS,
  checkClientId,
  DECLARED_STATUSES,
  type Aggregation,
  type DeclaredStatus,
} from '@rollcall/semconv';

/** What a line says. */
export type Report =
  | { verb: 'metric'; name: string; aggregation: Aggregation; value: number; unit: string; client?: string }
  | { verb: 'client start'; client: string }
  | { verb: 'client end'; client: string; status: DeclaredStatus; reason: string }
  | { verb: 'expect'; clients: readonly string[] }
  | { verb: 'progress'; done: number; total?: number; client?: string }
  | { verb: 'skip'; reason: string; client?: string }
  | { verb: 'note'; text: string; client?: string };

/** `none`: an ordinary line. `malformed`: meant for Rollcall, and not understood. */
export type LineReading =
  | { status: 'none' }
  | { status: 'ok'; report: Report }
  | { status: 'malformed'; reason: string };

/** What such a line begins with. */
export const LINE_PREFIX = '::rollcall';

/**
 * Reads one line, without its line break. Never throws.
 * @example
 * parseLine('::rollcall metric name="Leads Processed" value=3') // => { status: 'ok', report: { verb: 'metric', name: 'Leads Processed', aggregation: 'sum', value: 3, unit: '' } }
 * parseLine('::rollcall progress done=3 total=ten') // => { status: 'malformed', reason: "total is a number from 0, not 'ten'" }
 * parseLine('all done') // => { status: 'none' }
 */
export function parseLine(line: string): LineReading {
  if (!line.startsWith(LINE_PREFIX) || !/^(\s|$)/.test(line.slice(LINE_PREFIX.length)))
    return { status: 'none' };
  try {
    const [verb, ...tokens] = tokenize(line.slice(LINE_PREFIX.length));
    if (verb === undefined) throw new LineError(`a verb is missing; use ${VERBS}`);
    return { status: 'ok', report: read(verb.text, tokens) };
  } catch (error) {
    if (error instanceof LineError) return { status: 'malformed', reason: error.message };
    throw error;
  }
}

class LineError extends Error {}

/** A word, or a `key=value`. */
interface Token {
  key?: string;
  text: string;
}

const VERBS = 'metric, client start, client end, expect, progress, skip or note';
const KEY = /^[A-Za-z_][A-Za-z0-9_]*=/;
const ESCAPES: Record<string, string> = { n: '\n', t: '\t' };

/** Values are bare, or in double quotes with \" \\ \n \t, or in single quotes as they stand. */
function tokenize(text: string): Token[] {
  const tokens: Token[] = [];
  let at = 0;
  for (;;) {
    while (at < text.length && isSpace(text[at])) at++;
    if (at >= text.length) return tokens;
    const key = KEY.exec(text.slice(at, at + 64))?.[0];
    if (key !== undefined) at += key.length;
    const value = readValue(text, at);
    at = value.end;
    tokens.push(key === undefined ? { text: value.text } : { key: key.slice(0, -1), text: value.text });
  }
}

function readValue(text: string, start: number): { text: string; end: number } {
  const quote = text[start];
  if (quote !== '"' && quote !== "'") {
    let end = start;
    while (end < text.length && !isSpace(text[end])) end++;
    return { text: text.slice(start, end), end };
  }
  let value = '';
  for (let at = start + 1; at < text.length; at++) {
    const character = text[at] ?? '';
    if (character === quote) {
      if (at + 1 < text.length && !isSpace(text[at + 1]))
        throw new LineError(`something follows the closing ${quote}`);
      return { text: value, end: at + 1 };
    }
    if (character === '\\' && quote === '"' && at + 1 < text.length) {
      const escaped = text[++at] ?? '';
      value += ESCAPES[escaped] ?? escaped;
    } else value += character;
  }
  throw new LineError(`the closing ${quote} is missing`);
}

function isSpace(character: string | undefined): boolean {
  return character === ' ' || character === '\t';
}

function read(verb: string, tokens: readonly Token[]): Report {
  switch (verb) {
    case 'metric':
      return readMetric(fieldsOf(verb, tokens, ['name', 'agg', 'value', 'unit', 'client']));
    case 'client':
      return readClient(tokens);
    case 'expect':
      return readExpect(tokens);
    case 'progress':
      return readProgress(fieldsOf(verb, tokens, ['done', 'total', 'client']));
    case 'skip': {
      const { reason, client } = fieldsOf(verb, tokens, ['reason', 'client']);
      return { verb, reason: reason ?? 'nothing to do', ...clientOf(client) };
    }
    case 'note':
      return readNote(tokens);
    default:
      throw new LineError(`unknown verb '${shorten(verb)}'; use ${VERBS}`);
  }
}

type Fields<Name extends string> = Partial<Record<Name, string>>;

function fieldsOf<Name extends string>(
  verb: string,
  tokens: readonly Token[],
  names: readonly Name[],
): Fields<Name> {
  const fields: Fields<Name> = {};
  for (const { key, text } of tokens) {
    const name = names.find((known) => known === key);
    if (name === undefined) {
      throw new LineError(
        `${verb} does not take '${shorten(key ?? text)}'; it takes ${names.map((known) => `${known}=`).join(' ')}`,
      );
    }
    if (fields[name] !== undefined) throw new LineError(`${name} is given twice`);
    fields[name] = text;
  }
  return fields;
}

function readMetric({
  name,
  agg = 'sum',
  value,
  unit = '',
  client,
}: Fields<'name' | 'agg' | 'value' | 'unit' | 'client'>): Report {
  const aggregation = AGGREGATIONS.find((known) => known === agg);
  if (name === undefined || name.trim() === '') throw new LineError('a metric needs name=');
  if (aggregation === undefined)
    throw new LineError(`agg is ${AGGREGATIONS.join(', ')}, not '${shorten(agg)}'`);
  if (value === undefined) throw new LineError('a metric needs value=');
  return { verb: 'metric', name, aggregation, value: numberOf('value', value), unit, ...clientOf(client) };
}

function readClient([what, ...tokens]: readonly Token[]): Report {
  if (what?.key === undefined && what?.text === 'start') {
    const { id } = fieldsOf('client start', tokens, ['id']);
    return { verb: 'client start', client: clientIdOf('id', id) };
  }
  if (what?.key === undefined && what?.text === 'end') {
    const {
      id,
      status = 'completed',
      reason = '',
    } = fieldsOf('client end', tokens, ['id', 'status', 'reason']);
    const declared = DECLARED_STATUSES.find((known) => known === status);
    if (declared === undefined)
      throw new LineError(`status is ${DECLARED_STATUSES.join(', ')}, not '${shorten(status)}'`);
    return { verb: 'client end', client: clientIdOf('id', id), status: declared, reason };
  }
  throw new LineError("client is followed by 'start' or 'end'");
}

function readExpect(tokens: readonly Token[]): Report {
  if (tokens.length === 0) throw new LineError('expect needs client IDs');
  const clients = tokens.map(({ key, text }) =>
    clientIdOf('a client ID', key === undefined ? text : `${key}=${text}`),
  );
  return { verb: 'expect', clients };
}

function readProgress({ done, total, client }: Fields<'done' | 'total' | 'client'>): Report {
  if (done === undefined) throw new LineError('progress needs done=');
  return {
    verb: 'progress',
    done: amountOf('done', done),
    ...(total === undefined ? {} : { total: amountOf('total', total) }),
    ...clientOf(client),
  };
}

/** All words are its text; `client=` may stand before them. */
function readNote([first, ...rest]: readonly Token[]): Report {
  const isForClient = first?.key === 'client';
  const words = isForClient ? rest : [first, ...rest];
  const text = words
    .map((word) => (word?.key === undefined ? word?.text : `${word.key}=${word.text}`))
    .join(' ')
    .trim();
  if (text === '') throw new LineError('a note needs words');
  return { verb: 'note', text, ...clientOf(isForClient ? first.text : undefined) };
}

function clientOf(client: string | undefined): { client?: string } {
  return client === undefined ? {} : { client: clientIdOf('client', client) };
}

function clientIdOf(field: string, text: string | undefined): string {
  if (text === undefined) throw new LineError(`client needs ${field}=`);
  const check = checkClientId(text);
  if (check.status === 'ok') return text;
  throw new LineError(`${field}: ${check.reason}`);
}

function amountOf(field: string, text: string): number {
  const value = numberOf(field, text);
  if (value >= 0) return value;
  throw new LineError(`${field} is a number from 0, not '${shorten(text)}'`);
}

function numberOf(field: string, text: string): number {
  // Number('') and Number('0x1f') are numbers too.
  const value = /^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i.test(text) ? Number(text) : Number.NaN;
  if (Number.isFinite(value)) return value;
  throw new LineError(`${field} is a number${field === 'value' ? '' : ' from 0'}, not '${shorten(text)}'`);
}

function shorten(text: string): string {
  return text.length <= 60 ? text : `${text.slice(0, 59)}…`;
}
