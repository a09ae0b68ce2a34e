/** Reads what a program prints, and prints it on, byte by byte and in order. */

import { execFileSync } from 'node:child_process';
import { closeSync, constants, fstatSync, mkdtempSync, openSync, rmSync, write } from 'node:fs';
import { Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import type { ChildProcess } from 'node:child_process';
import { LINE_PREFIX } from './parse-line.ts';
import { LineFilter, LineSplitter, type Line } from './lines.ts';
import type { Stream } from './output-log.ts';

export interface Capture {
  /** For `spawn`: where the program's standard output and error go. */
  readonly stdio: readonly [number | 'pipe', number | 'pipe'];
  /** To be called as soon as the program has been started, or could not be. */
  begin(child: ChildProcess): void;
  /** Resolves when all that the program printed is printed on. What it left running is not waited for longer than a second. */
  finish(): Promise<void>;
}

export interface CaptureOptions {
  readonly onLine: (line: Line, stream: Stream) => void;
  /** Whether lines for Rollcall are not printed on. */
  readonly isQuiet: boolean;
}

/** How long after its end a program's output is waited for, where something it started holds it open. */
const LINGER_MS = 1_000;
const IDLE_MS = 200;
const LINGER_BYTES = 1024 ** 2;
const LOOK_MS = 20;
const BUSY_RETRY_MS = 5;

/**
 * Where both streams of this process lead to one place, the program gets one pipe for both: only so their order is kept.
 */
export function captureOutput({ onLine, isQuiet }: CaptureOptions): Capture {
  const isOnePlace = leadToOnePlace(1, 2);
  const pipes = openPipes(isOnePlace ? 1 : 2);
  const pumps: Pump[] = [];
  const [first, second = first] = pipes;
  return {
    stdio: [first?.writeFd ?? 'pipe', second?.writeFd ?? 'pipe'],
    begin: ({ stdout, stderr }) => {
      for (const { writeFd } of pipes) closeSync(writeFd);
      const make = (source: Readable | null | undefined, fd: number, stream: Stream): void => {
        if (source === null || source === undefined) return;
        pumps.push(new Pump(source, fd, { onLine: (line) => onLine(line, stream), isQuiet }));
      };
      if (first !== undefined && isOnePlace) make(first.reader, 1, 'output');
      else {
        make(first?.reader ?? stdout, 1, 'stdout');
        make(first === undefined ? stderr : second?.reader, 2, 'stderr');
      }
    },
    finish: async () => {
      const sinceMs = performance.now();
      const started = pumps.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);
      for (;;) {
        const open = pumps.filter(({ isOver }) => !isOver);
        if (open.length === 0) return;
        const nowMs = performance.now();
        const isIdle = open.every((pump) => !pump.isBusy && nowMs - pump.lastMs > IDLE_MS);
        const isMuch = pumps.reduce((sum, { sizeBytes }) => sum + sizeBytes, -started) > LINGER_BYTES;
        if (nowMs - sinceMs > LINGER_MS && (isIdle || isMuch)) {
          for (const pump of open) pump.stop();
          return;
        }
        await Promise.race([...open.map(async ({ over }) => over), sleep(LOOK_MS)]);
      }
    },
  };
}

/** Carries one stream on. The program waits where its reader is slow, as it would without anybody in between. */
class Pump {
  readonly over: Promise<void>;
  isOver = false;
  isBusy = false;
  lastMs = performance.now();
  sizeBytes = 0;
  readonly #source: Readable;

  constructor(
    source: Readable,
    fd: number,
    { onLine, isQuiet }: { onLine: (line: Line) => void; isQuiet: boolean },
  ) {
    this.#source = source;
    this.over = this.#run(
      fd,
      new LineSplitter(onLine),
      isQuiet ? new LineFilter(`${LINE_PREFIX} `) : undefined,
    );
  }

  stop(): void {
    this.#source.destroy();
  }

  async #run(fd: number, splitter: LineSplitter, filter: LineFilter | undefined): Promise<void> {
    try {
      for await (const chunk of this.#source as AsyncIterable<Buffer>) {
        this.isBusy = true;
        this.sizeBytes += chunk.length;
        splitter.push(chunk);
        // Nobody reads any more: the program is to notice, as it would without us.
        if (!(await writeAll(fd, filter?.push(chunk) ?? chunk))) break;
        this.isBusy = false;
        this.lastMs = performance.now();
      }
    } catch {
      // It was stopped, or the terminal is gone.
    }
    splitter.end();
    if (filter !== undefined) await writeAll(fd, filter.end());
    this.#source.destroy();
    this.isOver = true;
  }
}

/** Whether all of it was written. */
async function writeAll(fd: number, bytes: Buffer): Promise<boolean> {
  let written = 0;
  while (written < bytes.length) {
    const result = await writeSome(fd, bytes, written);
    if (result === 'busy') await sleep(BUSY_RETRY_MS);
    else if (result === 'closed') return false;
    else written += result;
  }
  return true;
}

/** Not through `process.stdout`, which blocks the whole process where its reader is slow. */
async function writeSome(fd: number, bytes: Buffer, from: number): Promise<number | 'busy' | 'closed'> {
  return new Promise((resolve) => {
    write(fd, bytes, from, bytes.length - from, null, (error, written) => {
      if (error === null) resolve(written);
      else resolve(error.code === 'EAGAIN' ? 'busy' : 'closed');
    });
  });
}

interface Pipe {
  readonly reader: Readable;
  readonly writeFd: number;
}

/**
 * Real pipes. Those that Node makes are sockets: a script that says `> /dev/stderr` can not open them.
 * Empty where the machine can not make them; then Node's have to do.
 */
function openPipes(count: 1 | 2): Pipe[] {
  let folder: string | undefined;
  try {
    const inside = (folder = mkdtempSync(join(tmpdir(), 'rollcall-exec-')));
    const paths = Array.from({ length: count }, (_, index) => join(inside, `pipe${index}`));
    execFileSync('mkfifo', ['-m', '600', ...paths], { stdio: 'ignore' });
    return paths.map((path) => {
      const readFd = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
      const writeFd = openSync(path, constants.O_WRONLY);
      return { reader: new Socket({ fd: readFd, readable: true, writable: false }), writeFd };
    });
  } catch {
    return [];
  } finally {
    if (folder !== undefined) rmSync(folder, { recursive: true, force: true });
  }
}

function leadToOnePlace(one: number, other: number): boolean {
  try {
    const [a, b] = [fstatSync(one), fstatSync(other)];
    return a.dev === b.dev && a.ino === b.ino && a.rdev === b.rdev;
  } catch {
    return false;
  }
}
