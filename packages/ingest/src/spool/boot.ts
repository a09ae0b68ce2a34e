/** Tells one boot of the machine from another: what a program wrote outlives it, but only a sync outlives the machine. */

import { readFileSync } from 'node:fs';

/** Not given: the machine does not say. */
export function readBootId(): string | undefined {
  try {
    return readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').replaceAll('-', '').trim();
  } catch {
    return undefined;
  }
}
