/** Makes the owner's password for the SQL port, and keeps it where only the owner of the data folder can read it. */

import { randomBytes } from 'node:crypto';
import { chmod, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

/** Returns the password and the file that holds it. It stays the same from start to start. */
export async function keepPassword(dataDir: string): Promise<{ password: string; path: string }> {
  const path = join(dataDir, 'sql-password');
  const kept = await readFile(path, 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return '';
    throw error;
  });
  if (kept.trim() !== '') {
    await chmod(path, 0o600);
    return { password: kept.trim(), path };
  }
  const password = randomBytes(24).toString('base64url');
  await writeFile(path, `${password}\n`, { mode: 0o600 });
  await chmod(path, 0o600);
  return { password, path };
}
