/** Runs strangers' statements on the embedded engine: they read, within limits, and only what they may see. */

import { EmbeddedConnection, literal, type Answer } from './embedded-connection.ts';
import {
  createReadOnlyCheck,
  explainRefusal,
  splitSettings,
  type AskRows,
  type ReadOnlyCheck,
} from './read-only.ts';
import { Gate } from './gate.ts';

export interface GuestOptions {
  /** Used where the statement names none. */
  readonly format: string;
  /** Values for `{name:Type}`, escaped as in TSV. */
  readonly parameters?: Readonly<Record<string, string>>;
  /** Those with a limit here can only be made stricter. */
  readonly settings?: Readonly<Record<string, string>>;
  /** Which settings are taken, of these and of those in the statement; without it a statement may have none. */
  readonly acceptSettings?: (settings: Readonly<Record<string, string>>) => Record<string, string>;
  /** In which names without a prefix are looked up; ours unless another is named. */
  readonly database?: string | undefined;
  /** Only this project's rows are seen. */
  readonly project?: string | undefined;
  /** The answer as a whole, not streamed. */
  readonly isWhole?: boolean;
  readonly signal?: AbortSignal | undefined;
}

/** A statement ends after this time. chDB can not be told to stop one: a shutdown waits as long at most. */
const READ_TIMEOUT_S = 30;
const AT_ONCE = 4;
/** So many strangers may wait; more are told to come back. */
const MOST_WAITING = 64;

/** Asked for less, they are less. */
const LIMITS: Readonly<Record<string, number>> = {
  max_execution_time: READ_TIMEOUT_S,
  max_memory_usage: 1024 ** 3,
  max_result_bytes: 256 * 1024 ** 2,
  max_threads: 4,
};
const BASE: Readonly<Record<string, string>> = {
  // Of the third query with the same expression on machine code is made: a quarter of a second for what takes milliseconds.
  compile_expressions: '0',
  compile_aggregate_expressions: '0',
  compile_sort_description: '0',
  // Pretty formats go to pipes and files too: no colours, no row numbers.
  output_format_pretty_color: '0',
  output_format_pretty_row_numbers: '0',
  output_format_pretty_grid_charset: 'UTF-8',
  result_overflow_mode: 'throw',
  // chDB allows more than a server does.
  implicit_select: '0',
  allow_introspection_functions: '0',
  max_query_size: String(4 * 1024 ** 2),
};
/**
 * The filter of a project stands above the reading of a table. Moved to another place, a stranger's condition would be
 * put to the rows of others: `throwIf(Body = 'guess')` was seen to tell what they hold.
 */
const FILTER_FIRST: Readonly<Record<string, string>> = {
  optimize_move_to_prewhere: '0',
  optimize_move_to_prewhere_if_final: '0',
  query_plan_optimize_prewhere: '0',
  query_plan_merge_filters: '0',
  enable_join_runtime_filters: '0',
};
/**
 * Tables without a project that everybody may read: verdicts and alerts follow from how Rollcall itself was. All others
 * without a project are empty for a project's user.
 */
const COMMON_TABLES = new Set(['ingest_absences', 'ingest_alive', 'ingest_health', 'schema_migrations']);

/** Each statement has a connection of its own, locked before it is looked at: nothing of it is left for the next. */
export class Guests {
  readonly #path: string;
  readonly #database: string;
  readonly #ask: AskRows;
  readonly #check: ReadOnlyCheck;
  readonly #gate = new Gate(AT_ONCE, MOST_WAITING);
  #projectColumns: Promise<readonly ProjectColumn[]> | undefined;

  /** `ask` runs our own statements. */
  constructor({ path, database, ask }: { path: string; database: string; ask: AskRows }) {
    this.#path = path;
    this.#database = database;
    this.#ask = ask;
    this.#check = createReadOnlyCheck(ask);
  }

  /** The answer must be closed. @throws RefusedStatement, EngineError `busy`, ClickHouseError */
  async answer(sql: string, options: GuestOptions): Promise<Answer> {
    const leave = await this.#gate.enter();
    let connection: EmbeddedConnection | undefined;
    const close = (): void => {
      connection?.close();
      leave();
    };
    try {
      // Who hung up while waiting needs no answer.
      options.signal?.throwIfAborted();
      connection = await EmbeddedConnection.open(this.#path);
      return { ...(await this.#run(connection, sql, options)), close };
    } catch (error) {
      close();
      throw explainRefusal(error);
    }
  }

  async #run(connection: EmbeddedConnection, sql: string, options: GuestOptions): Promise<Answer> {
    const { format, parameters = {}, acceptSettings, database, project, isWhole = false } = options;
    const formatted = await this.#check.format(sql);
    const own = acceptSettings === undefined ? { sql: formatted, settings: {} } : splitSettings(formatted);
    const asked = { ...options.settings, ...own.settings };
    const settings = acceptSettings?.(asked) ?? asked;
    await connection.use(database ?? this.#database);
    await connection.set({ ...BASE, ...settings, ...limited(settings) });
    await connection.bind(parameters);
    if (project !== undefined) {
      await connection.set({ ...FILTER_FIRST, additional_table_filters: await this.#filters(project) });
    }
    await connection.set({ readonly: '1' });
    const statement = await this.#check.check(own.sql, {
      explain: async (explained) => (await connection.run(explained)).text(),
      isOneProject: project !== undefined,
    });
    return connection.answer(statement.sql, {
      defaultFormat: format,
      // The engine does not hold a stream to limits of its result.
      isStreamed:
        statement.isSelect &&
        !isWhole &&
        !('max_result_rows' in settings) &&
        !('max_result_bytes' in settings),
    });
  }

  /** As `additional_table_filters` takes them. What has no project, and is not known to need none, is empty. */
  async #filters(project: string): Promise<string> {
    this.#projectColumns ??= this.#readProjectColumns();
    const filters = (await this.#projectColumns).map(({ table, column }) => {
      // Rows of no project are for all of them: thresholds of alerts, say. Keys have a project that is not empty.
      const filter = column === null ? '0' : `${column} IN (${literal(project)}, '')`;
      return `${literal(`${this.#database}.${table}`)}:${literal(filter)}`;
    });
    return `{${filters.join(',')}}`;
  }

  /** Plain views are left out: what they read is filtered. */
  async #readProjectColumns(): Promise<readonly ProjectColumn[]> {
    const rows = await this.#ask<{ table: string; columns: string[] }>(
      `SELECT name AS table, (
          SELECT groupArray((table, name)) FROM system.columns
          WHERE database = currentDatabase() AND name IN ('ProjectId', 'project_id')
       ) AS found, arrayMap(pair -> pair.2, arrayFilter(pair -> pair.1 = name, found)) AS columns
       FROM system.tables WHERE database = currentDatabase() AND engine != 'View'`,
      {},
    );
    return rows
      .filter(({ table }) => !COMMON_TABLES.has(table))
      .map(({ table, columns: [column = null] }) => ({ table, column }));
  }

  /** Lets nobody in any more, and resolves when all answers have ended. */
  drain(): Promise<void> {
    return this.#gate.drain();
  }
}

interface ProjectColumn {
  readonly table: string;
  readonly column: string | null;
}

function limited(settings: Readonly<Record<string, string>>): Record<string, string> {
  return Object.fromEntries(
    Object.entries(LIMITS).map(([name, most]) => {
      const asked = Number(settings[name] ?? 0);
      return [name, String(asked > 0 && asked < most ? asked : most)];
    }),
  );
}
