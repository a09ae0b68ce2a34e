/** Sends one message to one webhook. */

import { genericMessage, signatureOf, slackMessage, type Change } from './message.ts';
import type { Webhook } from './webhook-file.ts';

const REQUEST_TIMEOUT_MS = 10_000;

/** Resolves when the receiver has it. @throws Error with what it answered instead */
export async function postToWebhook(
  webhook: Webhook,
  changes: readonly Change[],
  nowMs: number,
  stopping?: AbortSignal,
): Promise<void> {
  const message = webhook.format === 'slack' ? slackMessage(changes) : genericMessage(changes, nowMs);
  const expiry = AbortSignal.timeout(REQUEST_TIMEOUT_MS);
  const response = await fetch(webhook.url, {
    method: 'POST',
    // A redirect would carry the message to wherever it points.
    redirect: 'manual',
    signal: stopping === undefined ? expiry : AbortSignal.any([expiry, stopping]),
    headers: {
      'content-type': 'application/json',
      'user-agent': 'rollcall-ingest',
      'x-rollcall-delivery': message.id,
      ...(webhook.secret === undefined
        ? {}
        : { 'x-rollcall-signature': signatureOf(webhook.secret, message.body, nowMs) }),
    },
    body: message.body,
  });
  await response.body?.cancel();
  if (!response.ok) throw new Error(`HTTP ${response.status} ${response.statusText}`.trim());
}

/** fetch hides what happened in the cause of its own error. */
export function reasonOf(error: unknown): string {
  const { message, cause } = error as Error;
  return cause instanceof Error ? `${message}: ${cause.message}` : message;
}
