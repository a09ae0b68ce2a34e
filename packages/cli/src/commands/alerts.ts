/** `rollcall alerts`: what deserves attention now. */

import type { AlertCondition } from '@rollcall/ingest';
import { styleText } from 'node:util';
import { lineWidth, oneLine, wrap } from '../print/line.ts';
import { drawTime } from '../print/numbers.ts';
import { drawTable } from '../print/table.ts';
import { dim } from '../print/verdict.ts';
import { openReader, type GlobalOptions } from '../reader/reader.ts';

/** The severe ones come first. */
export async function alerts({
  job = '',
  project = '',
  json = false,
  ...options
}: GlobalOptions & { job?: string; project?: string; json?: boolean }): Promise<void> {
  const { ALERT_CONDITIONS_SQL } = await import('@rollcall/ingest');
  const reader = await openReader(options);
  try {
    const found = await reader.rows<AlertCondition>(ALERT_CONDITIONS_SQL, { job, project });
    if (json) console.log(JSON.stringify(found, null, 2));
    else if (found.length === 0) console.log('Nothing deserves attention.');
    else print(found);
  } finally {
    await reader.close();
  }
}

/** Sign, time and the gaps between four columns. */
const OTHER_COLUMNS = 24;
const NARROWEST_SUMMARY = 30;

function print(found: readonly AlertCondition[]): void {
  const width = Math.max(
    NARROWEST_SUMMARY,
    lineWidth() - OTHER_COLUMNS - Math.max(...found.map(({ rule }) => rule.length)),
  );
  const rows = found.map(({ severity, rule, since, summary }) => [
    severity === 'critical' ? styleText('red', '✖') : styleText('yellow', '!'),
    rule,
    drawTime(since),
    // In a pipe each condition is one line, for grep.
    process.stdout.isTTY ? wrap(oneLine(summary), width).join('\n') : oneLine(summary),
  ]);
  console.log(drawTable(['', 'rule', 'since (UTC)', 'what'], rows));
  console.log(dim('docs/alerts.md tells what to do about each rule.'));
}
