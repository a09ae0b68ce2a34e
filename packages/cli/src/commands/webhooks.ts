/** `rollcall webhooks`: who is told what deserves attention, and whether it reaches them. */

import type { AlertCondition } from '@rollcall/ingest';
import { UsageError } from '../print/failure.ts';
import { drawTable } from '../print/table.ts';
import { loadConfig, type GlobalOptions } from '../reader/reader.ts';

const TEST: AlertCondition = {
  project: '',
  rule: 'job_failed',
  severity: 'warning',
  job: 'rollcall_test',
  runId: '',
  clientId: '',
  subject: 'test',
  since: null,
  value: 1,
  threshold: 1,
  summary: 'This is a test of Rollcall. Nothing has failed.',
};

/** Exits with 1 where a test did not reach somebody. */
export async function webhooks({
  test,
  ...options
}: GlobalOptions & { test?: string | boolean }): Promise<void> {
  const { readWebhooks, postToWebhook, reasonOf } = await import('@rollcall/ingest');
  const { webhooksFile } = await loadConfig(options);
  const all = await readWebhooks(webhooksFile);
  if (all.length === 0) {
    const none = `There are no webhooks in '${webhooksFile}'. docs/webhooks.md shows how to name some.`;
    if (test !== undefined) throw new UsageError(none);
    console.log(none);
    return;
  }
  const wanted = typeof test === 'string' ? all.filter(({ name }) => name === test) : all;
  if (wanted.length === 0)
    throw new UsageError(
      `There is no webhook '${String(test)}'; there are: ${all.map(({ name }) => name).join(', ')}.`,
    );
  if (test === undefined) {
    const rows = all.map(({ name, format, url, project, rules, severities }) => [
      name,
      format,
      // What follows the host is often a secret.
      new URL(url).host,
      [project ?? 'all projects', ...(severities ?? []), ...(rules ?? [])].join(', '),
    ]);
    console.log(drawTable(['webhook', 'format', 'host', 'hears of'], rows));
    return;
  }
  for (const webhook of wanted) {
    try {
      await postToWebhook(webhook, [{ status: 'firing', condition: TEST }], Date.now());
      console.log(`${webhook.name}: has it`);
    } catch (error) {
      console.log(`${webhook.name}: ${reasonOf(error)}`);
      process.exitCode = 1;
    }
  }
}
