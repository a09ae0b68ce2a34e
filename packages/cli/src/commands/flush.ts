/** `rollcall flush`: sends what programs on this machine kept because Rollcall was away. */

import type { SpoolsFlushed } from '@rollcall/sdk';
import { drawNumber } from '../print/numbers.ts';
import { UsageError } from '../print/failure.ts';
import { bold, dim } from '../print/verdict.ts';
import type { GlobalOptions } from '../reader/reader.ts';

export interface FlushCommandOptions extends GlobalOptions {
  readonly spoolDir?: string;
  readonly otherKeys?: boolean;
  readonly json?: boolean;
}

/** Exits with 1 when something still waits for this service. */
export async function flush({ url, spoolDir, otherKeys, json = false }: FlushCommandOptions): Promise<void> {
  const { flushSpools } = await import('@rollcall/sdk');
  const flushed = await flushSpools({
    ...(url === undefined ? {} : { endpoint: url }),
    ...(spoolDir === undefined ? {} : { spoolDir }),
    ...(otherKeys === undefined ? {} : { otherKeys }),
  }).catch((error: unknown) => {
    throw error instanceof TypeError ? new UsageError(error.message) : error;
  });
  if (flushed.waiting > 0 || flushed.callsWaiting) process.exitCode = 1;
  if (json) console.log(JSON.stringify(flushed, null, 2));
  else print(flushed);
}

function print({ endpoint, spoolDir, sent, waiting, callsWaiting, reason, elsewhere }: SpoolsFlushed): void {
  if (sent > 0) console.log(bold(`Sent ${drawNumber(sent)} kept ${requests(sent)} to ${endpoint}.`));
  if (waiting > 0) {
    console.log(
      `${drawNumber(waiting)} ${requests(waiting)} still wait for ${endpoint}: ${reason ?? 'another process has them'}`,
    );
  }
  if (callsWaiting) console.log(`Calls of the tracking services still wait for ${endpoint}.`);
  if (sent === 0 && waiting === 0 && !callsWaiting) console.log(`Nothing waits for ${endpoint}.`);
  for (const other of elsewhere) {
    const why =
      other.endpoint === endpoint ? 'under another key (--other-keys sends it)' : `for ${other.endpoint}`;
    console.log(dim(`${drawNumber(other.waiting)} ${requests(other.waiting)} wait ${why}: ${other.folder}`));
  }
  console.log(dim(`Looked in ${spoolDir}.`));
}

function requests(count: number): string {
  return count === 1 ? 'request' : 'requests';
}
