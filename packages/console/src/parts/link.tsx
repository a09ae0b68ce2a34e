/** A link within the console. */

import type { JSX } from 'preact';
import { navigate } from 'wouter-preact/use-browser-location';

/**
 * An ordinary anchor that is followed without loading the page anew. The router's own Link keeps what it was first
 * drawn with for as long as it stands: in a list that lives, each row would keep the list before it, and that the one
 * before, for as long as the page is open.
 */
export function Link({ children, ...rest }: JSX.IntrinsicElements['a'] & { 'data-item'?: boolean }) {
  return (
    <a {...rest} onClick={follow}>
      {children}
    </a>
  );
}

function follow(event: JSX.TargetedMouseEvent<HTMLAnchorElement>): void {
  const href = event.currentTarget.getAttribute('href');
  // Another tab, a download, and what somebody has seen to already is the browser's business.
  const isTheirs = event.button !== 0 || event.metaKey || event.ctrlKey || event.shiftKey || event.altKey;
  if (isTheirs || event.defaultPrevented || href === null) return;
  event.preventDefault();
  navigate(href);
}
