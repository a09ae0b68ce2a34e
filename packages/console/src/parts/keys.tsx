/** The keyboard: what each key does, for the whole console. */

import { useEffect, useRef } from 'preact/hooks';
import { useLocation } from 'wouter-preact';

const KEYS: readonly [keys: string, what: string][] = [
  ['/', 'search'],
  ['j  k', 'next, previous in a list (arrow keys too)'],
  ['Enter', 'open'],
  ['Esc', 'close, or leave a field'],
  ['g n', 'now'],
  ['g r', 'runs'],
  ['g j', 'jobs'],
  ['g f', 'failures'],
  ['1 … 6', 'parts of a run'],
  ['+  −  0', 'zoom the timeline, show all of it'],
  ['t', 'light or dark'],
  ['?', 'this list'],
];

const PAGES: Record<string, string> = { n: '/', r: '/runs', j: '/jobs', f: '/failures' };

export interface KeyActions {
  readonly onSearch: () => void;
  readonly onHelp: () => void;
  readonly onTheme: () => void;
}

/** Listens for the keys that work everywhere. Whoever types into a field is left alone. */
export function useKeys({ onSearch, onHelp, onTheme }: KeyActions): void {
  const [, navigate] = useLocation();
  const afterG = useRef(false);
  useEffect(() => {
    const onKey = (event: KeyboardEvent): void => {
      if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey || isTyping(event.target))
        return;
      const { key } = event;
      const page = afterG.current ? PAGES[key] : undefined;
      afterG.current = key === 'g';
      if (page !== undefined) navigate(page);
      else if (key === '/') onSearch();
      else if (key === '?') onHelp();
      else if (key === 't') onTheme();
      else if (key === 'j' || key === 'ArrowDown') {
        if (!step(1, key === 'j')) return;
      } else if (key === 'k' || key === 'ArrowUp') {
        if (!step(-1, key === 'k')) return;
      } else if (/^[1-6]$/.test(key))
        document.querySelectorAll<HTMLAnchorElement>('.tabs a')[Number(key) - 1]?.click();
      else return;
      event.preventDefault();
    };
    window.addEventListener('keydown', onKey);
    return () => window.removeEventListener('keydown', onKey);
  }, [navigate, onSearch, onHelp, onTheme]);
}

function isTyping(target: EventTarget | null): boolean {
  return (
    target instanceof HTMLElement &&
    (target.matches('input, textarea, select, [data-own-keys]') || target.isContentEditable)
  );
}

/** Moves the focus through what can be opened; an arrow key that is in no list still scrolls. */
function step(by: 1 | -1, mayEnter: boolean): boolean {
  const scope = document.querySelector('dialog[open]') ?? document.querySelector('main');
  const items = [...(scope?.querySelectorAll<HTMLElement>('[data-item]') ?? [])];
  const at = items.findIndex((item) => item === document.activeElement);
  if (at === -1 && !mayEnter) return false;
  const next = at === -1 ? (by === 1 ? items[0] : items.at(-1)) : items[at + by];
  next?.focus();
  next?.scrollIntoView({ block: 'nearest' });
  return next !== undefined;
}

export function KeysHelp({ isOpen, onClose }: { isOpen: boolean; onClose: () => void }) {
  const dialog = useRef<HTMLDialogElement>(null);
  useEffect(() => {
    if (isOpen) dialog.current?.showModal();
    else dialog.current?.close();
  }, [isOpen]);
  return (
    <dialog
      ref={dialog}
      class="sheet"
      aria-labelledby="keys-title"
      onClose={onClose}
      onClick={(event) => event.target === dialog.current && onClose()}
    >
      <div class="sheet-body">
        <div class="section-head">
          <h2 id="keys-title">Keys</h2>
          <button type="button" class="button" onClick={onClose}>
            Close
          </button>
        </div>
        <dl class="keys">
          {KEYS.map(([keys, what]) => (
            <div key={keys}>
              <dt>
                {keys
                  .split(' ')
                  .filter(Boolean)
                  .map((key) => (
                    <kbd key={key}>{key}</kbd>
                  ))}
              </dt>
              <dd>{what}</dd>
            </div>
          ))}
        </dl>
      </div>
    </dialog>
  );
}
