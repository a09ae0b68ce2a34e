/**
 * Expands a query as Grafana and its ClickHouse data source do before ClickHouse sees it: first in the browser
 * `$__conditionalAll` and the variables, then in the plugin's backend the macros of the time range.
 * Written from the documentation of both, oddities included: a macro takes everything up to its closing bracket.
 */

export interface QueryContext {
  /** `$__all` where All is chosen. */
  readonly variables: Readonly<Record<string, string | readonly string[]>>;
  readonly fromMs: number;
  readonly toMs: number;
  readonly intervalMs: number;
}

export function expandQuery(rawSql: string, context: QueryContext): string {
  return expandMacros(expandVariables(expandConditionalAll(rawSql, context), context), context);
}

const CONDITIONAL_ALL = '$__conditionalAll(';

/** The innermost first; the second argument names the variable, without a format. */
function expandConditionalAll(sql: string, { variables }: QueryContext): string {
  let text = sql;
  for (let at = text.lastIndexOf(CONDITIONAL_ALL); at !== -1; at = text.lastIndexOf(CONDITIONAL_ALL)) {
    const { args, end } = readArguments(text, at + CONDITIONAL_ALL.length - 1);
    const [condition = '', reference = ''] = args;
    if (args.length !== 2)
      throw new Error(`$__conditionalAll takes two arguments, not ${args.length}: ${text.slice(at, end)}`);
    const name = /^\s*\$(?:\{(\w+)\}|(\w+))\s*$/.exec(reference);
    if (name === null) throw new Error(`$__conditionalAll needs a plain variable, not '${reference}'`);
    const value = variables[name[1] ?? name[2] ?? ''];
    const isAll = value === undefined || String(value) === '' || String(value) === '$__all';
    text = text.slice(0, at) + (isAll ? '1=1' : condition) + text.slice(end);
  }
  return text;
}

const VARIABLE = /\$\{(\w+)(?::(\w+))?\}|\$(\w+)/g;

/** What names no variable stays: the macros. */
function expandVariables(sql: string, { variables }: QueryContext): string {
  return sql.replaceAll(
    VARIABLE,
    (whole: string, braced: string | undefined, format = '', plain: string | undefined) => {
      const value = variables[braced ?? plain ?? ''];
      if (value === undefined) return whole;
      const values = typeof value === 'string' ? [value] : value;
      if (values.includes('$__all'))
        throw new Error(`All is chosen for '${whole}', outside $__conditionalAll`);
      return formatValues(values, format, typeof value !== 'string');
    },
  );
}

function formatValues(values: readonly string[], format: string, isList: boolean): string {
  switch (format) {
    case 'singlequote':
      return values.map((value) => `'${value.replaceAll("'", "\\'")}'`).join(',');
    case 'percentencode': {
      const encode = (value: string): string =>
        encodeURIComponent(value).replaceAll(
          /[!'()*]/g,
          (letter) => `%${letter.codePointAt(0)?.toString(16).toUpperCase()}`,
        );
      return isList ? encode(`{${values.join(',')}}`) : encode(values[0] ?? '');
    }
    case '':
      return isList ? `'${values.join("','")}'` : (values[0] ?? '');
    default:
      throw new Error(`The format '${format}' is not known here`);
  }
}

type Macro = (args: readonly string[], context: QueryContext) => string;

const seconds = (ms: number): string => `toDateTime(${Math.floor(ms / 1000)})`;
const millis = (ms: number): string => `fromUnixTimestamp64Milli(${ms})`;
const intervalS = ({ intervalMs }: QueryContext): number => Math.max(1, Math.floor(intervalMs / 1000));

const MACROS: Record<string, Macro> = {
  fromTime: (_, { fromMs }) => seconds(fromMs),
  toTime: (_, { toMs }) => seconds(toMs),
  fromTime_ms: (_, { fromMs }) => millis(fromMs),
  toTime_ms: (_, { toMs }) => millis(toMs),
  timeFilter: ([column], { fromMs, toMs }) =>
    `${column} >= ${seconds(fromMs)} AND ${column} <= ${seconds(toMs)}`,
  timeFilter_ms: ([column], { fromMs, toMs }) =>
    `${column} >= ${millis(fromMs)} AND ${column} <= ${millis(toMs)}`,
  timeInterval: ([column], context) =>
    `toStartOfInterval(toDateTime(${column}), INTERVAL ${intervalS(context)} second)`,
  interval_s: (_, context) => String(intervalS(context)),
};
const TAKES_ONE = new Set(['timeFilter', 'timeFilter_ms', 'timeInterval']);

function expandMacros(sql: string, context: QueryContext): string {
  let text = sql;
  for (const [name, macro] of Object.entries(MACROS)) {
    for (const { start, end, args } of findMacros(text, name).toReversed()) {
      if (TAKES_ONE.has(name) && args.length !== 1)
        throw new Error(`$__${name} takes one argument, not ${args.length}: ${text.slice(start, end)}`);
      text = text.slice(0, start) + macro(args, context) + text.slice(end);
    }
  }
  const left = /\$__\w+/.exec(text);
  if (left !== null) throw new Error(`The plugin has no macro ${left[0]}`);
  return text;
}

/** The backend looks ahead for the first bracket, wherever it stands: one that closes first means that there are no arguments. */
function findMacros(sql: string, name: string): { start: number; end: number; args: string[] }[] {
  return [...sql.matchAll(new RegExp(`\\$__${name}\\b`, 'g'))].map(({ 0: word, index: start }) => {
    const opens = sql.indexOf('(', start);
    const closes = sql.indexOf(')', start);
    if (opens === -1 || (closes !== -1 && closes < opens))
      return { start, end: start + word.length, args: [] };
    const end = closingBracket(sql, opens) + 1;
    // Split at every comma, in brackets or not.
    return {
      start,
      end,
      args: sql
        .slice(opens + 1, end - 1)
        .split(',')
        .map((part) => part.trim()),
    };
  });
}

function closingBracket(text: string, opens: number): number {
  let depth = 0;
  for (let at = opens; at < text.length; at++) {
    if (text[at] === '(') depth++;
    if (text[at] === ')' && --depth === 0) return at;
  }
  throw new Error(`A bracket is not closed: ${text.slice(opens, opens + 60)}`);
}

function readArguments(text: string, opens: number): { args: string[]; end: number } {
  const closes = closingBracket(text, opens);
  const args: string[] = [];
  let depth = 0;
  let from = opens + 1;
  for (let at = opens; at <= closes; at++) {
    if (text[at] === '(') depth++;
    if (text[at] === ')') depth--;
    if ((text[at] === ',' && depth === 1) || at === closes) {
      args.push(text.slice(from, at));
      from = at + 1;
    }
  }
  return { args, end: closes + 1 };
}
