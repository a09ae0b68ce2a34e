/** Lays out rows for people. */

import Table from 'cli-table3';
import { dim } from './verdict.ts';

const PLAIN = {
  top: '',
  'top-mid': '',
  'top-left': '',
  'top-right': '',
  bottom: '',
  'bottom-mid': '',
  'bottom-left': '',
  'bottom-right': '',
  left: ' ',
  'left-mid': '',
  mid: '',
  'mid-mid': '',
  right: '',
  'right-mid': '',
  middle: '  ',
};

/** Draws a table without lines, and without a head where `head` is empty. `align` is per column: `left` unless told otherwise. */
export function drawTable(
  head: readonly string[],
  rows: readonly (readonly string[])[],
  { align = [] }: { align?: readonly ('left' | 'right')[] } = {},
): string {
  const table = new Table({
    head: head.map(dim),
    chars: PLAIN,
    colAligns: [...align],
    style: { head: [], border: [], 'padding-left': 0, 'padding-right': 0, compact: true },
  });
  table.push(...rows.map((row) => [...row]));
  return table
    .toString()
    .split('\n')
    .map((line) => line.trimEnd())
    .join('\n');
}
