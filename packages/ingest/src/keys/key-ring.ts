/** Knows which key belongs to which project, by hash alone. */

import { createHash, randomBytes, timingSafeEqual } from 'node:crypto';
import { mkdir, readFile, rename, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { z } from 'zod';

export const SCOPES = ['ingest', 'read', 'admin'] as const;
export type Scope = (typeof SCOPES)[number];

/** Who is asking: the project that a key belongs to, and what the key may do. */
export interface Caller {
  readonly project: string;
  readonly scopes: readonly Scope[];
}

const keySchema = z.object({
  id: z.string().min(1),
  project: z.string().min(1).max(128),
  scopes: z.array(z.enum(SCOPES)).min(1),
  sha256: z.string().regex(/^[0-9a-f]{64}$/),
  createdAt: z.iso.datetime(),
});
const fileSchema = z.object({ keys: z.array(keySchema) });
export type StoredKey = z.infer<typeof keySchema>;

export class KeyFileError extends Error {
  readonly code = 'invalid_keys_file';
}

/** Reads the key file; a file that is not there holds no keys. @throws KeyFileError */
export async function readKeys(path: string): Promise<StoredKey[]> {
  let text: string;
  try {
    text = await readFile(path, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
    throw new KeyFileError(`The key file '${path}' can not be read: ${(error as Error).message}`, {
      cause: error,
    });
  }
  try {
    return fileSchema.parse(JSON.parse(text)).keys;
  } catch (error) {
    throw new KeyFileError(
      `The key file '${path}' is damaged: ${(error as Error).message}. Mend it, or make keys anew with 'rollcall keys add'.`,
      { cause: error },
    );
  }
}

/** Makes a key, stores its hash, and returns the key itself: it is shown this once. */
export async function addKey(
  path: string,
  { project, scopes }: { project: string; scopes: readonly Scope[] },
): Promise<{ id: string; key: string }> {
  const keys = await readKeys(path);
  const id = randomBytes(4).toString('hex');
  // 256 random bits: a plain hash is enough, since nothing can be guessed.
  const key = `rc_${id}_${randomBytes(32).toString('base64url')}`;
  keys.push({ id, project, scopes: [...scopes], sha256: sha256(key), createdAt: new Date().toISOString() });
  await writeKeys(path, keys);
  return { id, key };
}

/** Forgets a key. Returns whether there was one. A running service sees it after its next start. */
export async function removeKey(path: string, id: string): Promise<boolean> {
  const keys = await readKeys(path);
  const left = keys.filter((key) => key.id !== id);
  if (left.length === keys.length) return false;
  await writeKeys(path, left);
  return true;
}

/** Answers who is asking. The time it takes does not depend on the key. */
export function createKeyRing(
  keys: readonly StoredKey[],
  localKey?: string,
): { readonly size: number; callerOf: (key: string) => Caller | null } {
  const known = keys.map(({ sha256: hash, project, scopes }) => ({
    hash: Buffer.from(hash, 'hex'),
    caller: { project, scopes },
  }));
  if (localKey !== undefined) {
    known.push({
      hash: Buffer.from(sha256(localKey), 'hex'),
      caller: { project: 'default', scopes: [...SCOPES] },
    });
  }
  return {
    size: keys.length,
    callerOf: (key) => {
      const hash = Buffer.from(sha256(key), 'hex');
      let found: Caller | null = null;
      for (const candidate of known) {
        if (timingSafeEqual(candidate.hash, hash)) found = candidate.caller;
      }
      return found;
    },
  };
}

function sha256(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}

async function writeKeys(path: string, keys: readonly StoredKey[]): Promise<void> {
  await mkdir(dirname(path), { recursive: true });
  const temporary = `${path}.${process.pid}.tmp`;
  await writeFile(temporary, `${JSON.stringify({ keys }, null, 2)}\n`, { mode: 0o600 });
  await rename(temporary, path);
}
