/** What the main thread and the heartbeat thread say to each other. */

import type { BeatOwner, BeatSource } from './beat-record.ts';

/** What the thread is born with. */
export interface ThreadSettings {
  endpoint: string;
  headers: Readonly<Record<string, string>>;
  requestTimeoutMs: number;
  intervalMs: number;
  source: BeatSource;
  /** Memory of the `Pulse`. */
  pulse: SharedArrayBuffer;
}

/** A request as it is handed to the thread. */
export interface Parcel {
  /** `v1/logs` */
  path: string;
  contentType: string;
  body: Uint8Array;
}

export type ToThread =
  /** A run is open from now on; `memory` is that of its `Lifeline`. */
  | { type: 'open'; id: number; owner: BeatOwner; memory: SharedArrayBuffer }
  /** A run is over. What its last sign of life was, is still delivered. */
  | { type: 'close'; id: number }
  /**
   * Somebody waits so long for these, and for heartbeats under way. The board has a place for the fate of each, one for that
   * of the heartbeats, and one that counts how many are settled.
   */
  | { type: 'deliver'; parcels: readonly Parcel[]; board: SharedArrayBuffer; timeoutMs: number };

/** What became of a parcel, on the board. */
export const FATE = { WAITING: 0, DELIVERED: 1, FAILED: 2, REJECTED: 3 } as const;

export type FromThread =
  /** Ingest answers again. */ { type: 'reached' } | { type: 'trouble'; reason: string };
