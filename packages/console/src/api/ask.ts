/** Asks the REST API. */

import { keyHeaders } from './key.ts';

/** What the service refuses; `code` is stable. Status 0: it was not reached. */
export class AskError extends Error {
  readonly status: number;
  readonly code: string;

  constructor(status: number, code: string, message: string) {
    super(message);
    this.status = status;
    this.code = code;
  }
}

const ANSWER_WITHIN_MS = 40_000;

/** `path` begins after /api/v1; parameters that are empty are left out. */
export async function ask<Answer>(
  path: string,
  {
    query = {},
    signal,
  }: { query?: Record<string, string | number | undefined>; signal?: AbortSignal | undefined } = {},
): Promise<Answer> {
  const given = Object.entries(query).flatMap(([name, value]) =>
    value === undefined || value === '' ? [] : [[name, String(value)]],
  );
  const search = given.length === 0 ? '' : `?${new URLSearchParams(given).toString()}`;
  const timeout = AbortSignal.timeout(ANSWER_WITHIN_MS);
  let response: Response;
  try {
    response = await fetch(`/api/v1${path}${search}`, {
      headers: keyHeaders(),
      signal: signal === undefined ? timeout : AbortSignal.any([signal, timeout]),
    });
  } catch (error) {
    if (signal?.aborted === true) throw error;
    throw new AskError(0, 'unreachable', 'The service does not answer. Is it still running?');
  }
  if (response.ok) return (await response.json()) as Answer;
  const problem = (await response.json().catch(() => ({}))) as { code?: string; detail?: string };
  throw new AskError(
    response.status,
    problem.code ?? 'http_error',
    problem.detail ?? `The service answered ${response.status}.`,
  );
}

/** A path made of parts, each escaped. */
export function pathOf(...parts: string[]): string {
  return `/${parts.map(encodeURIComponent).join('/')}`;
}
