/** Draws verdicts: by sign and word always, by colour where there is one. */

import { styleText } from 'node:util';
import type { Verdict } from '@rollcall/semconv';

type Style = Parameters<typeof styleText>[0];

const LOOKS: Record<Verdict, { sign: string; style: Style }> = {
  pending: { sign: '·', style: 'dim' },
  running: { sign: '▶', style: 'cyan' },
  completed: { sign: '✔', style: 'green' },
  completed_with_errors: { sign: '!', style: 'yellow' },
  nothing_to_do: { sign: '○', style: 'dim' },
  failed: { sign: '✖', style: 'red' },
  cancelled: { sign: '⊘', style: 'yellow' },
  timed_out: { sign: '⧗', style: 'red' },
  lost: { sign: '?', style: 'magenta' },
  never_started: { sign: '–', style: 'magenta' },
};

/** `✔ completed`, `! completed with errors`, … */
export function drawVerdict(verdict: Verdict, text = verdict.replaceAll('_', ' ')): string {
  const { sign, style } = LOOKS[verdict];
  return styleText(style, `${sign} ${text}`);
}

export function bold(text: string): string {
  return styleText('bold', text);
}

export function dim(text: string): string {
  return styleText('dim', text);
}
