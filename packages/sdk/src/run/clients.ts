/** Runs many clients, some at a time. */
import type { Client, ClientResult, ClientsOptions, Run } from './handles.ts';

/** Starts no further client once the run is cancelled, or one has failed and that is to be the end. */
export async function runClients<T>(
  run: Run,
  clientIds: readonly string[],
  fn: (client: Client) => T | PromiseLike<T>,
  { concurrency = 1, continueOnError = true, ...limits }: ClientsOptions,
): Promise<ClientResult<T>[]> {
  const results = clientIds.map((clientId): ClientResult<T> => ({ clientId, status: 'not_started' }));
  const queue = clientIds.entries();
  let stopped = false;
  const work = async () => {
    for (const [index, clientId] of queue) {
      if (stopped || run.signal.aborted) return;
      try {
        results[index] = { clientId, status: 'fulfilled', value: await run.client(clientId, fn, limits) };
      } catch (reason) {
        results[index] = { clientId, status: 'rejected', reason };
        stopped ||= !continueOnError;
      }
    }
  };
  const workers = Math.max(1, Math.min(Math.floor(concurrency) || 1, clientIds.length));
  await Promise.all(Array.from({ length: workers }, work));
  return results;
}

/** The clients that a list names. A text is one client: it is iterable too, letter by letter, which nobody means. */
export function listClients(clientIds: Iterable<string>): readonly string[] {
  return typeof clientIds === 'string' ? [clientIds] : Array.from(clientIds);
}
