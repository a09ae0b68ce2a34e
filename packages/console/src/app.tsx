/** The frame around every page: where one is, the search box, the state of the connection. */

import { lazy, Suspense } from 'preact/compat';
import { useCallback, useEffect, useLayoutEffect, useRef, useState } from 'preact/hooks';
import { Link } from './parts/link.tsx';
import { onKeyWanted, queryClient } from './api/queries.ts';
import { forgetKey, readKey } from './api/key.ts';
import { Live, useConnection } from './live/use-live.tsx';
import { KeyPage } from './pages/key-page.tsx';
import { NowPage } from './pages/now-page.tsx';
import { KeysHelp, useKeys } from './parts/keys.tsx';
import { usePath } from './parts/route.ts';
import { SearchBox } from './parts/search-box.tsx';
import { Empty, Waiting } from './parts/small.tsx';
import { useTheme } from './parts/theme.ts';

const RunPage = lazy(async () => (await import('./run/run-page.tsx')).RunPage);
const RunsPage = lazy(async () => (await import('./pages/runs-page.tsx')).RunsPage);
const JobsPage = lazy(async () => (await import('./pages/jobs-page.tsx')).JobsPage);
const JobPage = lazy(async () => (await import('./job/job-page.tsx')).JobPage);
const ClientPage = lazy(async () => (await import('./pages/client-page.tsx')).ClientPage);
const FailuresPage = lazy(async () => (await import('./pages/failures-page.tsx')).FailuresPage);
const FailurePage = lazy(async () => (await import('./pages/failure-page.tsx')).FailurePage);

const NAVIGATION = [
  ['Now', ''],
  ['Runs', 'runs'],
  ['Jobs', 'jobs'],
  ['Failures', 'failures'],
] as const;

export function App() {
  const path = usePath();
  const search = useRef<HTMLInputElement>(null);
  const [isHelpOpen, setIsHelpOpen] = useState(false);
  const [isKeyWanted, setIsKeyWanted] = useState(false);
  const [session, setSession] = useState(0);
  const { theme, toggle } = useTheme();
  const onSearch = useCallback(() => search.current?.focus(), []);
  const onHelp = useCallback(() => setIsHelpOpen((before) => !before), []);
  useKeys({ onSearch, onHelp, onTheme: toggle });
  useEffect(() => onKeyWanted(() => setIsKeyWanted(true)), []);
  // A new page begins at its top, and is told to whoever does not see it; as soon as it is there, or it would
  // take the focus from where the next key has put it.
  const main = useRef<HTMLElement>(null);
  const place = path.slice(0, 2).join('/');
  const wasAt = useRef(place);
  useLayoutEffect(() => {
    if (wasAt.current === place) return;
    wasAt.current = place;
    window.scrollTo(0, 0);
    main.current?.focus({ preventScroll: true });
  }, [place]);

  const wasRefused = isKeyWanted && readKey() !== null;
  return (
    <Live
      key={session}
      runId={path[0] === 'runs' ? (path[1]?.split('~')[0] ?? null) : null}
      isPaused={isKeyWanted}
    >
      <a class="skip" href="#main">
        To the content
      </a>
      <header class="top">
        <div class="top-inner">
          <Link href="/" class="brand" aria-label="Rollcall, to the first page">
            <Logo />
            <span>Rollcall</span>
          </Link>
          <nav aria-label="Pages">
            {NAVIGATION.map(([name, part]) => (
              <Link
                key={name}
                href={`/${part}`}
                class="nav"
                aria-current={
                  (path[0] ?? '') === part || (part === 'jobs' && path[0] === 'clients') ? 'page' : undefined
                }
              >
                {name}
              </Link>
            ))}
          </nav>
          <SearchBox input={search} />
          <Connection />
          <button
            type="button"
            class="icon"
            onClick={toggle}
            aria-label={theme === 'dark' ? 'Light colours' : 'Dark colours'}
            title="Light or dark (t)"
          >
            <ThemeIcon isDark={theme === 'dark'} />
          </button>
          <button type="button" class="icon" onClick={onHelp} aria-label="Keys" title="Keys (?)">
            ?
          </button>
        </div>
      </header>
      <main id="main" ref={main} tabIndex={-1}>
        {isKeyWanted ? (
          <KeyPage
            wasRefused={wasRefused}
            onKey={() => {
              setIsKeyWanted(false);
              setSession((before) => before + 1);
              void queryClient.resetQueries();
            }}
          />
        ) : (
          <Suspense fallback={<Waiting rows={8} />}>
            <Page path={path} />
          </Suspense>
        )}
      </main>
      <footer class="bottom">
        <span>Times are in your zone; UTC when the pointer rests on them.</span>
        <a href="/api/docs">API</a>
        {readKey() !== null && !isKeyWanted && (
          <button
            type="button"
            class="link"
            onClick={() => {
              forgetKey();
              queryClient.clear();
              setIsKeyWanted(true);
            }}
          >
            Forget the key
          </button>
        )}
      </footer>
      <KeysHelp isOpen={isHelpOpen} onClose={() => setIsHelpOpen(false)} />
    </Live>
  );
}

function Page({ path }: { path: string[] }) {
  const [room, name, part] = path;
  if (room === undefined) return <NowPage />;
  if (room === 'runs')
    return name === undefined ? <RunsPage /> : <RunPage key={name} runId={name} part={part ?? ''} />;
  if (room === 'jobs') return name === undefined ? <JobsPage /> : <JobPage key={name} job={name} />;
  if (room === 'clients' && name !== undefined) return <ClientPage key={name} clientId={name} />;
  if (room === 'failures') {
    return name === undefined || part === undefined ? (
      <FailuresPage />
    ) : (
      <FailurePage key={part} job={name} fingerprint={part} />
    );
  }
  return (
    <Empty isPage title="There is nothing at this address.">
      <p>
        <Link href="/">See what runs now</Link>, or search with <kbd>/</kbd>.
      </p>
    </Empty>
  );
}

const CONNECTION = {
  connecting: ['connecting', 'Connecting to the live feed'],
  live: ['live', 'What changes shows up by itself'],
  offline: ['offline', 'The service does not answer; what you see may be old. It is tried again by itself.'],
} as const;

function Connection() {
  const state = useConnection();
  const [word, meaning] = CONNECTION[state];
  return (
    <span class={`connection ${state}`} role="status" title={meaning}>
      <span class="connection-dot" aria-hidden="true" />
      {word}
    </span>
  );
}

function Logo() {
  return (
    <svg width="22" height="22" viewBox="0 0 22 22" aria-hidden="true" class="logo">
      {[0, 1, 2].flatMap((row) =>
        [0, 1, 2].map((column) => {
          const at = row * 3 + column;
          if (at === 8) return null;
          return (
            <rect
              key={at}
              x={1 + column * 7}
              y={1 + row * 7}
              width="5.6"
              height="5.6"
              rx="1.6"
              class={at === 5 ? 'logo-odd' : 'logo-cell'}
            />
          );
        }),
      )}
      <path d="M15.2 17.6l2 2 3.6-4" class="logo-tick" />
    </svg>
  );
}

function ThemeIcon({ isDark }: { isDark: boolean }) {
  return (
    <svg
      width="16"
      height="16"
      viewBox="0 0 16 16"
      aria-hidden="true"
      fill="none"
      stroke="currentColor"
      stroke-width="1.5"
      stroke-linecap="round"
    >
      {isDark ? (
        <path d="M13.2 9.7A5.6 5.6 0 0 1 6.3 2.8a5.6 5.6 0 1 0 6.9 6.9Z" stroke-linejoin="round" />
      ) : (
        <path d="M8 5a3 3 0 1 0 .01 0ZM8 1.2v1M8 13.8v1M1.2 8h1M13.8 8h1M3.2 3.2l.7.7M12.1 12.1l.7.7M3.2 12.8l.7-.7M12.1 3.9l.7-.7" />
      )}
    </svg>
  );
}
