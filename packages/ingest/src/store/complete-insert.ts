/** Inserts what is missing of a file whose insert may or may not have happened. */

import type { Parameters } from './engine.ts';

/** Each block of a file carries its checksum in a column that no table has. */
export const READ_FILE_SETTINGS = 'input_format_import_nested_json = 0, input_format_skip_unknown_fields = 1';

/** How statements are run, and where the file's rows are found. */
export interface CompletionOptions {
  readonly database: string;
  readonly table: string;
  /** A table expression that gives the rows of the file, such as `file('…', 'Native', '…')`. */
  readonly source: string;
  /** The columns of the table, in its order. */
  readonly columns: readonly string[];
  readonly rows: <Row>(sql: string, parameters?: Parameters) => Promise<Row[]>;
  readonly command: (sql: string) => Promise<void>;
}

interface Found {
  readonly rows: number;
  readonly present: number;
  readonly from: string;
  readonly until: string;
}

interface View {
  readonly name: string;
  readonly select: string;
  readonly target: string;
  readonly columns: readonly string[];
}

/**
 * After a kill ClickHouse may know a deduplication token whose rows it has lost, or have the rows and not know the
 * token: the log of tokens and the part are not written in one step, and materialized views are fed after the part.
 * So rows are compared by content, what is missing is inserted, and the views are fed once more with the rows of
 * those seconds. That is safe because whatever they feed is idempotent.
 */
export async function completeInsert(options: CompletionOptions): Promise<void> {
  const { table, source, columns, rows, command } = options;
  // Of the row as bytes: of several values with a null among them, and some columns have nulls, the hash is null.
  const digest = `sipHash128(formatRow('RowBinary', ${columns.map((column) => `\`${column}\``).join(', ')}))`;
  const [found] = await rows<Found>(
    `WITH (SELECT (min(ReceivedAt), max(ReceivedAt)) FROM ${source}) AS span
     SELECT toUInt32(count()) AS rows, toString(toUnixTimestamp(span.1)) AS from, toString(toUnixTimestamp(span.2)) AS until,
         toUInt32(countIf(${digest} IN (SELECT ${digest} FROM ${table} WHERE ReceivedAt >= span.1 AND ReceivedAt <= span.2))) AS present
     FROM ${source}
     SETTINGS ${READ_FILE_SETTINGS}`,
  );
  if (found === undefined || found.rows === 0) return;
  const when = `ReceivedAt >= toDateTime(${Number(found.from)}) AND ReceivedAt <= toDateTime(${Number(found.until)})`;
  if (found.present < found.rows) {
    await command(
      `INSERT INTO ${table} SELECT * FROM ${source} WHERE ${digest} NOT IN (SELECT ${digest} FROM ${table} WHERE ${when})
       SETTINGS insert_deduplicate = 0, max_insert_threads = 1, ${READ_FILE_SETTINGS}`,
    );
  }
  if (found.present === 0) return;
  for (const view of await viewsOf(options)) {
    await command(
      `INSERT INTO ${view.target} (${view.columns.join(', ')}) ${view.select}
       SETTINGS insert_deduplicate = 0, additional_table_filters = {'${options.database}.${table}': '${when}'}`,
    );
  }
}

/** The materialized views that the table feeds. */
async function viewsOf({ database, table, rows }: CompletionOptions): Promise<View[]> {
  const found = await rows<{ name: string; select: string; definition: string; columns: string[] }>(
    `SELECT name, as_select AS select, create_table_query AS definition, columns
     FROM system.tables AS views
     INNER JOIN (SELECT table, groupArray(columns.name) AS columns FROM (SELECT table, name FROM system.columns WHERE database = {database:String} ORDER BY position) AS columns GROUP BY table) AS described
         ON described.table = views.name
     WHERE views.database = {database:String} AND views.engine = 'MaterializedView'`,
    { database },
  );
  return found
    .filter(({ select }) => select.includes(` FROM ${database}.${table} `))
    .map(({ name, select, definition, columns }) => {
      const target = / TO (\S+) \(/.exec(definition)?.[1];
      if (target === undefined) throw new Error(`The view '${name}' feeds no table: ${definition}`);
      return { name, select, target, columns };
    });
}
