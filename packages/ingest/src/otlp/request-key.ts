/** Tells whether two requests are the same one. */

import { createHash } from 'node:crypto';
import { checksum } from '../native/checksum.ts';
import type { Encoding, Signal } from '../rows/transcode.ts';

/** So many bytes at either end go into the hash. They hold times and IDs: no two requests have these in common. */
const EDGE_BYTES = 8_192;

/** Characters of a name that say whose request it is, and those that say which one. */
const PROJECT_CHARACTERS = 4;
const CHARACTERS = 22;

/**
 * A name of the inflated body, 26 characters of base64url. All of it goes into a checksum of 64 bits, its ends into a hash:
 * a hash of the whole would cost a tenth of the way to the disk.
 */
export function requestKeyOf(
  projectId: string,
  signal: string,
  body: Uint8Array,
  checksumOf: (body: Uint8Array) => bigint = checksum,
): string {
  const hash = createHash('sha1').update(`${signal}\n${projectId}\n${body.length}\n`);
  if (body.length <= 2 * EDGE_BYTES) hash.update(body);
  else {
    hash
      .update(checksumOf(body).toString(16))
      .update(body.subarray(0, EDGE_BYTES))
      .update(body.subarray(-EDGE_BYTES));
  }
  const project = createHash('sha1').update(projectId).digest('base64url').slice(0, PROJECT_CHARACTERS);
  return project + hash.digest('base64url').slice(0, CHARACTERS);
}

/** What the names of a project's requests have in common; nothing for those of earlier versions, which did not say. */
export function projectOf(key: string): string {
  return key.length === CHARACTERS ? '' : key.slice(0, PROJECT_CHARACTERS);
}

export function isRequestKey(text: string): boolean {
  return /^(?:[\w-]{22}|[\w-]{26})$/.test(text);
}

/** The ends of `timeUnixNano` and `observed_time_unix_nano`, however they are spelt. */
const TIMES = ['imeUnixNano', 'ime_unix_nano'] as const;

/**
 * Whether an equal body can only be the same request. Log lines that a script writes by hand may have no time at all:
 * the same line each night is a new one each night.
 */
export function isNameable(signal: Signal, encoding: Encoding, body: Uint8Array): boolean {
  if (signal !== 'logs' || encoding !== 'json') return true;
  const text = Buffer.from(body.buffer, body.byteOffset, body.byteLength);
  return TIMES.some((time) => text.includes(time));
}
