/** Fits text of strangers into lines: what it holds can neither break a line nor reach the terminal. */

import { stripVTControlCharacters } from 'node:util';
import cliTruncate from 'cli-truncate';

const NARROWEST = 60;
const WIDEST = 120;

/** How wide a printout may be: 80 columns where nobody knows. */
export function lineWidth(): number {
  return Math.min(Math.max(process.stdout.columns ?? 80, NARROWEST), WIDEST);
}

/** One line, at most `width` columns wide; what is left out shows as `…`. */
export function oneLine(text: string, width = Infinity): string {
  const plain = stripVTControlCharacters(text)
    .replaceAll(/[\p{Cc}\p{Zl}\p{Zp}]+/gu, ' ')
    .trim();
  return width === Infinity ? plain : cliTruncate(plain, width);
}

/** As many of the names as fit, then how many more there are: `acme, globex and 3 more`. */
export function nameSome(names: readonly string[], width: number, total = names.length): string {
  let shown = '';
  for (const [index, name] of names.entries()) {
    const more = total - index - 1;
    const next = `${shown}${shown === '' ? '' : ', '}${oneLine(name, 40)}`;
    const whole = more === 0 ? next : `${next} and ${more} more`;
    if (index > 0 && whole.length > width) return `${shown} and ${total - index} more`;
    shown = next;
  }
  return total > names.length && names.length > 0 ? `${shown} and ${total - names.length} more` : shown;
}

/** Breaks a line between its words; what is longer than a line stays whole. */
export function wrap(text: string, width: number, indent = ''): string[] {
  const lines: string[] = [];
  for (const word of text.split(' ')) {
    const last = lines.at(-1);
    if (last !== undefined && last.length + 1 + word.length <= width)
      lines[lines.length - 1] = `${last} ${word}`;
    else lines.push(`${last === undefined ? '' : indent}${word}`);
  }
  return lines;
}
