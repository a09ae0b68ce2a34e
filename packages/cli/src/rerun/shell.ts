/** Writes what a POSIX shell reads back unchanged. */

import type { JobRunRow } from '../reader/read-run.ts';
import type { Rerun } from './rerun-list.ts';

/** The clients, as words on one line. */
export function asArguments(reruns: readonly Rerun[]): string {
  return reruns.map(({ clientId }) => shellWord(clientId)).join(' ');
}

/**
 * Assignments, one a line. The first three let a program that the SDK watches join the run, so that its clients are the
 * next attempts of these; lists are JSON, in one order.
 */
export function asEnvironment(run: JobRunRow, reruns: readonly Rerun[]): string {
  const variables = {
    ROLLCALL_RUN_ID: run.run_id,
    ROLLCALL_RUN_ORIGIN: run.origin,
    ROLLCALL_JOB_NAME: run.job_name,
    ROLLCALL_RERUN_COUNT: String(reruns.length),
    ROLLCALL_RERUN_CLIENTS: JSON.stringify(reruns.map(({ clientId }) => clientId)),
    ROLLCALL_RERUN_ATTEMPTS: JSON.stringify(reruns.map(({ attempt }) => attempt)),
    ROLLCALL_RERUN_KEYS: JSON.stringify(reruns.map(({ idempotencyKey }) => idempotencyKey)),
  };
  return Object.entries(variables)
    .map(([name, value]) => `${name}='${value.replaceAll("'", String.raw`'\''`)}'`)
    .join('\n');
}

/** One word, whatever it holds. Names of letters, digits and `_ . / : @ % + -` stay as they are, unless they begin with a dash. */
function shellWord(text: string): string {
  if (/^[\w./:@%+][\w./:@%+-]*$/.test(text)) return text;
  return `'${text.replaceAll("'", String.raw`'\''`)}'`;
}
