/** Puts the client runs and steps of a run into the rows of a timeline. */

import type { Answer, Step } from '../api/types.ts';
import type { Verdict } from '../parts/verdict.tsx';

export interface Bar {
  readonly clientId: string;
  readonly name: string;
  readonly startMs: number;
  endMs: number;
  readonly verdict: Verdict;
  readonly isOpen: boolean;
  readonly steps: Step[];
}

export interface Row {
  /** Empty where the row is shared by several clients. */
  readonly label: string;
  /** In the order of their starts; they do not overlap. */
  readonly bars: Bar[];
}

export interface Timeline {
  readonly rows: readonly Row[];
  readonly startMs: number;
  readonly endMs: number;
  readonly spans: number;
}

/** `packed` puts clients that do not overlap into one row: as many rows as there were clients at work at a time. */
export function layOutBars(
  clients: readonly Answer[],
  steps: readonly Step[],
  { runStartMs, runEndMs, isPacked }: { runStartMs: number; runEndMs: number; isPacked: boolean },
): Timeline {
  const stepsOf = Map.groupBy(steps, ({ clientId }) => clientId);
  const bars = clients
    .flatMap((answer): Bar[] => {
      const { clientId, verdict, startedMs, durationMs, lastSeenMs } = answer;
      if (startedMs === undefined) return [];
      const isOpen = durationMs === undefined && verdict === 'running';
      const endMs =
        durationMs === undefined ? (isOpen ? runEndMs : (lastSeenMs ?? startedMs)) : startedMs + durationMs;
      return [
        {
          clientId,
          name: clientId,
          startMs: startedMs,
          endMs,
          verdict,
          isOpen,
          steps: stepsOf.get(clientId) ?? [],
        },
      ];
    })
    .toSorted((a, b) => a.startMs - b.startMs);
  const own = (stepsOf.get('') ?? []).map((step): Bar => ({
    clientId: '',
    name: step.name,
    startMs: step.startedMs,
    endMs: step.startedMs + step.durationMs,
    verdict: step.isError ? 'failed' : 'completed',
    isOpen: false,
    steps: [],
  }));
  const rows = [
    ...pack(own, 'the run itself'),
    ...(isPacked ? pack(bars, '') : bars.map((bar) => ({ label: bar.clientId, bars: [bar] }))),
  ];
  return {
    rows,
    startMs: Math.min(runStartMs, bars[0]?.startMs ?? runStartMs),
    endMs: Math.max(runEndMs, ...rows.map(({ bars: inRow }) => inRow.at(-1)?.endMs ?? 0)),
    spans: bars.length + steps.length,
  };
}

/** First fit: the first row that is free takes the next bar. */
function pack(bars: readonly Bar[], label: string): Row[] {
  const rows: Row[] = [];
  const freeAt: number[] = [];
  for (const bar of bars) {
    let row = freeAt.findIndex((ms) => ms <= bar.startMs);
    if (row === -1) {
      row = rows.length;
      rows.push({ label: row === 0 ? label : '', bars: [] });
    }
    rows[row]?.bars.push(bar);
    freeAt[row] = bar.endMs;
  }
  return rows;
}

/** The bar of the row that is at this time, or within `slackMs` of it. */
export function barAt({ bars }: Row, ms: number, slackMs: number): Bar | undefined {
  let low = 0;
  let high = bars.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((bars[middle]?.startMs ?? 0) <= ms + slackMs) low = middle + 1;
    else high = middle;
  }
  const found = bars[low - 1];
  return found !== undefined && found.endMs >= ms - slackMs ? found : undefined;
}
