/** Lets a stranger's SQL read the database, and reach nothing else. */

import type { Parameters } from './engine.ts';
import { EngineError } from './engine-error.ts';

/** How the check asks the engine. */
export interface ReadOnlyAsk {
  rows<Row>(sql: string, parameters: Record<string, string>): Promise<Row[]>;
  /** The answer as the engine writes it by itself: a FORMAT clause after EXPLAIN AST belongs to what is explained. */
  text(sql: string, parameters: Parameters): Promise<string>;
}

/** What a statement may be, as ClickHouse's syntax tree names it. */
const STATEMENTS =
  /^(SelectWithUnionQuery|SelectIntersectExceptQuery|SelectQuery|Explain |DescribeQuery|ShowTables|ShowCreateTableQuery|ExistsTableQuery)/;

/** Table functions that make rows out of nothing or out of tables that may be read anyway. */
const HARMLESS_TABLE_FUNCTIONS = new Set([
  'format',
  'generaterandom',
  'generateseries',
  'generate_series',
  'null',
  'numbers',
  'numbers_mt',
  'values',
  'view',
  'zeros',
  'zeros_mt',
]);

/** Ordinary functions that read files; others that bear the name of a table function are refused with it. */
const REACHING_FUNCTIONS = ['catboostevaluate', 'file'];

/**
 * Makes a check of strangers' statements. `readonly = 1` alone was seen to let through the function `file('/etc/…')`,
 * DESCRIBE of `url(…)` (which sends the request) and of `sqlite(…)` (which makes the file), KILL, and INTO OUTFILE.
 * So a statement is parsed by ClickHouse itself, and refused where its tree holds anything that reaches outside.
 *
 * The check returns the statement as ClickHouse writes it: what was checked is what runs.
 * @throws EngineError `not_read_only`; ClickHouseError where it can not be parsed, or is several statements
 */
export function createReadOnlyCheck(
  ask: ReadOnlyAsk,
): (sql: string, parameters: Parameters) => Promise<string> {
  let refused: Promise<ReadonlySet<string>> | undefined;
  return async (sql, parameters) => {
    refuseOutfile(sql);
    refused ??= readRefusedFunctions(ask);
    // The text is a parameter here, so that nothing in it can run; several statements do not parse.
    const [formatted] = await ask.rows<{ statement: string }>(
      'SELECT formatQuerySingleLine({sql:String}) AS statement',
      { sql },
    );
    const statement = formatted?.statement ?? '';
    // One node a line; CSV, the embedded engine's own format, puts it into quotes.
    const tree = (await ask.text(`EXPLAIN AST ${statement}`, parameters))
      .split('\n')
      .map((line) => line.replace(/^"/, ''));
    checkTree(tree, await refused);
    return statement;
  };
}

/** The word is refused wherever it stands: telling strings apart was tried, and a heredoc got through. */
function refuseOutfile(sql: string): void {
  if (!/outfile/i.test(sql)) return;
  throw new EngineError(
    'not_read_only',
    'The word OUTFILE is not allowed here; take the result as the answer. To look for the word itself, pass it as a parameter: position(Body, {word:String}).',
  );
}

async function readRefusedFunctions(ask: ReadOnlyAsk): Promise<ReadonlySet<string>> {
  const rows = await ask.rows<{ name: string }>('SELECT lower(name) AS name FROM system.table_functions', {});
  const reaching = rows.map(({ name }) => name).filter((name) => !HARMLESS_TABLE_FUNCTIONS.has(name));
  return new Set([...reaching, ...REACHING_FUNCTIONS]);
}

function checkTree(lines: readonly string[], refused: ReadonlySet<string>): void {
  const kind = lines[0]?.trim() ?? '';
  if (!STATEMENTS.test(kind)) {
    throw new EngineError(
      'not_read_only',
      `This path only reads, and this is a ${kind.split(' ')[0]}. Use SELECT, SHOW, DESCRIBE or EXPLAIN.`,
    );
  }
  for (const line of lines) {
    const name = /^\s*Function (\S+)/.exec(line)?.[1]?.toLowerCase();
    if (name === undefined || !refused.has(name)) continue;
    throw new EngineError(
      'not_read_only',
      `The function '${name}' reaches outside the database, and this path only reads it.`,
    );
  }
}

/** What ClickHouse says to a locked connection, in words that say what would work. */
export function explainRefusal(error: unknown): unknown {
  const { code, message } = error as { code?: string; message?: string };
  if (code !== CODE_READONLY) return error;
  return new EngineError(
    'not_read_only',
    `This path only reads: ${message?.trim() ?? ''} Use SELECT, SHOW, DESCRIBE or EXPLAIN.`,
    {
      cause: error,
    },
  );
}

const CODE_READONLY = '164';
