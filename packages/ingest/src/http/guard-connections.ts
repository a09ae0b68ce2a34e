/** What an HTTP server of Rollcall puts up with from the other end of a connection. */

import type { Server } from 'node:http';

/** Longer than senders pause, and than load balancers keep a connection idle (60 s): it is they who close it. */
const KEEP_ALIVE_MS = 75_000;

/** A client that sends its header or body drop by drop is cut off; one that only pauses between requests is not. */
export function guardConnections(server: Server): void {
  server.headersTimeout = 15_000;
  server.requestTimeout = 60_000;
  server.keepAliveTimeout = KEEP_ALIVE_MS;
}
