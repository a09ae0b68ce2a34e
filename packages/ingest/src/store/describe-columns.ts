/** Reads the structure of a table once. */

export interface Structure {
  readonly columns: readonly string[];
  /** "`name` Type, …" in the table's order: the form that `file()` takes. */
  readonly text: string;
}

/** Returns a function that describes a table, and remembers each. */
export function describeColumns(
  rows: (sql: string) => Promise<unknown[]>,
): (table: string) => Promise<Structure> {
  const known = new Map<string, Promise<Structure>>();
  return (table) => {
    const found = known.get(table);
    if (found !== undefined) return found;
    const structure = rows(`DESCRIBE TABLE ${table}`).then((described) => {
      const columns = described as { name: string; type: string }[];
      return {
        columns: columns.map(({ name }) => name),
        text: columns.map(({ name, type }) => `\`${name}\` ${type}`).join(', '),
      };
    });
    known.set(table, structure);
    structure.catch(() => known.delete(table));
    return structure;
  };
}
