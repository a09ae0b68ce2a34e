/** Works out how far a run is, and when it may be over. */

import type { JobRunSummary, Usual } from '../api/types.ts';

export interface Progress {
  /** 0 to 1; null where nothing tells. */
  readonly share: number | null;
  readonly clientsDone: number;
  readonly clientsExpected: number;
}

export function progressOf({ clients, progress }: JobRunSummary): Progress {
  const of = (name: string): number => clients[name] ?? 0;
  const clientsDone =
    of('completed') +
    of('completedWithErrors') +
    of('nothingToDo') +
    of('failed') +
    of('timedOut') +
    of('cancelled') +
    of('lost');
  const clientsExpected = of('expected');
  const byClients = clientsExpected > 0 ? clientsDone / clientsExpected : null;
  const own = progress?.total != null && progress.total > 0 ? progress.done / progress.total : null;
  // A job that counts its clients tells so with each heartbeat; the clients themselves are ahead of that.
  const countsClients = Math.abs((progress?.total ?? 0) - clientsExpected) <= clientsExpected * 0.01;
  const share = own === null ? byClients : countsClients ? Math.max(own, byClients ?? 0) : own;
  return { share: share === null ? null : Math.min(1, share), clientsDone, clientsExpected };
}

/** Below this share the pace says too little. */
const SHARE_THAT_TELLS = 0.03;

/** Milliseconds until the end, by its own pace or else by what is usual; null where nobody can tell. */
export function remainingMs(
  share: number | null,
  elapsedMs: number,
  usual: Usual | undefined,
): number | null {
  if (share !== null && share >= SHARE_THAT_TELLS && share < 1) return (elapsedMs * (1 - share)) / share;
  if (share === 1) return null;
  return usual !== undefined && usual.medianMs > elapsedMs ? usual.medianMs - elapsedMs : null;
}
