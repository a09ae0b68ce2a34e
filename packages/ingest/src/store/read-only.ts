/** Refuses what a locked connection would still let a stranger do. */

import { EngineError } from './engine-error.ts';

/**
 * A connection with `readonly = 1` refuses writes, settings and table functions that reach outside, but chDB was seen
 * to write a file for `INTO OUTFILE`. The word is refused wherever it stands, in strings and comments too: telling
 * those apart was tried, and a heredoc (`$$'$$`) that our reading and ClickHouse's took differently wrote a file.
 * @throws EngineError `not_read_only`
 */
export function refuseWritingClauses(sql: string): void {
  if (/outfile/i.test(sql)) {
    throw new EngineError(
      'not_read_only',
      'The word OUTFILE is not allowed here; take the result as the answer. To look for the word itself, pass it as a parameter: position(Body, {word:String}).',
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
