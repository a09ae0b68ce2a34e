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

/** Whether a browser says that another site made it send this. Programs send neither header. */
function isFromElsewhere(c: Context): boolean {
  const site = c.req.header('sec-fetch-site');
  if (site !== undefined && site !== 'same-origin' && site !== 'none') return true;
  const origin = c.req.header('origin');
  return origin !== undefined && URL.parse(origin)?.host !== c.req.header('host');
}

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
    alwaysByKey = false,
    refuse = (c, { httpStatus, code, detail }) => problem(c, httpStatus, code, detail),
  }: {
    onRefused?: (reason: string) => void;
    /** Wants a key even where none is configured: the local one, which the owner of the data folder has. */
    alwaysByKey?: boolean;
    refuse?: (c: Context, verdict: RefusedVerdict) => Response;
  } = {},
): MiddlewareHandler<AppEnv> {
  return async (c, next) => {
    const verdict = keys.size === 0 && !alwaysByKey ? judgeLoopback(c) : judgeKey(c, keys, scope);
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
  if (isFromElsewhere(c)) {
    return {
      status: 'refused',
      httpStatus: 403,
      code: 'not_same_origin',
      detail: 'Without keys this service takes nothing that a web page of another site sends.',
    };
  }
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
