/** Closes the runs that are still open when their process ends, with the reason, and gets the last telemetry out. */

import { safely } from '../faults.ts';
import { deliverLastWords, type LastWordsOptions } from '../delivery/last-words.ts';
import type { Heartbeat, Interruption } from '../heartbeat/heartbeat.ts';
import { describeError } from './describe-error.ts';
import { placeOf, type Place } from './scope.ts';

export type ProcessEndOptions = LastWordsOptions & {
  /** Whether a signal that would end the process is noticed. */
  handleSignals: boolean;
};

const SIGNALS = ['SIGTERM', 'SIGINT', 'SIGHUP'] as const;
type EndSignal = (typeof SIGNALS)[number];

/** A signal that the program handles itself explains an exit for so long: as long as orchestrators usually wait. */
const SIGNAL_EXPLAINS_MS = 30_000;
/** An error that the program caught with its own 'uncaughtException' handler explains an exit right after it. */
const ERROR_EXPLAINS_MS = 5_000;

interface Uncaught {
  thrown: unknown;
  origin: string;
  from: Place | undefined;
  atMs: number;
}

/** Watches over one process. Its hooks change nothing of what the process does, and when. */
export class ProcessEnd {
  readonly #options: ProcessEndOptions;
  #uncaught: Uncaught | undefined;
  #signal: { name: EndSignal; atMs: number } | undefined;
  /** Whether the event loop has run dry just now. */
  #isDry = false;
  #isOver = false;
  readonly #onSignal = (name: NodeJS.Signals) => this.#signalled(name as EndSignal);
  readonly #onExit = (code: number) => this.#exiting(code);
  readonly #onDry = () => this.#ranDry();
  readonly #onUncaught = (thrown: unknown, origin: string) => {
    this.#uncaught = { thrown, origin, from: placeOf(), atMs: performance.now() };
  };

  constructor(options: ProcessEndOptions) {
    this.#options = options;
    process.on('exit', this.#onExit);
    process.on('beforeExit', this.#onDry);
    // Only looks on: a listener for 'uncaughtException' would keep the process alive.
    process.on('uncaughtExceptionMonitor', this.#onUncaught);
  }

  /**
   * Listens for signals, from the first open run on: a listener changes what a signal does by default.
   * First in line, so that it knows of the signal before a handler of the program exits.
   */
  watchSignals(): void {
    if (!this.#options.handleSignals) return;
    for (const signal of SIGNALS) process.prependListener(signal, this.#onSignal);
  }

  ignoreSignals(): void {
    for (const signal of SIGNALS) process.off(signal, this.#onSignal);
  }

  /** Takes all hooks off. */
  stop(): void {
    this.ignoreSignals();
    process.off('exit', this.#onExit);
    process.off('beforeExit', this.#onDry);
    process.off('uncaughtExceptionMonitor', this.#onUncaught);
  }

  /** The signal's default would have ended the process, unless somebody else listens. So will we, with its own means. */
  #signalled(signal: EndSignal): void {
    if (countOthers(signal, this.#onSignal) > 0) {
      // Programs often take SIGHUP as the order to read their settings again.
      if (signal !== 'SIGHUP') this.#signal = { name: signal, atMs: performance.now() };
      return;
    }
    this.#close({ status: 'cancelled', reason: `The process was ended by ${signal}`, concernsAll: true });
    this.stop();
    process.kill(process.pid, signal);
  }

  /** Before 'exit' comes only here if nothing is left to do. */
  #ranDry(): void {
    this.#isDry = true;
    // Another listener may have found work; then the loop turns, and this runs. It does not keep the loop alive.
    setImmediate(() => {
      this.#isDry = false;
    }).unref();
  }

  #exiting(code: number): void {
    this.#close(this.#explain(code));
  }

  #close(end: Interruption): void {
    if (this.#isOver) return;
    this.#isOver = true;
    safely('close the open runs', () => interruptAll(this.#options.heartbeat, end));
    safely('deliver the last telemetry', () => deliverLastWords(this.#options));
  }

  #explain(code: number): Interruption {
    const uncaught = this.#uncaught;
    if (code !== 0 && uncaught !== undefined && isRecent(uncaught.atMs, ERROR_EXPLAINS_MS)) {
      return explainError(uncaught);
    }
    const signal = this.#signal;
    if (signal !== undefined && isRecent(signal.atMs, SIGNAL_EXPLAINS_MS)) {
      const reason = `The process was told to end by ${signal.name}, and exited with code ${code}`;
      return { status: 'cancelled', reason, concernsAll: true };
    }
    if (this.#isDry) {
      const reason = 'The event loop ran dry: the run waits for something that can never happen';
      return { status: 'failed', reason, concernsAll: true };
    }
    const reason = `process.exit(${code}) was called before the run had ended`;
    return { status: code === 0 ? 'cancelled' : 'failed', reason, from: placeOf(), concernsAll: false };
  }
}

function explainError({ thrown, origin, from }: Uncaught): Interruption {
  const { type, message } = describeError(thrown);
  const what = origin === 'unhandledRejection' ? 'an unhandled rejection' : 'an uncaught error';
  const reason = `The process died of ${what}: ${type}: ${message}`;
  return { status: 'failed', reason, error: { thrown }, from, concernsAll: false };
}

/** The innermost runs first. */
function interruptAll(heartbeat: Heartbeat, end: Interruption): void {
  for (const living of heartbeat.open.toReversed()) {
    safely('close an open run', () => {
      living.interrupt(end);
      heartbeat.stop(living);
    });
  }
}

function isRecent(atMs: number, withinMs: number): boolean {
  return performance.now() - atMs < withinMs;
}

/**
 * How many listeners besides our own handle the signal. The package `signal-exit`, which many command-line tools have
 * somewhere below them, ends the process itself if nobody but it listens, as we do: two that wait for each other
 * would keep the process alive. It counts its listeners where others can see it.
 */
function countOthers(signal: EndSignal, own: (signal: NodeJS.Signals) => void): number {
  const others = process.listeners(signal).filter((listener) => listener !== own).length;
  return Math.max(0, others - countSignalExit());
}

function countSignalExit(): number {
  const v4 = Symbol.for('signal-exit emitter');
  const emitters = [
    Reflect.get(globalThis, v4) as unknown,
    Reflect.get(process, '__signal_exit_emitter__') as unknown,
  ];
  return emitters.reduce<number>((sum, emitter) => sum + countOf(emitter), 0);
}

function countOf(emitter: unknown): number {
  if (typeof emitter !== 'object' || emitter === null || !('count' in emitter)) return 0;
  return typeof emitter.count === 'number' ? emitter.count : 0;
}
