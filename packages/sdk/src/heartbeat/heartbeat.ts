/** Gives signs of life for all open runs: from a thread of its own, or from this one where there can be none. */

import { sdkLog } from '../faults.ts';
import type { Config } from '../config.ts';
import { encodeBeats, type Beat, type BeatOwner, type BeatSource } from './beat-record.ts';
import { HeartbeatThread } from './heartbeat-thread.ts';
import type { Lifeline } from './lifeline.ts';
import { Pulse } from './pulse.ts';
import type { Parcel } from './thread-messages.ts';
import { VitalSigns, type Vitals } from './vitals.ts';
import type { Place } from '../run/scope.ts';

/** Something that is open and must be seen to live. */
export interface Living {
  /** What its signs of life carry. */
  readonly beatOwner: BeatOwner;
  /** Shared by all parts that this process has in one run: together they give one sign of life. */
  readonly lifeline: Lifeline;
  /** Gives a sign of life on this thread. */
  beat(vitals: Vitals): void;
  /** Called once per interval: tells what only this thread knows, such as the progress of clients. */
  tend(): void;
  /** Closes it, because the process ends. */
  interrupt(end: Interruption): void;
}

/** How a process ends with runs still open. */
export interface Interruption {
  status: 'failed' | 'cancelled';
  reason: string;
  error?: { thrown: unknown };
  /** The place in a run that it comes from, if from any. */
  from?: Place | undefined;
  /** Whether it concerns all clients alike. Otherwise those that it does not come from are only cut short by it. */
  concernsAll: boolean;
}

export interface HeartbeatOptions {
  config: Config;
  source: BeatSource;
  /** Called when ingest answers the thread again after a silence. */
  onReached?: () => void;
  /** Called when the first of several is opened, and when none is left. */
  onOpen?: () => void;
  onRest?: () => void;
}

const MOST_UNTOLD = 1_000;

interface Shared {
  id: number;
  owner: BeatOwner;
  lifeline: Lifeline;
  parts: number;
}

export class Heartbeat {
  readonly intervalMs: number;
  readonly #options: HeartbeatOptions;
  readonly #open = new Set<Living>();
  readonly #runs = new Map<Lifeline, Shared>();
  readonly #pulse: Pulse;
  readonly #vitals: VitalSigns;
  #thread: HeartbeatThread | undefined;
  #threadTried = false;
  #latestId = 0;
  #timer: NodeJS.Timeout | undefined;
  #closed = false;

  constructor(options: HeartbeatOptions) {
    this.#options = options;
    this.intervalMs = options.config.heartbeatIntervalMs;
    this.#pulse = new Pulse(this.intervalMs);
    this.#vitals = new VitalSigns(this.#pulse.memory);
  }

  /** What is open, the latest last. */
  get open(): readonly Living[] {
    return [...this.#open];
  }

  /** Nothing changes for what is open already. */
  start(living: Living): void {
    if (this.#closed || this.#open.has(living)) return;
    this.#open.add(living);
    this.#startThread();
    this.#join(living);
    if (this.#timer !== undefined) return;
    this.#pulse.start();
    this.#timer = setInterval(() => this.#beat(), this.intervalMs).unref();
    this.#options.onOpen?.();
  }

  stop(living: Living): void {
    if (!this.#open.delete(living)) return;
    this.#leave(living.lifeline);
    if (this.#open.size === 0) this.#rest();
  }

  /**
   * Delivers parcels through the thread while this one waits, at most `timeoutMs`.
   * Returns those that are not known to have arrived, the last heartbeats included.
   */
  deliverNow<Given extends Parcel>(parcels: readonly Given[], timeoutMs: number): Given[] {
    return this.#thread?.deliverNow(parcels, timeoutMs) ?? [...parcels];
  }

  /** Whether a sign of life is not known to have arrived. */
  get hasUntold(): boolean {
    return [...this.#runs.values()].some(({ lifeline }) => lifeline.pendingBeat > 0);
  }

  /** The signs of life that took a number and are not known to have arrived, under that number. */
  untold(): Uint8Array | undefined {
    const beats: Beat[] = [];
    for (const { owner, lifeline } of this.#runs.values()) {
      if (lifeline.pendingBeat === 0) continue;
      const vitals = this.#vitals.read();
      const { pendingBeat: sequence, progress } = lifeline;
      beats.push({ owner, sequence, epochMs: Date.now(), progress, vitals });
    }
    return beats.length === 0 ? undefined : encodeBeats(this.#options.source, beats);
  }

  /** Stops for good, whatever is open. */
  close(): void {
    this.#closed = true;
    this.#open.clear();
    this.#rest();
    this.#thread?.stop();
    this.#thread = undefined;
  }

  #startThread(): void {
    if (this.#threadTried) return;
    this.#threadTried = true;
    const { config, source, onReached } = this.#options;
    const { endpoint, headers, requestTimeoutMs, disabled, heartbeatThread, threadEnv: env } = config;
    if (disabled || endpoint === undefined || !heartbeatThread) return;
    this.#thread = HeartbeatThread.start({
      endpoint: endpoint.href,
      headers,
      requestTimeoutMs,
      intervalMs: this.intervalMs,
      source,
      pulse: this.#pulse.memory,
      env,
      onLost: () => (this.#thread = undefined),
      onReached: () => onReached?.(),
    });
  }

  #join({ lifeline, beatOwner: owner }: Living): void {
    const known = this.#runs.get(lifeline);
    if (known !== undefined) {
      if (known.parts++ === 0) this.#thread?.open(known.id, owner, lifeline);
      return;
    }
    const id = ++this.#latestId;
    this.#runs.set(lifeline, { id, owner, lifeline, parts: 1 });
    this.#thread?.open(id, owner, lifeline);
  }

  #leave(lifeline: Lifeline): void {
    const run = this.#runs.get(lifeline);
    if (run === undefined || --run.parts > 0) return;
    this.#thread?.close(run.id);
    this.#forgetTold();
  }

  /** Of a run that is over, what is still to be told is remembered; while ingest is away, of the latest ones. */
  #forgetTold(): void {
    for (const { parts, lifeline } of this.#runs.values()) {
      const isTooMany = this.#runs.size > MOST_UNTOLD;
      if (parts === 0 && (lifeline.pendingBeat === 0 || isTooMany)) this.#runs.delete(lifeline);
    }
  }

  #rest(): void {
    if (this.#timer === undefined) return;
    this.#pulse.stop();
    clearInterval(this.#timer);
    this.#timer = undefined;
    this.#options.onRest?.();
  }

  #beat(): void {
    try {
      if (this.#thread === undefined) {
        const vitals = this.#vitals.read();
        this.#vitals.told();
        for (const living of this.#open) living.beat(vitals);
      } else {
        for (const living of this.#open) living.tend();
      }
    } catch (fault) {
      sdkLog.error('Could not give a sign of life', fault);
    }
  }
}
