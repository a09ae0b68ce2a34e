/** Knows who may ask through the front, and what they see. */

import { createHash, timingSafeEqual } from 'node:crypto';
import type { KeyRing } from '../http/authenticate.ts';
import type { Credentials } from './question.ts';

/** Whoever owns the service sees every project; a project's user sees that project. */
export interface Account {
  readonly project: string | undefined;
}

/** Names of the owner: the second is what clients send when none is given. */
const OWNERS = new Set(['rollcall', 'default']);

/**
 * The owner has the SQL password, or a key that may `admin`. Of a project the user name is the project's, and the
 * password one of its keys that may `read`.
 */
export function createAccounts({
  keys,
  password,
}: {
  keys: KeyRing;
  password: string;
}): (credentials: Credentials) => Account | null {
  const expected = digest(password);
  return (given) => {
    if (OWNERS.has(given.user) && timingSafeEqual(digest(given.password), expected))
      return { project: undefined };
    const caller = keys.callerOf(given.password);
    if (caller === null) return null;
    if (OWNERS.has(given.user) && caller.scopes.includes('admin')) return { project: undefined };
    if (given.user === caller.project && caller.scopes.includes('read')) return { project: caller.project };
    return null;
  };
}

function digest(text: string): Buffer {
  return createHash('sha256').update(text).digest();
}
