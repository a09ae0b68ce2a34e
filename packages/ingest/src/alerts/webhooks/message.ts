/** Puts conditions into the words of a webhook. */

import { createHash, createHmac } from 'node:crypto';
import type { AlertCondition } from '../conditions.ts';
import { keyOf } from './told.ts';

/** What has become of a condition. `reminder`: it was told before and goes on. */
export interface Change {
  readonly status: 'firing' | 'resolved' | 'reminder';
  readonly condition: AlertCondition;
}

/** The same changes always have the same ID, so that a receiver who gets them twice can tell. */
export interface Message {
  readonly id: string;
  readonly body: string;
}

const MOST_LINES = 20;
const SIGNS = { critical: ':x:', warning: ':warning:' } as const;

/** `text` for Slack, Mattermost, Rocket.Chat and whoever else takes their form. */
export function slackMessage(changes: readonly Change[]): Message {
  const lines = changes.slice(0, MOST_LINES).map(lineOf);
  const rest = changes.length - lines.length;
  const text = [...lines, ...(rest > 0 ? [`… and ${rest} more: rollcall alerts`] : [])].join('\n');
  return { id: idOf(changes), body: JSON.stringify({ text }) };
}

/** `{ version, id, sentAt, alerts: [{ status, … }] }` */
export function genericMessage(changes: readonly Change[], nowMs: number): Message {
  const id = idOf(changes);
  const alerts = changes.map(({ status, condition }) => ({ status, ...condition }));
  return { id, body: JSON.stringify({ version: 1, id, sentAt: new Date(nowMs).toISOString(), alerts }) };
}

/** `t=1764096000,v1=<hex>`: HMAC-SHA-256 of the time, a full stop and the body. */
export function signatureOf(secret: string, body: string, nowMs: number): string {
  const seconds = Math.floor(nowMs / 1000);
  return `t=${seconds},v1=${createHmac('sha256', secret).update(`${seconds}.${body}`).digest('hex')}`;
}

function lineOf({ status, condition }: Change): string {
  const { severity, rule, summary } = condition;
  if (status === 'resolved') return `:white_check_mark: *over* ${rule}: ${escaped(summary)}`;
  return `${SIGNS[severity]} *${status === 'reminder' ? `still ${rule}` : rule}*: ${escaped(summary)}`;
}

/** What Slack takes for its own: https://docs.slack.dev/messaging/formatting-message-text#escaping */
function escaped(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
}

function idOf(changes: readonly Change[]): string {
  const said = changes.map(({ status, condition }) => [status, keyOf(condition), condition.since]);
  return createHash('sha256').update(JSON.stringify(said)).digest('hex').slice(0, 32);
}
