/**
 * The body of the heartbeat thread: gives signs of life for all open runs, whatever the main thread does,
 * and delivers a dying process's last words while the main thread holds its breath.
 */

import { parentPort, workerData } from 'node:worker_threads';
import { Transport, type Posted } from '../delivery/transport.ts';
import { encodeBeats, type Beat, type BeatOwner } from './beat-record.ts';
import { Lifeline } from './lifeline.ts';
import { FATE, type FromThread, type Parcel, type ThreadSettings, type ToThread } from './thread-messages.ts';
import { VitalSigns } from './vitals.ts';

interface Watched {
  owner: BeatOwner;
  lifeline: Lifeline;
  isOver: boolean;
}

const SHORTEST_TIMEOUT_MS = 1_000;

class Watch {
  readonly #settings: ThreadSettings;
  readonly #transport: Transport;
  readonly #vitals: VitalSigns;
  readonly #runs = new Map<number, Watched>();
  #timer: NodeJS.Timeout | undefined;
  #underWay: Promise<boolean> | undefined;
  #failing = false;

  constructor(settings: ThreadSettings) {
    this.#settings = settings;
    const { endpoint, headers, requestTimeoutMs, intervalMs } = settings;
    // A connection that was cut off is given up in time for the next sign of life to try another.
    const patienceMs = Math.min(requestTimeoutMs, Math.max(SHORTEST_TIMEOUT_MS, intervalMs));
    this.#transport = new Transport({ endpoint: new URL(endpoint), headers, requestTimeoutMs: patienceMs });
    this.#vitals = new VitalSigns(settings.pulse);
  }

  take(message: ToThread): void {
    switch (message.type) {
      case 'open': {
        const { id, owner, memory } = message;
        this.#runs.set(id, { owner, lifeline: new Lifeline(memory), isOver: false });
        this.#timer ??= setInterval(() => void this.#beat(), this.#settings.intervalMs);
        break;
      }
      case 'close': {
        const run = this.#runs.get(message.id);
        if (run !== undefined) run.isOver = true;
        this.#forget();
        break;
      }
      case 'deliver':
        void this.#deliver(message.parcels, new Int32Array(message.board), message.timeoutMs);
        break;
    }
  }

  /** One request for all runs; while it is under way there is no other. Resolves to whether it arrived. */
  async #beat(): Promise<boolean> {
    this.#underWay ??= this.#send().finally(() => {
      this.#underWay = undefined;
      this.#forget();
    });
    return this.#underWay;
  }

  async #send(): Promise<boolean> {
    const vitals = this.#vitals.read();
    const epochMs = Date.now();
    const runs = [...this.#runs.values()].filter(
      ({ isOver, lifeline }) => !isOver || lifeline.pendingBeat > 0,
    );
    const beats = runs.map(({ owner, lifeline }): Beat => {
      return { owner, sequence: lifeline.takeBeat(), epochMs, progress: lifeline.progress, vitals };
    });
    if (beats.length === 0) return true;
    const body = encodeBeats(this.#settings.source, beats);
    const posted = await this.#transport.post('v1/logs', body, { contentType: 'application/json' });
    this.#report(posted);
    if (posted.status === 'retry') return false;
    // What is refused once would be refused again.
    for (const { lifeline } of runs) lifeline.beatArrived();
    this.#vitals.told();
    return true;
  }

  async #deliver(parcels: readonly Parcel[], board: Int32Array, timeoutMs: number): Promise<void> {
    const settled = parcels.length + 1;
    const tell = (place: number, fate: number) => {
      Atomics.store(board, place, fate);
      Atomics.add(board, settled, 1);
      Atomics.notify(board, settled);
    };
    const sent = parcels.map(async ({ path, contentType, body }, place) => {
      const posted = await this.#transport.post(path, body, { contentType }, timeoutMs);
      this.#report(posted);
      tell(place, fateOf(posted));
    });
    const beaten = this.#lastBeats().then((arrived) =>
      tell(parcels.length, arrived ? FATE.DELIVERED : FATE.FAILED),
    );
    await Promise.all([...sent, beaten]);
  }

  /** Waits for the heartbeat under way, and sends what still has a number. */
  async #lastBeats(): Promise<boolean> {
    if (this.#underWay !== undefined) await this.#underWay;
    for (const [id, { lifeline }] of this.#runs) if (lifeline.pendingBeat === 0) this.#runs.delete(id);
    return this.#beat();
  }

  #report(posted: Posted): void {
    const failed = posted.status === 'retry';
    if (failed && !this.#failing) tellMain({ type: 'trouble', reason: posted.reason });
    if (!failed && this.#failing) tellMain({ type: 'reached' });
    this.#failing = failed;
  }

  /** Drops runs that are over, once the last number they took has arrived. */
  #forget(): void {
    if (this.#underWay !== undefined) return;
    for (const [id, { isOver, lifeline }] of this.#runs) {
      if (isOver && lifeline.pendingBeat === 0) this.#runs.delete(id);
    }
    if (this.#runs.size > 0) return;
    clearInterval(this.#timer);
    this.#timer = undefined;
  }
}

function fateOf(posted: Posted): number {
  if (posted.status === 'accepted') return FATE.DELIVERED;
  return posted.status === 'rejected' ? FATE.REJECTED : FATE.FAILED;
}

function tellMain(message: FromThread): void {
  // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a thread, not a window
  parentPort?.postMessage(message);
}

const watch = new Watch(workerData as ThreadSettings);
parentPort?.on('message', (message: ToThread) => watch.take(message));
