/** Refuses what a locked connection would still let a stranger do. */

import { EngineError } from './engine-error.ts';

/**
 * A connection with `readonly = 1` refuses writes, settings and table functions that reach outside, but chDB was seen
 * to write a file for `INTO OUTFILE`. So that clause is refused by name, wherever it stands outside strings and comments.
 * @throws EngineError `not_read_only`
 */
export function refuseWritingClauses(sql: string): void {
  const bare = stripLiterals(sql);
  if (/\binto\s+outfile\b/i.test(bare)) {
    throw new EngineError('not_read_only', 'INTO OUTFILE is not allowed here; take the result as the answer.');
  }
  if (/;\s*\S/.test(bare)) {
    throw new EngineError('not_read_only', 'One statement at a time; send the second one separately.');
  }
}

/** Replaces strings, quoted names and comments by blanks. An unfinished one is left to the engine to refuse. */
function stripLiterals(sql: string): string {
  return sql.replaceAll(
    /'(?:[^'\\]|\\[\s\S]|'')*'|"(?:[^"\\]|\\[\s\S]|"")*"|`(?:[^`\\]|\\[\s\S]|``)*`|--[^\n]*|#![^\n]*|\/\*[\s\S]*?\*\//g,
    ' ',
  );
}
