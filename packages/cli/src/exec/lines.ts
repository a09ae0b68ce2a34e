/** Cuts what a program prints into lines, in bounded memory whatever it prints. */

/** One line without its line break. */
export interface Line {
  /** Its bytes, at most as many as are kept. */
  readonly bytes: Buffer;
  /** How many more there were. */
  readonly lostBytes: number;
}

const LF = 10;
const CR = 13;
/** A longer line is cut. Lines for Rollcall may be this long as well. */
export const LONGEST_LINE_BYTES = 16_384;

/**
 * Takes chunks as they come and calls back per line. A carriage return starts the line over, as on a terminal:
 * of a progress display the last state is kept.
 */
export class LineSplitter {
  readonly #onLine: (line: Line) => void;
  #parts: Buffer[] = [];
  #sizeBytes = 0;
  #lostBytes = 0;
  #sawReturn = false;

  constructor(onLine: (line: Line) => void) {
    this.#onLine = onLine;
  }

  push(chunk: Buffer): void {
    let start = 0;
    for (let at = chunk.indexOf(LF); at !== -1; at = chunk.indexOf(LF, start)) {
      this.#take(chunk.subarray(start, at));
      this.#finish();
      start = at + 1;
    }
    if (start < chunk.length) this.#take(chunk.subarray(start));
  }

  /** The last line may lack its line break. */
  end(): void {
    if (this.#sizeBytes > 0) this.#finish();
  }

  #take(bytes: Buffer): void {
    let end = bytes.length;
    while (end > 0 && bytes[end - 1] === CR) end--;
    const text = bytes.subarray(0, end);
    if (text.length > 0) {
      if (this.#sawReturn) this.#clear();
      const overwritten = text.lastIndexOf(CR);
      if (overwritten !== -1) this.#clear();
      this.#keep(text.subarray(overwritten + 1));
    }
    // Whether it belongs to the line break, the next byte tells.
    if (end < bytes.length) this.#sawReturn = true;
  }

  #keep(bytes: Buffer): void {
    const room = LONGEST_LINE_BYTES - this.#sizeBytes;
    const kept = room >= bytes.length ? bytes : bytes.subarray(0, Math.max(0, room));
    // A copy: a part of a chunk would hold the whole chunk in memory.
    if (kept.length > 0) this.#parts.push(Buffer.from(kept));
    this.#sizeBytes += kept.length;
    this.#lostBytes += bytes.length - kept.length;
  }

  #finish(): void {
    const bytes =
      this.#parts.length === 1 && this.#parts[0] !== undefined ? this.#parts[0] : Buffer.concat(this.#parts);
    const lostBytes = this.#lostBytes;
    this.#clear();
    this.#onLine({ bytes, lostBytes });
  }

  #clear(): void {
    this.#parts = [];
    this.#sizeBytes = 0;
    this.#lostBytes = 0;
    this.#sawReturn = false;
  }
}

/** Leaves out the lines that begin with a prefix; everything else passes byte by byte, as soon as it is known not to be one. */
export class LineFilter {
  readonly #prefix: Buffer;
  /** How much of the prefix the line has matched so far; -1 once it is an ordinary line. */
  #matched = 0;

  constructor(prefix: string) {
    this.#prefix = Buffer.from(prefix);
  }

  push(chunk: Buffer): Buffer {
    const passed: Buffer[] = [];
    let at = 0;
    while (at < chunk.length) {
      if (this.#matched === -1 || this.#matched === this.#prefix.length) {
        const lineEnd = chunk.indexOf(LF, at);
        const end = lineEnd === -1 ? chunk.length : lineEnd + 1;
        if (this.#matched === -1) passed.push(chunk.subarray(at, end));
        if (lineEnd !== -1) this.#matched = 0;
        at = end;
      } else if (chunk[at] === this.#prefix[this.#matched]) {
        this.#matched++;
        at++;
      } else {
        passed.push(this.#prefix.subarray(0, this.#matched));
        this.#matched = -1;
      }
    }
    return Buffer.concat(passed);
  }

  /** What was held back because it might have become the prefix. */
  end(): Buffer {
    const isHeld = this.#matched > 0 && this.#matched < this.#prefix.length;
    return isHeld ? this.#prefix.subarray(0, this.#matched) : Buffer.alloc(0);
  }
}
