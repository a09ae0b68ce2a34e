/** `rollcall sql`: one read-only statement, its answer as ClickHouse writes it. */

import { text } from 'node:stream/consumers';
import { pipeline } from 'node:stream/promises';
import { UsageError } from '../print/failure.ts';
import { openReader, type GlobalOptions } from '../reader/reader.ts';

export async function sql(
  statement: string,
  {
    format = process.stdout.isTTY ? 'PrettyCompact' : 'TabSeparatedWithNames',
    param = [],
    ...options
  }: GlobalOptions & { format?: string; param?: string[] },
): Promise<void> {
  if (!/^[A-Za-z]\w{0,63}$/.test(format)) {
    throw new UsageError(
      `Unusable format '${format}'; name a ClickHouse output format such as JSONEachRow or CSVWithNames.`,
    );
  }
  const parameters = Object.fromEntries(param.map(readParameter));
  const query = (statement === '-' ? await text(process.stdin) : statement).trim().replace(/;$/, '');
  if (query === '') throw new UsageError("The statement is empty; try 'SELECT * FROM job_runs'.");
  const reader = await openReader(options);
  try {
    const answer = await reader.stream(query, format, parameters);
    await pipeline(answer, process.stdout, { end: false });
  } catch (error) {
    // `rollcall sql … | head` closes the pipe early, and means it.
    if ((error as NodeJS.ErrnoException).code !== 'EPIPE') throw error;
  } finally {
    await reader.close();
  }
}

function readParameter(given: string): [string, string] {
  const [, name, value] = /^([A-Za-z_]\w*)=([\s\S]*)$/.exec(given) ?? [];
  if (name === undefined || value === undefined) {
    throw new UsageError(`Unusable parameter '${given}'; write name=value.`);
  }
  return [name, value];
}
