/** Gives the pages the live connection: one for the whole console. */

import { createContext, type ComponentChildren } from 'preact';
import { useContext, useEffect, useState } from 'preact/hooks';
import { useQueryClient } from '@tanstack/preact-query';
import { createApply } from './apply-event.ts';
import { keepListening, type ConnectionState } from './live-connection.ts';

const State = createContext<ConnectionState>('connecting');

/** How the live connection is. */
export function useConnection(): ConnectionState {
  return useContext(State);
}

/** Listens to one run and its clients where one is named, else to all runs. */
export function Live({
  runId,
  isPaused,
  children,
}: {
  runId: string | null;
  isPaused: boolean;
  children: ComponentChildren;
}) {
  const client = useQueryClient();
  const [state, setState] = useState<ConnectionState>('connecting');
  useEffect(() => {
    if (isPaused) {
      setState('offline');
      return undefined;
    }
    const stop = new AbortController();
    const { apply, stop: stopApplying } = createApply(client);
    let wasOffline = false;
    void keepListening(
      {
        runId,
        onEvent: apply,
        onState: (next) => {
          if (stop.signal.aborted) return;
          if (next === 'offline') wasOffline = true;
          // A new address of the feed is no trouble: it stays live on screen unless it takes long.
          setState((before) => (next === 'connecting' && before === 'live' ? before : next));
          if (next === 'live' && wasOffline) {
            wasOffline = false;
            void client.invalidateQueries();
          }
        },
      },
      stop.signal,
    );
    return () => {
      stop.abort();
      stopApplying();
    };
  }, [client, runId, isPaused]);
  return <State.Provider value={state}>{children}</State.Provider>;
}
