/** Writes rows that are plain objects into columns: for rows that are few, by whoever has no body to walk. */
import type { NamedColumn } from './block.ts';
import {
  ArrayColumn,
  type Column,
  FixedColumn,
  LowCardinalityColumn,
  MapColumn,
  NullableDoubleColumn,
  StringColumn,
} from './columns.ts';
import { appendString } from './source.ts';

/** A value of a column: integers of 64 bits and times as `bigint` or digits, maps as objects, arrays as arrays. */
type RowValue =
  | string
  | number
  | bigint
  | boolean
  | null
  | Readonly<Record<string, string>>
  | readonly RowValue[];

/** A row by the names of its columns. A column that is not named is empty or 0. */
export type RowObject = Readonly<Record<string, RowValue>>;

/** Appends one row. Throws where it names a column that the table has not, or a value of another type. */
export function pushRow(columns: readonly NamedColumn[], row: RowObject): void {
  const unknown = Object.keys(row).find((key) => !columns.some(({ name }) => name === key));
  if (unknown !== undefined) throw new Error(`The table has no column '${unknown}'.`);
  const arrays: ArrayColumn[] = [];
  for (const { name, column } of columns) {
    if (!(column instanceof ArrayColumn)) pushValue(name, column, row[name]);
    else {
      const items = row[name] ?? [];
      if (!Array.isArray(items)) throw new Error(`The column '${name}' takes an array.`);
      for (const item of items as readonly RowValue[]) pushValue(name, column.items, item);
      if (arrays.some((array) => array.sharesEnds(column))) continue;
      column.endRow(items.length);
      arrays.push(column);
    }
  }
}

function pushValue(name: string, column: Column, value: RowValue | undefined): void {
  if (column instanceof FixedColumn) return pushNumber(name, column, value ?? 0);
  if (column instanceof StringColumn) return column.string(textOf(name, value ?? ''));
  if (column instanceof LowCardinalityColumn)
    return column.push(column.findString(textOf(name, value ?? '')));
  if (column instanceof MapColumn) return pushMap(name, column, value ?? {});
  if (column instanceof NullableDoubleColumn) return column.push(Number(value ?? 0), value == null);
  throw new Error(`The column '${name}' of type ${column.type} takes no ${typeof value} here.`);
}

function pushNumber(name: string, column: FixedColumn, value: RowValue): void {
  const { width } = column.values;
  if (width === 8 && column.type !== 'Float64' && typeof value !== 'object') {
    const integer = BigInt(value);
    return column.int64(Number(BigInt.asIntN(32, integer)), Number(BigInt.asIntN(32, integer >> 32n)));
  }
  if (typeof value === 'object' || typeof value === 'string' || typeof value === 'bigint') {
    throw new Error(`The column '${name}' of type ${column.type} takes no ${typeof value}.`);
  }
  const number = Number(value);
  if (column.type === 'Float64') column.double(number);
  else if (width === 4) column.int32(number);
  else column.uint8(number);
}

function pushMap(name: string, column: MapColumn, value: RowValue): void {
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw new Error(`The column '${name}' takes a map.`);
  for (const [key, text] of Object.entries(value as Readonly<Record<string, string>>)) {
    column.keys.push(column.keys.findString(key.toWellFormed()));
    appendString(column.values, text.toWellFormed());
  }
  column.endRow();
}

function textOf(name: string, value: RowValue): string {
  if (typeof value !== 'string') throw new Error(`The column '${name}' takes a text, not a ${typeof value}.`);
  return value.toWellFormed();
}
