/** Lets a stranger's SQL read the database, and reach nothing else. */

import { RefusedStatement } from './engine-error.ts';

/** How the check asks the engine; the statement goes as a parameter. */
export type AskRows = <Row>(sql: string, parameters: Record<string, string>) => Promise<Row[]>;

export interface CheckOptions {
  /**
   * Answers `EXPLAIN AST …` as the engine writes it by itself, with the stranger's parameters filled in: a FORMAT
   * clause after EXPLAIN AST belongs to what is explained.
   */
  readonly explain: (sql: string) => Promise<string>;
  /** Wants more: see `refuseForeignTables`. */
  readonly isOneProject?: boolean;
}

/** A statement that may run. */
export interface CheckedStatement {
  /** As ClickHouse writes it: what was checked is what runs. */
  readonly sql: string;
  readonly isSelect: boolean;
}

/** What a statement may be, as ClickHouse's syntax tree names it. */
const STATEMENTS =
  /^(SelectWithUnionQuery|SelectIntersectExceptQuery|SelectQuery|Explain |DescribeQuery|ShowTables|ShowColumns|ShowFunctions|ShowCreateTableQuery|ExistsTableQuery|ExistsDatabaseQuery)/;

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

/** What SQL clients read of other databases to know their way about; it tells of no project's rows. */
const COMMON_TABLES = new Set([
  ...[
    'aggregate_function_combinators',
    'build_options',
    'collations',
    'columns',
    'contributors',
    'data_type_families',
    'databases',
    'dictionaries',
    'formats',
    'functions',
    'keywords',
    'licenses',
    'merge_tree_settings',
    'numbers',
    'numbers_mt',
    'one',
    'settings',
    'table_engines',
    'table_functions',
    'tables',
    'time_zones',
    'zeros',
    'zeros_mt',
  ].map((name) => `system.${name}`),
  ...['columns', 'schemata', 'tables', 'views'].flatMap((name) => [
    `information_schema.${name}`,
    `INFORMATION_SCHEMA.${name}`,
    `INFORMATION_SCHEMA.${name.toUpperCase()}`,
    `information_schema.${name.toUpperCase()}`,
  ]),
]);

/**
 * Makes a check of strangers' statements. `readonly = 1` alone was seen to let through the function `file('/etc/…')`,
 * DESCRIBE of `url(…)` (which sends the request) and of `sqlite(…)` (which makes the file), KILL, and INTO OUTFILE.
 * So a statement is parsed by ClickHouse itself, and refused where its tree holds anything that reaches outside.
 *
 * @throws RefusedStatement; ClickHouseError where it can not be parsed, or is several statements
 */
export function createReadOnlyCheck(
  ask: AskRows,
): (sql: string, options: CheckOptions) => Promise<CheckedStatement> {
  let refused: Promise<ReadonlySet<string>> | undefined;
  let foreign: Promise<ReadonlySet<string>> | undefined;
  return async (sql, { explain, isOneProject = false }) => {
    refuseOutfile(sql);
    refused ??= readRefusedFunctions(ask);
    // The text is a parameter here, so that nothing in it can run; several statements do not parse.
    const [formatted] = await ask<{ statement: string }>(
      'SELECT formatQuerySingleLine({sql:String}) AS statement',
      { sql },
    );
    const statement = formatted?.statement ?? '';
    // One node a line; CSV, the embedded engine's own format, puts it into quotes.
    const tree = (await explain(`EXPLAIN AST ${statement}`))
      .split('\n')
      .map((line) => line.replace(/^"/, ''));
    const kind = tree[0]?.trim() ?? '';
    refuseOtherKinds(kind);
    refuseSettings(tree);
    refuseReachingFunctions(tree, await refused);
    if (isOneProject) {
      foreign ??= readForeignTables(ask);
      refuseForeignTables(tree, await foreign);
      refuseInsights(statement, tree);
    }
    return { sql: statement, isSelect: kind.startsWith('Select') };
  };
}

/** The word is refused wherever it stands: telling strings apart was tried, and a heredoc got through. */
function refuseOutfile(sql: string): void {
  if (!/outfile/i.test(sql)) return;
  throw new RefusedStatement(
    'INTO_OUTFILE_NOT_ALLOWED',
    'The word OUTFILE is not allowed here; take the result as the answer. To look for the word itself, pass it as a parameter: position(Body, {word:String}).',
  );
}

async function readRefusedFunctions(ask: AskRows): Promise<ReadonlySet<string>> {
  const rows = await ask<{ name: string }>('SELECT lower(name) AS name FROM system.table_functions', {});
  const reaching = rows.map(({ name }) => name).filter((name) => !HARMLESS_TABLE_FUNCTIONS.has(name));
  return new Set([...reaching, ...REACHING_FUNCTIONS]);
}

function refuseOtherKinds(kind: string): void {
  if (STATEMENTS.test(kind)) return;
  throw new RefusedStatement(
    'READONLY',
    `Cannot execute query in readonly mode: this path only reads, and this is a ${kind.split(' ')[0]}. Use SELECT, SHOW, DESCRIBE or EXPLAIN.`,
  );
}

/** `readonly = 1` was seen to let the settings of a subquery through: a filter, or a limit, could be lifted there. */
function refuseSettings(tree: readonly string[]): void {
  if (!tree.some((line, index) => line.trim() === 'Set' && !isOptionOfExplain(tree, index))) return;
  throw new RefusedStatement(
    'READONLY',
    'Cannot modify settings in readonly mode: leave out the SETTINGS clause, and send settings beside the statement.',
  );
}

/** `EXPLAIN indexes = 1 …` */
function isOptionOfExplain(tree: readonly string[], index: number): boolean {
  return /^\s*Explain /.test(tree[index - 1] ?? '');
}

function refuseReachingFunctions(tree: readonly string[], refused: ReadonlySet<string>): void {
  for (const line of tree) {
    const name = /^\s*Function (\S+)/.exec(line)?.[1]?.toLowerCase();
    if (name === undefined || !refused.has(name)) continue;
    throw new RefusedStatement(
      'ACCESS_DENIED',
      `Not enough privileges: the function '${name}' reaches outside the database, and this path only reads it.`,
    );
  }
}

/** `system.processes` and its like tell what others do. */
async function readForeignTables(ask: AskRows): Promise<ReadonlySet<string>> {
  const rows = await ask<{ name: string }>(
    "SELECT concat(database, '.', name) AS name FROM system.tables WHERE database != currentDatabase()",
    {},
  );
  return new Set(rows.map(({ name }) => name).filter((name) => !COMMON_TABLES.has(name)));
}

/** A project's user reads the tables of the database, where rows are filtered for it, and a few that describe it. */
function refuseForeignTables(tree: readonly string[], foreign: ReadonlySet<string>): void {
  for (const line of tree) {
    // `x IN system.processes` names a table by an ordinary identifier.
    const name = /^\s*(?:Table)?Identifier (.+?)( \(alias .*)?$/.exec(line)?.[1];
    if (name === undefined) continue;
    const table = name.split('.').slice(0, 2).join('.');
    if (!foreign.has(table)) continue;
    throw new RefusedStatement(
      'ACCESS_DENIED',
      `Not enough privileges: '${table}' is not for a project's user.`,
    );
  }
}

/** How many rows others have, and what is in them, can be found out by more than reading them. */
function refuseInsights(statement: string, tree: readonly string[]): void {
  // Conditions that stand in PREWHERE are put to all rows: those of others could be asked by an error that they cause.
  if (/\bprewhere\b/i.test(statement)) {
    throw new RefusedStatement(
      'ACCESS_DENIED',
      "Not enough privileges: a project's user asks with WHERE, not with PREWHERE.",
    );
  }
  if (/^SHOW\s+(MERGES|CLUSTER)/i.test(statement)) {
    throw new RefusedStatement('ACCESS_DENIED', "Not enough privileges: this is not for a project's user.");
  }
  const isDeep = /^\s*Explain EXPLAIN (?!AST|SYNTAX|PLAN|\(|$)/;
  tree.forEach((line, index) => {
    const isOption = line.trim() === 'Set' && isOptionOfExplain(tree, index);
    if (!isDeep.test(line) && !isOption) return;
    throw new RefusedStatement(
      'ACCESS_DENIED',
      "Not enough privileges: a project's user has EXPLAIN, EXPLAIN SYNTAX and EXPLAIN AST, without options.",
    );
  });
}

/** What ClickHouse says to a locked connection, in words that say what would work. */
export function explainRefusal(error: unknown): unknown {
  const { code, message } = error as { code?: string; message?: string };
  if (code !== CODE_READONLY) return error;
  return new RefusedStatement(
    'READONLY',
    `This path only reads: ${message?.trim() ?? ''} Use SELECT, SHOW, DESCRIBE or EXPLAIN.`,
    { cause: error },
  );
}

const CODE_READONLY = '164';
