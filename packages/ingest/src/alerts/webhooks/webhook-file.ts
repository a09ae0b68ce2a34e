/** Reads whom to tell, of what, and when not. */

import { readFile } from 'node:fs/promises';
import { z } from 'zod';
import { ALERT_RULES } from '../conditions.ts';

const clockTime = z.string().regex(/^([01]\d|2[0-3]):[0-5]\d$/, 'a time such as 22:00');
const quietHours = z.strictObject({
  from: clockTime,
  until: clockTime,
  timeZone: z.string().default('UTC').refine(isTimeZone, 'an IANA time zone such as Europe/Berlin'),
});
const webhook = z
  .strictObject({
    name: z.string().regex(/^[\w.-]{1,64}$/, 'letters, digits, _, . and - only'),
    url: z.url({ protocol: /^https?$/ }).refine(hasNoCredentials, 'a URL without user name and password'),
    format: z.enum(['slack', 'generic']).default('generic'),
    /** Signs what is sent in the generic format. */
    secret: z.string().min(16, 'at least 16 characters').optional(),
    project: z.string().min(1).optional(),
    jobs: z.array(z.string().min(1)).min(1).optional(),
    rules: z.array(z.enum(ALERT_RULES)).min(1).optional(),
    severities: z
      .array(z.enum(['critical', 'warning']))
      .min(1)
      .optional(),
    /** Warnings wait until these are over; what is critical does not. */
    quietHours: quietHours.optional(),
    /** What goes on is told again after so long. */
    remindAfterHours: z.number().positive().max(720).optional(),
  })
  .refine(({ format, secret }) => format === 'generic' || secret === undefined, {
    path: ['secret'],
    message: 'only the generic format is signed',
  });
const file = z.strictObject({ webhooks: z.array(webhook) }).superRefine(({ webhooks }, context) => {
  for (const [index, { name }] of webhooks.entries()) {
    if (webhooks.findIndex((other) => other.name === name) !== index)
      context.addIssue({
        code: 'custom',
        path: ['webhooks', index, 'name'],
        message: `'${name}' is there twice`,
      });
  }
});

export type Webhook = z.infer<typeof webhook>;
export type QuietHours = z.infer<typeof quietHours>;

/** A file of webhooks that can not be used; the message names what is wrong, and never a secret. */
class WebhookFileError extends Error {
  readonly code = 'invalid_webhooks_file';
}

/** A file that is not there names nobody. @throws WebhookFileError */
export async function readWebhooks(path: string): Promise<Webhook[]> {
  let content: unknown;
  try {
    content = JSON.parse(await readFile(path, 'utf8'));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
    throw new WebhookFileError(`The file of webhooks '${path}' can not be read: ${reasonOf(error)}`);
  }
  const parsed = file.safeParse(content);
  if (parsed.success) return parsed.data.webhooks;
  throw new WebhookFileError(
    `The file of webhooks '${path}' can not be used: ${z.prettifyError(parsed.error)}. docs/webhooks.md shows one.`,
  );
}

/** A parser quotes what it stumbles over, which may be a secret; where it stumbles is enough. */
function reasonOf(error: unknown): string {
  const { message } = error as Error;
  if (!(error instanceof SyntaxError)) return message;
  return `it is not valid JSON${/ at position \d+.*$/.exec(message)?.[0] ?? ''}`;
}

/** Whether it is between the hours now, which may go past midnight. */
export function isQuiet({ from, until, timeZone }: QuietHours, nowMs: number): boolean {
  const now = new Intl.DateTimeFormat('en-GB', {
    timeZone,
    hour: '2-digit',
    minute: '2-digit',
    hourCycle: 'h23',
  }).format(nowMs);
  return from <= until ? now >= from && now < until : now >= from || now < until;
}

/** Requests can not be made to such a URL, and the error that says so would show it. */
function hasNoCredentials(url: string): boolean {
  const { username = '', password = '' } = URL.parse(url) ?? {};
  return username === '' && password === '';
}

function isTimeZone(name: string): boolean {
  try {
    new Intl.DateTimeFormat('en', { timeZone: name });
    return true;
  } catch {
    return false;
  }
}
