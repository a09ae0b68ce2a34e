/** Keeps telemetry on disk that ingest could not take, until it can. */

import {
  closeSync,
  existsSync,
  fsyncSync,
  mkdirSync,
  openSync,
  readdirSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { readFile, rename, rm } from 'node:fs/promises';
import { sdkLog } from '../faults.ts';
import { DESTINATION_FILE, withoutCredentials } from './destination.ts';
import { SharedFolder } from './shared-folder.ts';
import { readTelemetryFile, writeTelemetryFile, type KeptRequest } from './telemetry-file.ts';

/**
 * What a request holds, the most dispensable first: signs of life, log lines, spans.
 * Events (starts, ends, failures, rosters) and totals are never dropped.
 */
export type Contents = 'beats' | 'logs' | 'spans' | 'points' | 'events';

/** A request that is to be kept. */
export interface Keepable {
  contents: Contents;
  path: string;
  contentType: string;
  body: Uint8Array;
}

export interface TelemetrySpoolOptions {
  /** Only this destination's telemetry is in it; made when first needed. */
  folder: string;
  /** Where it is meant for, for people and for `rollcall flush`. */
  endpoint: URL;
  /** What may wait in it. Events and totals go in beyond that. */
  maxBytes: number;
}

/** What became of a request from the spool. `stop` leaves it and all that follow for later. */
export type Sent = { status: 'done' } | { status: 'stop'; reason: string };
export type Send = (request: KeptRequest) => Promise<Sent>;

/** What came of sending all that waits. */
export interface Drained {
  /** Requests. */
  sent: number;
  /** Why the rest was left, if it was. */
  stopped: string | undefined;
}

const FILE = /^\d{15}-\d+-[\w-]+\.(beats|logs|spans|points|events)\.otlp$/;
/** Nobody takes so long to write a file. */
const GIVEN_UP_MS = 60_000;
const DISPENSABLE = new Set<string>(['torn', 'beats', 'logs', 'spans']);

/**
 * One file per request, written whole under another name, then renamed: a file with its name is complete.
 * Written synchronously, because the process that writes is about to end.
 */
export class TelemetrySpool {
  readonly #options: TelemetrySpoolOptions;
  readonly #shared: SharedFolder;

  constructor(options: TelemetrySpoolOptions) {
    this.#options = options;
    this.#shared = new SharedFolder(options.folder);
  }

  get folder(): string {
    return this.#options.folder;
  }

  /** Keeps a request; it is on disk when this returns `kept`. Does not throw. */
  keep({ contents, path, contentType, body }: Keepable): 'kept' | 'full' | 'failed' {
    try {
      mkdirSync(this.folder, { recursive: true, mode: 0o700 });
      this.#nameDestination();
      const file = writeTelemetryFile(path, contentType, body);
      const hasRoom = this.#makeRoom(file.length);
      if (!hasRoom && DISPENSABLE.has(contents)) return 'full';
      this.#write(this.#shared.newName(`.${contents}.otlp`), file);
      return 'kept';
    } catch (error) {
      sdkLog.error(`The spool ${this.folder} cannot keep ${contents}: ${String(error)}`);
      return 'failed';
    }
  }

  /** How many requests wait for anybody to send them. */
  async waiting(): Promise<number> {
    return (await this.#free()).length;
  }

  /** Sends what waits, in the order in which it was kept. */
  async drain(send: Send): Promise<Drained> {
    let sent = 0;
    for (const name of await this.#free()) {
      const claimed = await this.#shared.claim(name);
      if (claimed === undefined) continue;
      const reading = readTelemetryFile(await readFile(claimed));
      if (reading.status === 'torn') {
        sdkLog.warn(`${this.#shared.pathOf(name)} is skipped: ${reading.reason}. It is put aside as .torn.`);
        await rename(claimed, this.#shared.pathOf(`${name}.torn`));
        continue;
      }
      const result = await send(reading.request);
      if (result.status === 'stop') {
        await this.#shared.release(name, claimed);
        return { sent, stopped: result.reason };
      }
      await rm(claimed, { force: true });
      sent++;
    }
    return { sent, stopped: undefined };
  }

  async #free(): Promise<string[]> {
    return this.#shared.free((name) => FILE.test(name));
  }

  #nameDestination(): void {
    const path = this.#shared.pathOf(DESTINATION_FILE);
    if (!existsSync(path)) writeFileSync(path, `${withoutCredentials(this.#options.endpoint)}\n`);
  }

  #write(name: string, content: Buffer): void {
    const path = this.#shared.pathOf(name);
    const unfinished = `${path}.part`;
    const file = openSync(unfinished, 'w', 0o600);
    try {
      // Not `writeSync`, which may write a part alone where the disk is nearly full, and say so to nobody.
      writeFileSync(file, content);
      fsyncSync(file);
    } finally {
      closeSync(file);
    }
    renameSync(unfinished, path);
  }

  /** Drops the most dispensable, oldest first. Returns whether there is room then. */
  #makeRoom(sizeBytes: number): boolean {
    const files = this.#list();
    let left = this.#options.maxBytes - sizeBytes;
    for (const file of files) left -= file.sizeBytes;
    if (left >= 0) return true;
    let dropped = 0;
    for (const contents of DISPENSABLE) {
      for (const file of files) {
        if (left >= 0) break;
        if (file.contents !== contents) continue;
        rmSync(this.#shared.pathOf(file.name), { force: true });
        left += file.sizeBytes;
        dropped++;
      }
    }
    if (dropped > 0) {
      sdkLog.warn(
        `The spool ${this.folder} is full (${this.#options.maxBytes} bytes); ${dropped} of its files with signs of life, log lines or spans were dropped`,
      );
    }
    return left >= 0;
  }

  /** Oldest first. Claimed files count, and are left to whoever has them. */
  #list(): { name: string; contents: string; sizeBytes: number }[] {
    const names = readdirSync(this.folder).toSorted();
    return names.map((name) => {
      const found = statSync(this.#shared.pathOf(name), { throwIfNoEntry: false });
      const isGivenUp = Date.now() - (found?.mtimeMs ?? 0) > GIVEN_UP_MS;
      const isTorn = name.endsWith('.torn') || (name.endsWith('.part') && isGivenUp);
      const contents = isTorn ? 'torn' : (FILE.exec(name)?.[1] ?? 'claimed');
      return { name, contents, sizeBytes: found?.size ?? 0 };
    });
  }
}
