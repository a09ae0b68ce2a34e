/** Speaks the tracking API over real HTTP. */

import { setTimeout as sleep } from 'node:timers/promises';

export interface Answer<Body = Record<string, unknown>> {
  readonly status: number;
  readonly headers: Headers;
  readonly body: Body;
}

/** Of questions that are answered 503: a machine may be slow for so long. */
const MOST_TRIES = 6;

/** `api('PATCH', '/runs/x', { … })` against a running service. A question is asked again as long as the answer is to ask again. */
export function trackingClient(url: string, key?: string) {
  return async function api<Body = Record<string, never>>(
    method: string,
    path: string,
    body?: unknown,
    headers: Record<string, string> = {},
  ): Promise<Answer<Body>> {
    for (let tries = 1; ; tries++) {
      const response = await fetch(`${url}/api/v1${path}`, {
        method,
        headers: {
          ...(body === undefined ? {} : { 'Content-Type': 'application/json' }),
          ...(key === undefined ? {} : { Authorization: `Bearer ${key}` }),
          ...headers,
        },
        ...(body === undefined ? {} : { body: typeof body === 'string' ? body : JSON.stringify(body) }),
      });
      const answer = {
        status: response.status,
        headers: response.headers,
        body: (await response.json()) as Body,
      };
      const isBusy = method === 'GET' && response.status === 503;
      if (!isBusy || tries === MOST_TRIES) return answer;
      await sleep(Number(response.headers.get('retry-after')) * 1_000);
    }
  };
}
