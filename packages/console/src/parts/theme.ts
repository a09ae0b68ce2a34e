/** Light or dark: as the system has it, until the viewer chooses. */

import { useCallback, useEffect, useState } from 'preact/hooks';

export type Theme = 'light' | 'dark';

const NAME = 'rollcall.theme';
const dark = window.matchMedia('(prefers-color-scheme: dark)');

/** Before the first picture, so that nothing flashes. */
export function startTheme(): void {
  show(chosen() ?? system());
}

export function useTheme(): { theme: Theme; toggle: () => void } {
  const [theme, setTheme] = useState<Theme>(() => chosen() ?? system());
  useEffect(() => {
    show(theme);
  }, [theme]);
  useEffect(() => {
    const onChange = (): void => {
      if (chosen() === null) setTheme(system());
    };
    dark.addEventListener('change', onChange);
    return () => dark.removeEventListener('change', onChange);
  }, []);
  const toggle = useCallback(() => {
    setTheme((before) => {
      const next = before === 'dark' ? 'light' : 'dark';
      if (next === system()) localStorage.removeItem(NAME);
      else localStorage.setItem(NAME, next);
      // Pictures on a canvas have to be painted anew.
      show(next);
      return next;
    });
  }, []);
  return { theme, toggle };
}

function chosen(): Theme | null {
  const value = localStorage.getItem(NAME);
  return value === 'light' || value === 'dark' ? value : null;
}

function system(): Theme {
  return dark.matches ? 'dark' : 'light';
}

function show(theme: Theme): void {
  if (document.documentElement.dataset['theme'] === theme) return;
  document.documentElement.dataset['theme'] = theme;
  window.dispatchEvent(new Event('rollcall:theme'));
}
