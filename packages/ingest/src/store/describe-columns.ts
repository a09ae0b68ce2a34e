/** Reads the structure of a table once, in the form that `file()` takes. */

/** Returns a function table → "`name` Type, …" in the table's order, remembered per table. */
export function describeColumns(
  rows: (sql: string) => Promise<unknown[]>,
): (table: string) => Promise<string> {
  const known = new Map<string, Promise<string>>();
  return (table) => {
    const found = known.get(table);
    if (found !== undefined) return found;
    const structure = rows(`DESCRIBE TABLE ${table}`).then((columns) =>
      (columns as { name: string; type: string }[]).map(({ name, type }) => `\`${name}\` ${type}`).join(', '),
    );
    known.set(table, structure);
    structure.catch(() => known.delete(table));
    return structure;
  };
}
