/** Makes small blocks for tests of the spool, and reads them back. */
import { readFile } from 'node:fs/promises';
import { writeBlock } from '../native/block.ts';
import { StringColumn } from '../native/columns.ts';
import { readBlocks } from '../native/read-block.fixture.ts';
import type { Segment, SpoolBlock } from './spool.ts';

/** One block of a table that has one text a row. */
export function block(table: string, ...texts: string[]): SpoolBlock {
  return blockOf([], table, ...texts);
}

/** The same, of the requests that are named. */
export function blockOf(requests: readonly string[], table: string, ...texts: string[]): SpoolBlock {
  const column = new StringColumn();
  for (const text of texts) column.string(text);
  const bytes = writeBlock([{ name: 'text', column }], texts.length, undefined, requests);
  return { table, rows: texts.length, bytes, requests };
}

/** The texts in a file of such blocks. */
export async function textsIn(path: string): Promise<string[]> {
  return readBlocks(await readFile(path)).map((row) => String(row['text']));
}

export async function textsOf(segments: readonly Segment[]): Promise<string[]> {
  return (await Promise.all(segments.map(({ path }) => textsIn(path)))).flat();
}
