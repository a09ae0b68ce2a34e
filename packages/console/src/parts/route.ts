/** Reads and writes the address: every view has one. */

import { useLocation, useSearch } from 'wouter-preact';

/** The parts of the path, decoded: `/runs/261125-140000/logs` is ['runs', '261125-140000', 'logs']. */
export function usePath(): string[] {
  // The router's own path is half decoded; it only says when to look.
  useLocation();
  return window.location.pathname
    .split('/')
    .slice(1)
    .map(decode)
    .filter((part) => part !== '');
}

function decode(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}

/** A path from its parts, each escaped. */
export function pathTo(...parts: string[]): string {
  return `/${parts.map(encodeURIComponent).join('/')}`;
}

/** One parameter of the address; setting it replaces the entry in the history, unless told to add one. */
export function useParameter(
  name: string,
): [value: string, set: (value: string, options?: { add?: boolean }) => void] {
  const parameters = new URLSearchParams(useSearch());
  const [, navigate] = useLocation();
  return [
    parameters.get(name) ?? '',
    (value, { add = false } = {}) => {
      const next = new URLSearchParams(window.location.search);
      if (value === '') next.delete(name);
      else next.set(name, value);
      const search = next.toString();
      navigate(`${window.location.pathname}${search === '' ? '' : `?${search}`}`, { replace: !add });
    },
  ];
}
