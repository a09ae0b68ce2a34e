/** Answers with problem details (RFC 9457). */

import type { Context } from 'hono';
import type { ContentfulStatusCode } from 'hono/utils/http-status';

/** `code` is stable and made for programs; `detail` says what was wrong and what would work. */
export function problem(
  c: Context,
  status: ContentfulStatusCode,
  code: string,
  detail: string,
  extra: Record<string, unknown> = {},
): Response {
  return c.json({ type: 'about:blank', title: code, status, code, detail, ...extra }, status, {
    'Content-Type': 'application/problem+json',
  });
}
