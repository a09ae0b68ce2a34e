/** A clock that ticks once a second for all who look at it, and rests while nobody sees the page. */

import { useEffect, useState } from 'preact/hooks';

const watchers = new Set<(nowMs: number) => void>();
let timer: ReturnType<typeof setInterval> | undefined;

/** Milliseconds since 1970, anew every second. */
export function useNow(): number {
  const [nowMs, setNowMs] = useState(Date.now);
  useEffect(() => {
    watchers.add(setNowMs);
    run();
    return () => {
      watchers.delete(setNowMs);
      run();
    };
  }, []);
  return nowMs;
}

function run(): void {
  const isNeeded = watchers.size > 0 && document.visibilityState === 'visible';
  if (isNeeded && timer === undefined) timer = setInterval(tick, 1_000);
  if (!isNeeded && timer !== undefined) {
    clearInterval(timer);
    timer = undefined;
  }
}

function tick(): void {
  for (const watcher of watchers) watcher(Date.now());
}

document.addEventListener('visibilitychange', () => {
  if (document.visibilityState === 'visible') tick();
  run();
});
