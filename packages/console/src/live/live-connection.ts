/** Keeps the live connection up, and says how it is. */

import { keyHeaders } from '../api/key.ts';
import { readEvents, type ServerEvent } from './read-events.ts';

export type ConnectionState = 'connecting' | 'live' | 'offline';

export interface LiveConnectionOptions {
  /** Hear of this run's clients too, and of no other run. */
  readonly runId: string | null;
  readonly onEvent: (event: ServerEvent) => void;
  readonly onState: (state: ConnectionState) => void;
}

const FIRST_RETRY_MS = 500;
const LONGEST_RETRY_MS = 15_000;
/** The service gives a sign of life every ten seconds. */
const SILENT_AFTER_MS = 25_000;

/** Connects, and connects again whenever it is cut, going on after the last event. Ends when the signal says so. */
export async function keepListening(
  { runId, onEvent, onState }: LiveConnectionOptions,
  signal: AbortSignal,
): Promise<void> {
  let lastEventId = '';
  let failures = 0;
  while (!signal.aborted) {
    onState(failures > 0 ? 'offline' : 'connecting');
    const cut = new AbortController();
    const watch = new Watchdog(SILENT_AFTER_MS, () => cut.abort());
    try {
      const response = await fetch(
        `/api/v1/live?${runId === null ? 'clients=false' : `run=${encodeURIComponent(runId)}`}`,
        {
          headers: { ...keyHeaders(), ...(lastEventId === '' ? {} : { 'Last-Event-ID': lastEventId }) },
          signal: AbortSignal.any([signal, cut.signal]),
        },
      );
      if (!response.ok || response.body === null) throw new Error(String(response.status));
      await readEvents(response.body, {
        onAlive: () => watch.feed(),
        onEvent: (event) => {
          failures = 0;
          if (event.id !== '') lastEventId = event.id;
          if (event.type === 'hello' || event.type === 'reset') onState('live');
          onEvent(event);
        },
      });
    } catch {
      // Whatever cut it, the answer is the same: connect again.
    } finally {
      watch.stop();
    }
    failures += 1;
    if (signal.aborted) return;
    onState('offline');
    await pause(Math.min(FIRST_RETRY_MS * 2 ** (failures - 1), LONGEST_RETRY_MS), signal);
  }
}

/** Barks when it was not fed for a while: a connection may be dead without anybody saying so. */
class Watchdog {
  readonly #withinMs: number;
  readonly #bark: () => void;
  #timer: ReturnType<typeof setTimeout>;

  constructor(withinMs: number, bark: () => void) {
    this.#withinMs = withinMs;
    this.#bark = bark;
    this.#timer = setTimeout(bark, withinMs);
  }

  feed(): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(this.#bark, this.#withinMs);
  }

  stop(): void {
    clearTimeout(this.#timer);
  }
}

async function pause(ms: number, signal: AbortSignal): Promise<void> {
  await new Promise<void>((resolve) => {
    const timer = setTimeout(resolve, ms);
    const wake = (): void => {
      clearTimeout(timer);
      resolve();
    };
    signal.addEventListener('abort', wake, { once: true });
    // The network is back: no need to wait any longer.
    window.addEventListener('online', wake, { once: true, signal });
  });
}
