/** Sends what is printed with `console` inside a run to that run as well. */

import { formatWithOptions } from 'node:util';
import { placeOf } from '../run/scope.ts';
import { sendLine, severityOfName } from './log-line.ts';

const METHODS = {
  trace: 'trace',
  debug: 'debug',
  log: 'info',
  info: 'info',
  warn: 'warn',
  error: 'error',
} as const;
type Method = keyof typeof METHODS;

let restore: (() => void) | undefined;

/**
 * From now on a line printed with `console` inside a run also arrives as a log of that run; the terminal shows what it did.
 * Returns the function that ends it.
 */
export function captureConsole(): () => void {
  restore ??= patch();
  return restore;
}

function patch(): () => void {
  const undo = (Object.keys(METHODS) as Method[]).map(patchMethod);
  return () => {
    restore = undefined;
    for (const step of undo) step();
  };
}

function patchMethod(method: Method): () => void {
  const original = console[method];
  let isOn = true;
  function captured(this: unknown, ...words: unknown[]): void {
    Reflect.apply(original, this, words);
    const place = isOn ? placeOf() : undefined;
    if (place === undefined) return;
    sendLine(() => {
      const level = METHODS[method];
      const error = words.find((word) => word instanceof Error);
      return {
        source: 'console',
        severity: severityOfName(level),
        level,
        message: formatWithOptions({ colors: false }, ...words),
        ...(error === undefined ? {} : { error }),
      };
    }, place);
  }
  console[method] = captured;
  return () => {
    isOn = false;
    // Somebody else may have wrapped it meanwhile; then ours stays in between and does nothing.
    if (console[method] === captured) console[method] = original;
  };
}
