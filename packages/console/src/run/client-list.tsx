/** The clients of a run as a list: searched, sorted, and only as much of it in the page as is seen. */

import { useLayoutEffect, useMemo, useRef, useState } from 'preact/hooks';
import { Link, useSearch } from 'wouter-preact';
import type { Answer } from '../api/types.ts';
import { BY_TROUBLE, Mark, wordsOf } from '../parts/verdict.tsx';
import { count, duration } from '../parts/words.ts';

const ROW_PX = 44;
/** Rows beyond the edges, so that keys and quick wheels find them. */
const BEYOND = 10;

const ORDERS = {
  trouble: 'trouble first',
  name: 'by name',
  longest: 'longest first',
  started: 'by start',
} as const;
type Order = keyof typeof ORDERS;

export interface ClientListProps {
  readonly clients: readonly Answer[];
  readonly isWanted: (answer: Answer) => boolean;
  readonly chosen: string;
  readonly text: string;
  readonly onText: (text: string) => void;
}

export function ClientList({ clients, isWanted, chosen, text, onText }: ClientListProps) {
  const [order, setOrder] = useState<Order>('trouble');
  const [top, setTop] = useState(0);
  const [height, setHeight] = useState(0);
  const box = useRef<HTMLUListElement>(null);
  const parameters = useSearch();
  useLayoutEffect(() => {
    setHeight(box.current?.clientHeight ?? 0);
  }, []);
  const shown = useMemo(() => clients.filter(isWanted).toSorted(COMPARE[order]), [clients, isWanted, order]);
  const first = Math.max(0, Math.floor(top / ROW_PX) - BEYOND);
  const last = Math.min(shown.length, Math.ceil((top + Math.max(height, 400)) / ROW_PX) + BEYOND);
  return (
    <div class="client-list">
      <div class="client-list-head">
        <input
          type="search"
          aria-label="Filter clients"
          placeholder="Filter clients"
          value={text}
          onInput={(event) => onText(event.currentTarget.value)}
        />
        <select
          aria-label="Order of clients"
          value={order}
          onChange={(event) => setOrder(event.currentTarget.value as Order)}
        >
          {Object.entries(ORDERS).map(([key, words]) => (
            <option key={key} value={key}>
              {words}
            </option>
          ))}
        </select>
      </div>
      <ul
        class="client-rows"
        ref={box}
        tabIndex={-1}
        onScroll={(event) => {
          setTop(event.currentTarget.scrollTop);
          setHeight(event.currentTarget.clientHeight);
        }}
      >
        <li class="spacer" aria-hidden="true" style={{ height: `${first * ROW_PX}px` }} />
        {shown.slice(first, last).map((answer) => (
          <li key={answer.clientId}>
            <Link
              href={addressOf(answer.clientId, parameters)}
              class="client-row"
              data-item
              aria-current={answer.clientId === chosen ? 'true' : undefined}
            >
              <Mark verdict={answer.verdict} size={15} />
              <span class="client-name">{answer.clientId}</span>
              <span class="num dim client-time">
                {answer.durationMs === undefined ? '' : duration(answer.durationMs)}
              </span>
              <span class="client-what dim">
                {wordsOf(answer.verdict)}
                {detailOf(answer)}
              </span>
            </Link>
          </li>
        ))}
        <li class="spacer" aria-hidden="true" style={{ height: `${(shown.length - last) * ROW_PX}px` }} />
      </ul>
      <div class="client-list-foot dim num" role="status">
        {shown.length === clients.length
          ? `${count(clients.length)} clients`
          : `${count(shown.length)} of ${count(clients.length)} clients`}
      </div>
    </div>
  );
}

function addressOf(clientId: string, parameters: string): string {
  const next = new URLSearchParams(parameters);
  next.set('client', clientId);
  return `${window.location.pathname}?${next.toString()}`;
}

function detailOf({ attempt, errorMessage, errorType, reason, progress, verdict }: Answer): string {
  const parts = [
    attempt === undefined ? '' : `attempt ${attempt}`,
    verdict === 'running' && progress !== undefined ? `${Math.floor(progress * 100)} %` : '',
    errorMessage ?? errorType ?? reason ?? '',
  ].filter((part) => part !== '');
  return parts.length === 0 ? '' : ` · ${parts.join(' · ')}`;
}

const byName = (a: Answer, b: Answer): number =>
  a.clientId < b.clientId ? -1 : a.clientId > b.clientId ? 1 : 0;
const TROUBLE = new Map(BY_TROUBLE.map((verdict, index) => [verdict, index]));
const COMPARE: Record<Order, (a: Answer, b: Answer) => number> = {
  trouble: (a, b) => (TROUBLE.get(a.verdict) ?? 0) - (TROUBLE.get(b.verdict) ?? 0) || byName(a, b),
  name: byName,
  longest: (a, b) => (b.durationMs ?? -1) - (a.durationMs ?? -1) || byName(a, b),
  started: (a, b) => (a.startedMs ?? Infinity) - (b.startedMs ?? Infinity) || byName(a, b),
};
