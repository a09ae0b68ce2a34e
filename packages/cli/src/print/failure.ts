/** Tells a person why a command could not do its work. */

import { styleText } from 'node:util';

/** A trouble that the person can mend: its message says how. */
export class UsageError extends Error {
  readonly exitCode: number;

  constructor(message: string, { exitCode = 2 }: { exitCode?: number } = {}) {
    super(message);
    this.exitCode = exitCode;
  }
}

/** Prints the error and returns the exit code. A stack trace only where the fault is ours. */
export function reportFailure(error: unknown): number {
  const { code, message, stack } = error as { code?: unknown; message?: string; stack?: string };
  const isExpected = error instanceof UsageError || typeof code === 'string';
  process.stderr.write(
    `${styleText('red', 'rollcall:', { stream: process.stderr })} ${isExpected ? message : stack}\n`,
  );
  return error instanceof UsageError ? error.exitCode : 2;
}
