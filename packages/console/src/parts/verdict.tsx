/** Draws verdicts: each has a colour, a shape and a word, so that none of them stands alone. */

import type { JobRunSummary } from '../api/types.ts';

export type Verdict = JobRunSummary['verdict'];

/** In the order of trouble: what to look at first comes first. */
export const BY_TROUBLE: readonly Verdict[] = [
  'failed',
  'lost',
  'timed_out',
  'never_started',
  'cancelled',
  'completed_with_errors',
  'running',
  'pending',
  'nothing_to_do',
  'completed',
];

/** Those that must run again. */
export const TO_RUN_AGAIN: ReadonlySet<Verdict> = new Set([
  'failed',
  'lost',
  'timed_out',
  'never_started',
  'cancelled',
]);

const WORDS: Record<Verdict, string> = {
  pending: 'pending',
  running: 'running',
  completed: 'completed',
  completed_with_errors: 'completed with errors',
  nothing_to_do: 'nothing to do',
  failed: 'failed',
  cancelled: 'cancelled',
  timed_out: 'timed out',
  lost: 'lost',
  never_started: 'never started',
};

/** What a newcomer asks when the pointer rests on it. */
const MEANINGS: Record<Verdict, string> = {
  pending: 'expected, and has not started yet',
  running: 'works, and gives signs of life',
  completed: 'said so, and so did every client',
  completed_with_errors: 'said completed, but a client failed, was lost, timed out or never started',
  nothing_to_do: 'had nothing to do, and said why',
  failed: 'threw an error',
  cancelled: 'was aborted',
  timed_out: 'ran into its time limit',
  lost: 'never ended, and has been silent for three heartbeats',
  never_started: 'was expected, and never answered the roll call',
};

export function wordsOf(verdict: Verdict): string {
  return WORDS[verdict];
}

export function meaningOf(verdict: Verdict): string {
  return MEANINGS[verdict];
}

/** One path for each, in a box of 16 × 16; strokes are drawn in the verdict's colour. */
const SHAPES: Record<Verdict, { path: string; filled?: boolean }> = {
  pending: { path: 'M8 6.5a1.5 1.5 0 1 0 .01 0Z', filled: true },
  running: { path: 'M5 3.2v9.6L13 8Z', filled: true },
  completed: { path: 'M3 8.6l3.4 3.4L13 4.8' },
  completed_with_errors: { path: 'M8 2.8v6.4M8 12.4v.6' },
  nothing_to_do: { path: 'M8 3.4a4.6 4.6 0 1 0 .01 0Z' },
  failed: { path: 'M3.8 3.8l8.4 8.4M12.2 3.8l-8.4 8.4' },
  cancelled: { path: 'M8 2.9a5.1 5.1 0 1 0 .01 0ZM4.5 11.5l7-7' },
  timed_out: { path: 'M4 2.8h8M4 13.2h8M4.6 3c0 3.4 6.8 6.6 6.8 10M11.4 3c0 3.4-6.8 6.6-6.8 10' },
  lost: { path: 'M5.2 5.8c0-4 5.8-3.6 5.8-.2 0 2.4-3 2.2-3 4.2M8 12.6v.6' },
  never_started: { path: 'M3.4 8h9.2' },
};

export function Mark({ verdict, size = 16 }: { verdict: Verdict; size?: number }) {
  const { path, filled } = SHAPES[verdict];
  return (
    <svg class={`mark v-${verdict}`} width={size} height={size} viewBox="0 0 16 16" aria-hidden="true">
      <path
        d={path}
        fill={filled ? 'currentColor' : 'none'}
        stroke={filled ? 'none' : 'currentColor'}
        stroke-width="2.1"
        stroke-linecap="round"
        stroke-linejoin="round"
      />
    </svg>
  );
}

/** For a canvas: the same shapes. */
export const SHAPE_PATHS = new Map(
  (Object.entries(SHAPES) as [Verdict, { path: string; filled?: boolean }][]).map(
    ([verdict, { path, filled }]) => [verdict, { path: new Path2D(path), filled: filled === true }],
  ),
);

export function VerdictLabel({ verdict, quiet = false }: { verdict: Verdict; quiet?: boolean }) {
  return (
    <span class={quiet ? `verdict v-${verdict}` : `verdict chip v-${verdict}`} title={MEANINGS[verdict]}>
      <Mark verdict={verdict} size={quiet ? 14 : 13} />
      {WORDS[verdict]}
    </span>
  );
}

type Counts = JobRunSummary['clients'];

/** Counts of clients by verdict, without those that are zero. */
export function countsByVerdict(clients: Counts): [Verdict, number][] {
  const pending = Math.max(
    0,
    (clients['expected'] ?? 0) +
      (clients['unexpected'] ?? 0) -
      (clients['started'] ?? 0) -
      (clients['neverStarted'] ?? 0),
  );
  const of: Record<Verdict, number> = {
    failed: clients['failed'] ?? 0,
    lost: clients['lost'] ?? 0,
    timed_out: clients['timedOut'] ?? 0,
    never_started: clients['neverStarted'] ?? 0,
    cancelled: clients['cancelled'] ?? 0,
    completed_with_errors: clients['completedWithErrors'] ?? 0,
    running: clients['running'] ?? 0,
    pending,
    nothing_to_do: clients['nothingToDo'] ?? 0,
    completed: clients['completed'] ?? 0,
  };
  return BY_TROUBLE.map((verdict): [Verdict, number] => [verdict, of[verdict]]).filter(
    ([, number]) => number > 0,
  );
}

/** What is done on the left, what is left to do on the right. */
const IN_A_BAR: readonly Verdict[] = [
  'completed',
  'nothing_to_do',
  'completed_with_errors',
  'cancelled',
  'timed_out',
  'lost',
  'failed',
  'never_started',
  'running',
  'pending',
];

/** A bar with a part for each verdict; the words say the same. */
export function VerdictBar({ clients }: { clients: Counts }) {
  const counts = countsByVerdict(clients);
  const total = counts.reduce((sum, [, number]) => sum + number, 0);
  const words = counts.map(([verdict, number]) => `${number} ${WORDS[verdict]}`).join(', ');
  if (total === 0) return <span class="vbar empty" />;
  return (
    <span class="vbar" role="img" aria-label={words} title={words}>
      {counts
        .toSorted(([a], [b]) => IN_A_BAR.indexOf(a) - IN_A_BAR.indexOf(b))
        .map(([verdict, number]) => (
          <span
            key={verdict}
            class={`v-${verdict}`}
            style={{ flexGrow: number, flexBasis: 0, minWidth: '3px' }}
          />
        ))}
    </span>
  );
}
