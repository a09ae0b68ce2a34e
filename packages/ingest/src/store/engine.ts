/** Defines what the rest of ingest may ask of ClickHouse, whichever engine stands behind it. */

import type { Readable } from 'node:stream';
import type { Guests } from './guests.ts';
import { openEmbedded } from './open-embedded.ts';
import { openServer } from './open-server.ts';

/** Values bound to `{name:Type}` placeholders; never pasted into the statement. */
export type Parameters = Record<string, string | number | boolean | readonly string[]>;

/** Blocks of the Native format; an earlier version left lines of JSON in the spool. */
export type FileFormat = 'Native' | 'JSONEachRow';

/** A file of rows to be inserted as one batch. */
export interface FileInsert {
  readonly table: string;
  readonly path: string;
  readonly format: FileFormat;
  /** Inserting the same token twice into one table keeps the rows once. */
  readonly token: string;
  /** Whether an earlier try may have come to something; its outcome is not known. */
  readonly isRepeat?: boolean;
}

/** One ClickHouse, embedded or a server. All names in statements are relative to its database. */
export interface Engine {
  readonly kind: 'embedded' | 'server';
  /** Where the data is, for people: a folder or a URL without its password. */
  readonly place: string;
  readonly database: string;
  /** Runs one of our own read statements. @throws ClickHouseError with the engine's `code`. */
  rows<Row>(sql: string, parameters?: Parameters): Promise<Row[]>;
  /** Runs a statement that changes something. */
  command(sql: string, parameters?: Parameters): Promise<void>;
  /** Runs one of our own statements that change something beside the inserts: neither waits for the other. */
  background(sql: string, parameters?: Parameters): Promise<void>;
  /** Runs a stranger's statement: it can read, and nothing else. */
  readOnly(sql: string, options: { format: string; parameters?: Parameters }): Promise<Readable>;
  /** What the embedded engine has for strangers who speak ClickHouse's own interface; a server has its own. */
  readonly guests?: Guests;
  insertFile(insert: FileInsert): Promise<void>;
  ping(): Promise<boolean>;
  /** Waits for statements in flight, then lets go of the data. */
  close(): Promise<void>;
}

export interface EngineOptions {
  /** `http(s)://user:password@host:8123`; without it the embedded engine is used. */
  readonly clickhouseUrl?: string | undefined;
  /** Name of the cluster that the server belongs to. */
  readonly cluster?: string | undefined;
  readonly database: string;
  /** Folder of the embedded engine. */
  readonly dataDir: string;
  /** `create` makes the folder and the database; `existing` refuses where there is none. */
  readonly mode?: 'create' | 'existing';
}

/**
 * Opens the engine that the options name.
 * @throws EngineError `data_dir_in_use`, `data_dir_unwritable`, `no_data`, `server_unreachable`
 */
export async function openEngine({ clickhouseUrl, ...options }: EngineOptions): Promise<Engine> {
  return clickhouseUrl === undefined ? openEmbedded(options) : openServer({ ...options, clickhouseUrl });
}
