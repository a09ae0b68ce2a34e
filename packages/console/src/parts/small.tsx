/** Small pieces that every page uses. */

import type { ComponentChildren } from 'preact';
import { useEffect, useRef, useState } from 'preact/hooks';
import { AskError } from '../api/ask.ts';
import { ago, clock, utc } from './words.ts';
import { useNow } from './use-now.ts';

/** A moment in the viewer's zone; UTC when the pointer rests on it. */
export function Moment({ at }: { at: string | number | null }) {
  if (at === null) return <>–</>;
  const ms = typeof at === 'number' ? at : Date.parse(at);
  return (
    <time dateTime={new Date(ms).toISOString()} title={utc(ms)}>
      {clock(ms)}
    </time>
  );
}

/** How long ago it was, always right. */
export function Ago({ at }: { at: string | number | null }) {
  const nowMs = useNow();
  if (at === null) return <>–</>;
  const ms = typeof at === 'number' ? at : Date.parse(at);
  return (
    <time dateTime={new Date(ms).toISOString()} title={`${clock(ms)} · ${utc(ms)}`}>
      {ago(nowMs - ms)}
    </time>
  );
}

export function CopyButton({ text, children = 'Copy' }: { text: string; children?: ComponentChildren }) {
  const [isCopied, setIsCopied] = useState(false);
  const timer = useRef<ReturnType<typeof setTimeout> | undefined>(undefined);
  useEffect(() => () => clearTimeout(timer.current), []);
  return (
    <button
      type="button"
      class="button"
      onClick={() => {
        void copy(text).then(() => {
          setIsCopied(true);
          clearTimeout(timer.current);
          timer.current = setTimeout(() => setIsCopied(false), 1_500);
        });
      }}
    >
      <span aria-live="polite">{isCopied ? '✓ Copied' : children}</span>
    </button>
  );
}

/** Outside https and localhost a browser has no clipboard: then the old way. */
async function copy(text: string): Promise<void> {
  if (navigator.clipboard !== undefined) {
    await navigator.clipboard.writeText(text);
    return;
  }
  const area = document.createElement('textarea');
  area.value = text;
  document.body.append(area);
  area.select();
  document.execCommand('copy');
  area.remove();
}

/** Says what went wrong, and offers to try again. */
export function Trouble({ error, onAgain }: { error: unknown; onAgain?: () => void }) {
  const known = error instanceof AskError ? error : null;
  return (
    <div class="note bad" role="alert">
      <p>
        <strong>{TITLES[known?.code ?? ''] ?? 'This could not be read.'}</strong>
      </p>
      <p>{known?.message ?? String(error)}</p>
      {onAgain !== undefined && (
        <button type="button" class="button" onClick={onAgain}>
          Try again
        </button>
      )}
    </div>
  );
}

const TITLES: Record<string, string> = {
  unreachable: 'Rollcall is out of reach.',
  run_not_found: 'There is no such run.',
  job_not_found: 'There is no such job.',
  client_not_found: 'There is no such client.',
  scope_missing: 'This key may not read.',
};

export function Empty({
  title,
  isPage = false,
  children,
}: {
  title: string;
  /** Whether there is nothing else on the page. */
  isPage?: boolean;
  children?: ComponentChildren;
}) {
  return (
    <div class="blank">
      {isPage ? <h1 class="blank-title">{title}</h1> : <p class="blank-title">{title}</p>}
      {children}
    </div>
  );
}

/** Holds the place while something is on its way, so that nothing jumps. */
export function Waiting({ rows = 6 }: { rows?: number }) {
  return (
    <div class="waiting" role="status">
      <span class="hidden">Loading …</span>
      {Array.from({ length: rows }, (_, index) => (
        <span key={index} class="bone" />
      ))}
    </div>
  );
}

export function Section({
  title,
  aside,
  children,
}: {
  title: ComponentChildren;
  aside?: ComponentChildren;
  children: ComponentChildren;
}) {
  return (
    <section class="section">
      <div class="section-head">
        <h2>{title}</h2>
        {aside !== undefined && <div class="aside">{aside}</div>}
      </div>
      {children}
    </section>
  );
}

/** Names the page in the browser's tab. */
export function useTitle(title: string): void {
  useEffect(() => {
    document.title = title === '' ? 'Rollcall' : `${title} · Rollcall`;
  }, [title]);
}
