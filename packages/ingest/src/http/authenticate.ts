/** Finds out who is asking, before anything else is read. */

import type { Context, MiddlewareHandler } from 'hono';
import type { Caller, Scope } from '../keys/key-ring.ts';
import { SCOPES } from '../keys/key-ring.ts';
import { problem } from './problem.ts';

export interface AppEnv {
  Variables: { caller: Caller };
}

export interface KeyRing {
  readonly size: number;
  readonly callerOf: (key: string) => Caller | null;
}

/** Whoever reaches a service without keys owns the machine it runs on: it listens on loopback alone. */
const OWNER: Caller = { project: 'default', scopes: [...SCOPES] };

const LOOPBACK_HOST = /^(localhost|127\.\d+\.\d+\.\d+|\[::1\])(:\d+)?$/i;

/**
 * Lets a request through when its key has the scope. Without any key configured everybody on this machine is let in,
 * but only under a loopback name: a web page that a browser was lured to can not reach the service under its own.
 */
export function authenticate(
  keys: KeyRing,
  scope: Scope,
  {
    onRefused = () => undefined,
    refuse = (c, { httpStatus, code, detail }) => problem(c, httpStatus, code, detail),
  }: {
    onRefused?: (reason: string) => void;
    refuse?: (c: Context, verdict: RefusedVerdict) => Response;
  } = {},
): MiddlewareHandler<AppEnv> {
  return async (c, next) => {
    const verdict = keys.size === 0 ? judgeLoopback(c) : judgeKey(c, keys, scope);
    if (verdict.status === 'refused') {
      onRefused(verdict.code);
      const response = refuse(c, verdict);
      if (verdict.httpStatus === 401) response.headers.set('WWW-Authenticate', 'Bearer realm="rollcall"');
      return response;
    }
    c.set('caller', verdict.caller);
    return next();
  };
}

type Verdict = { status: 'let_in'; caller: Caller } | RefusedVerdict;

/** Why somebody is not let in. */
export interface RefusedVerdict {
  readonly status: 'refused';
  readonly httpStatus: 401 | 403;
  readonly code: string;
  readonly detail: string;
}

function judgeLoopback(c: Context): Verdict {
  const host = c.req.header('host') ?? '';
  if (LOOPBACK_HOST.test(host)) return { status: 'let_in', caller: OWNER };
  return {
    status: 'refused',
    httpStatus: 403,
    code: 'not_loopback',
    detail: `Without keys this service answers on loopback names only, not on '${host}'. Make a key with 'rollcall keys add'.`,
  };
}

function judgeKey(c: Context, keys: KeyRing, scope: Scope): Verdict {
  const key = /^Bearer (\S+)$/i.exec(c.req.header('authorization') ?? '')?.[1];
  if (key === undefined) {
    return {
      status: 'refused',
      httpStatus: 401,
      code: 'key_missing',
      detail: "Send 'Authorization: Bearer <key>'; make a key with 'rollcall keys add'.",
    };
  }
  const caller = keys.callerOf(key);
  if (caller === null) {
    return {
      status: 'refused',
      httpStatus: 401,
      code: 'key_unknown',
      detail: "This key is not known here. List the known ones with 'rollcall keys list'.",
    };
  }
  if (!caller.scopes.includes(scope)) {
    return {
      status: 'refused',
      httpStatus: 403,
      code: 'scope_missing',
      detail: `This key may ${caller.scopes.join(', ')}; this path needs '${scope}'.`,
    };
  }
  return { status: 'let_in', caller };
}
