/** One box that finds runs, clients, jobs, failures and traces. */

import { useQuery } from '@tanstack/preact-query';
import type { RefObject } from 'preact';
import { useEffect, useState } from 'preact/hooks';
import { useLocation } from 'wouter-preact';
import { questions } from '../api/queries.ts';
import type { Hit } from '../api/types.ts';
import { pathTo } from './route.ts';

const KINDS: Record<Hit['kind'], string> = {
  run: 'Runs',
  alias: 'Other IDs',
  trace: 'Traces',
  job: 'Jobs',
  client: 'Clients',
  failure: 'Failures',
};

/** Whoever types fast asks once. */
const SETTLE_MS = 120;

export function SearchBox({ input }: { input: RefObject<HTMLInputElement> }) {
  const [, navigate] = useLocation();
  const [text, setText] = useState('');
  const [asked, setAsked] = useState('');
  const [isOpen, setIsOpen] = useState(false);
  const [at, setAt] = useState(0);
  useEffect(() => {
    const timer = setTimeout(() => setAsked(text.trim()), SETTLE_MS);
    return () => clearTimeout(timer);
  }, [text]);
  const { data, isFetching, isPlaceholderData, error } = useQuery(questions.search(asked));
  const hits = asked === '' || text.trim() === '' ? [] : (data?.hits ?? []);
  const isShown = isOpen && text.trim() !== '';
  const isSettled = asked === text.trim() && !isFetching && !isPlaceholderData;

  const open = (hit: Hit | undefined): void => {
    if (hit === undefined) return;
    navigate(addressOf(hit));
    setText('');
    setIsOpen(false);
    input.current?.blur();
  };

  return (
    <div class="search" role="search">
      <svg class="search-glass" width="16" height="16" viewBox="0 0 16 16" aria-hidden="true">
        <path
          d="M7 2.5a4.5 4.5 0 1 0 .01 0ZM10.5 10.5l3.2 3.2"
          fill="none"
          stroke="currentColor"
          stroke-width="1.6"
          stroke-linecap="round"
        />
      </svg>
      <input
        ref={input}
        type="search"
        role="combobox"
        aria-label="Search runs, clients, jobs, failures"
        aria-expanded={isShown}
        aria-controls="search-hits"
        aria-autocomplete="list"
        aria-activedescendant={isShown && hits.length > 0 ? `hit-${at}` : undefined}
        placeholder="Search run, client, error, trace …"
        autocomplete="off"
        spellcheck={false}
        value={text}
        onInput={(event) => {
          setText(event.currentTarget.value);
          setAt(0);
          setIsOpen(true);
        }}
        onFocus={() => setIsOpen(true)}
        onBlur={() => setIsOpen(false)}
        onKeyDown={(event) => {
          if (event.key === 'ArrowDown') setAt((before) => Math.min(before + 1, hits.length - 1));
          else if (event.key === 'ArrowUp') setAt((before) => Math.max(before - 1, 0));
          else if (event.key === 'Enter') open(hits[at]);
          else if (event.key === 'Escape') {
            if (text === '') input.current?.blur();
            setText('');
          } else return;
          event.preventDefault();
        }}
      />
      <kbd class="search-key" aria-hidden="true">
        /
      </kbd>
      <div id="search-hits" class="hits" role="listbox" aria-label="Found" hidden={!isShown}>
        {hits.map((hit, index) => (
          <div key={`${hit.kind} ${hit.title} ${hit.detail}`}>
            {hits[index - 1]?.kind !== hit.kind && (
              <div class="hits-kind" role="presentation">
                {KINDS[hit.kind]}
              </div>
            )}
            <div
              id={`hit-${index}`}
              role="option"
              aria-selected={index === at}
              class={index === at ? 'hit at' : 'hit'}
              onPointerMove={() => setAt(index)}
              // Before the field loses its focus.
              onPointerDown={(event) => {
                event.preventDefault();
                open(hit);
              }}
            >
              <span class={hit.kind === 'run' || hit.kind === 'trace' ? 'mono hit-title' : 'hit-title'}>
                {hit.title}
              </span>
              <span class="dim hit-detail">{hit.detail}</span>
            </div>
          </div>
        ))}
        {hits.length === 0 && (
          <div class="hits-none dim" role="presentation">
            {error !== null
              ? error.message
              : isSettled
                ? `Nothing bears '${text.trim()}'. Try a run ID, a client, a job or words of an error.`
                : 'Searching …'}
          </div>
        )}
      </div>
    </div>
  );
}

function addressOf({ kind, runId, clientId, job, fingerprint }: Hit): string {
  if (kind === 'failure') return pathTo('failures', job ?? '', fingerprint ?? '');
  if (kind === 'job') return pathTo('jobs', job ?? '');
  if (kind === 'client') return pathTo('clients', clientId ?? '');
  const run = pathTo('runs', runId ?? '');
  return clientId === null ? run : `${run}?client=${encodeURIComponent(clientId)}`;
}
