/** Tells what a program prints as log records of its run: bounded in number and size, the last lines always. */

import { stripVTControlCharacters } from 'node:util';
import { logs, SeverityNumber, type Context, type HrTime } from '@opentelemetry/api';
import type { Line } from './lines.ts';

/** Which stream a line came from; `output` where the program's two streams are one. */
export type Stream = 'stdout' | 'stderr' | 'output';

export interface OutputLogOptions {
  /** Records that ingest has not taken yet. */
  readonly backlog: () => number;
  /** Milliseconds since 1970. */
  readonly clock?: () => number;
}

interface Said {
  readonly line: Line;
  readonly stream: Stream;
  readonly at: HrTime;
  readonly context: Context;
  isTold: boolean;
}

const LONGEST_TOLD_BYTES = 8_192;
const LAST_LINES = 50;
const LONGEST_LAST_LINE = 1_000;
/** A line costs one, and one more per so many bytes. */
const BYTES_PER_COST = 512;
const BURST = 2_000;
const PER_SECOND = 200;
/** Beyond it lines are counted and not told: starts, ends and numbers must find room when ingest comes back. */
const HIGHEST_BACKLOG = 10_000;

/** Allows a burst of 2,000 short lines and 200 per second on the long run; what is beyond is counted. */
export class OutputLog {
  readonly #options: OutputLogOptions;
  readonly #logger = logs.getLogger('rollcall.exec');
  #allowance = BURST;
  #lastMs: number;
  #lines = 0;
  #untold = 0;
  #binary = 0;
  #latest: Said[] = [];
  #ticks = { ms: 0, count: 0 };

  constructor(options: OutputLogOptions) {
    this.#options = options;
    this.#lastMs = this.#now();
  }

  take(line: Line, stream: Stream, context: Context): void {
    if (line.bytes.includes(0)) {
      this.#binary++;
      return;
    }
    if (line.bytes.length === 0) return;
    this.#lines++;
    const isAllowed = this.#spend(1 + Math.floor(line.bytes.length / BYTES_PER_COST));
    const said = { line, stream, at: this.#at(), context, isTold: isAllowed };
    if (isAllowed) this.#tell(said);
    else this.#untold++;
    this.#latest.push(said);
    if (this.#latest.length >= 2 * LAST_LINES) this.#latest = this.#latest.slice(-LAST_LINES);
  }

  /** The last lines, the newest last. */
  get lastLines(): string[] {
    return this.#latest.slice(-LAST_LINES).map(({ line }) => textOf(line, LONGEST_LAST_LINE));
  }

  /** Lines of text that were printed, lines that were not told, and lines that are no text. */
  get counts(): { lines: number; untold: number; binary: number } {
    return { lines: this.#lines, untold: this.#untold, binary: this.#binary };
  }

  /** Tells those of the last lines that there was no allowance for. */
  finish(): void {
    for (const said of this.#latest.slice(-LAST_LINES)) {
      if (said.isTold) continue;
      said.isTold = true;
      this.#untold--;
      this.#tell(said);
    }
  }

  #tell({ line, stream, at, context }: Said): void {
    this.#logger.emit({
      body: textOf(line, LONGEST_TOLD_BYTES),
      timestamp: at,
      observedTimestamp: at,
      severityNumber: SeverityNumber.INFO,
      severityText: 'INFO',
      context,
      attributes: stream === 'output' ? {} : { 'log.iostream': stream },
    });
  }

  #spend(cost: number): boolean {
    const now = this.#now();
    this.#allowance = Math.min(BURST, this.#allowance + ((now - this.#lastMs) / 1_000) * PER_SECOND);
    this.#lastMs = now;
    if (this.#allowance < cost || this.#options.backlog() > HIGHEST_BACKLOG) return false;
    this.#allowance -= cost;
    return true;
  }

  /** Lines of one millisecond keep their order: each is a little later than the one before. */
  #at(): HrTime {
    const ms = Math.max(this.#now(), this.#ticks.ms);
    this.#ticks =
      ms === this.#ticks.ms ? { ms, count: Math.min(this.#ticks.count + 1, 999_999) } : { ms, count: 0 };
    return [Math.floor(ms / 1_000), (ms % 1_000) * 1_000_000 + this.#ticks.count];
  }

  #now(): number {
    return this.#options.clock?.() ?? Date.now();
  }
}

/** As a person would read it: without colours and cursor movements. What is no UTF-8 is shown as `�`. */
function textOf({ bytes, lostBytes }: Line, longestBytes: number): string {
  const text = stripVTControlCharacters(bytes.toString('utf8', 0, longestBytes)).replaceAll(UNPRINTABLE, '');
  const left = Math.max(0, bytes.length - longestBytes) + lostBytes;
  return left === 0 ? text : `${text}… (${left} bytes more)`;
}

// oxlint-disable-next-line no-control-regex -- these are what is looked for
const UNPRINTABLE = /[\u0000-\u0008\u000b-\u001f\u007f]/g;
