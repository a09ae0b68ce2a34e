/** A connection of the embedded engine for one statement: what is set on it ends with it. */

import { parseError } from '@clickhouse/client';
import type { Session } from 'chdb';

/** What a statement answers. */
export interface Answer {
  /** The format of the bytes, as the statement or its caller named it. */
  readonly format: string;
  /** The first bytes are there already: what is wrong with a statement shows before anything is answered. */
  readonly chunks: AsyncIterable<Uint8Array>;
  /** As far as the engine tells: not for what is streamed. */
  readonly rows?: number;
  readonly bytes?: number;
  /** To be called at the end, whether it was read or not. Twice is once. */
  readonly close: () => void;
}

/** Formats in which the engine's blocks can be written one after another; the others have a frame around the whole. */
const STREAMED_FORMATS =
  /^(JSON(Strings|Compact|CompactStrings)?EachRow|JSONLines|NDJSON|CSV|TSV(Raw)?|TabSeparated(Raw)?|Native|RowBinary)$/i;

/**
 * To open one takes a fifth of a millisecond. Settings stick to a connection: so each statement that brings settings
 * of its own has one of its own. It runs one statement at a time.
 */
export class EmbeddedConnection {
  readonly #session: Session;

  private constructor(session: Session) {
    this.#session = session;
  }

  /** `engineArguments` as of `clickhouse local`: they count where this is the first connection to the folder. */
  static async open(path: string, engineArguments: readonly string[] = []): Promise<EmbeddedConnection> {
    // The library weighs 540 MB: it is loaded only when the embedded engine is really opened.
    const { Session: EngineSession } = await import('chdb');
    return new EmbeddedConnection(new EngineSession(path, { connectionArgs: [...engineArguments] }));
  }

  /** @throws ClickHouseError of a setting that is unknown, or a value that it can not have */
  async set(settings: Readonly<Record<string, string>>): Promise<void> {
    const assignments = Object.entries(settings).map(
      ([name, value]) => `${identifier(name)} = ${literal(value)}`,
    );
    if (assignments.length > 0) await this.run(`SET ${assignments.join(', ')}`);
  }

  /** Binds `{name:Type}` placeholders to values as the HTTP interface takes them: escaped as in TSV, not quoted. */
  async bind(parameters: Readonly<Record<string, string>>): Promise<void> {
    await this.set(
      Object.fromEntries(Object.entries(parameters).map(([name, value]) => [`param_${name}`, value])),
    );
  }

  async use(database: string): Promise<void> {
    await this.run(`USE ${identifier(database)}`);
  }

  /** Runs a statement to its end. @throws ClickHouseError with the engine's `code` and `type` */
  async run(sql: string, format = 'TSV'): Promise<{ text: () => string; bytes: Uint8Array; rows: number }> {
    try {
      const result = await this.#session.queryAsync(sql, { format });
      return { text: () => result.text(), bytes: result.bytes(), rows: result.rowsRead };
    } catch (error) {
      throw engineError(error);
    }
  }

  /**
   * Runs a statement whose answer may be large. A SELECT, nothing else, can be streamed in a format of lines or blocks,
   * and stops between two blocks when the reader lets go of it; anything else is held in memory as a whole.
   */
  async answer(
    sql: string,
    { defaultFormat, isStreamed }: { defaultFormat: string; isStreamed: boolean },
  ): Promise<Answer> {
    const format = formatOf(sql) ?? defaultFormat;
    const close = (): void => this.close();
    if (isStreamed && STREAMED_FORMATS.test(format))
      return { format, chunks: await this.#stream(sql, format), close };
    const { bytes, rows } = await this.run(sql, format);
    return { format, chunks: only(bytes), rows, bytes: bytes.length, close };
  }

  async #stream(sql: string, format: string): Promise<AsyncIterable<Uint8Array>> {
    try {
      const chunks = this.#session.queryStream(sql, { format })[Symbol.asyncIterator]();
      const first = await chunks.next();
      return after(first, chunks);
    } catch (error) {
      throw engineError(error);
    }
  }

  close(): void {
    this.#session.close();
  }
}

/** The format that a statement names in its own FORMAT clause. */
function formatOf(sql: string): string | undefined {
  return /\bFORMAT\s+(\w+)(\s+SETTINGS\s[^'"`]*)?[\s;]*$/i.exec(sql)?.[1];
}

async function* only(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  if (bytes.length > 0) yield bytes;
}

interface Chunk {
  raw(): Uint8Array;
}

async function* after(
  first: IteratorResult<Chunk, unknown>,
  rest: AsyncIterator<Chunk>,
): AsyncGenerator<Uint8Array> {
  try {
    for (let next = first; next.done !== true; next = await rest.next()) yield next.value.raw();
  } catch (error) {
    throw engineError(error);
  } finally {
    await rest.return?.();
  }
}

function engineError(error: unknown): unknown {
  return parseError((error as Error).message);
}

function identifier(name: string): string {
  return `\`${name.replaceAll('\\', '\\\\').replaceAll('`', '\\`')}\``;
}

/** A value as the HTTP interface takes it: escaped as in TSV. */
export function parameterText(value: string | number | boolean | readonly string[]): string {
  if (typeof value === 'object') return `[${value.map(literal).join(',')}]`;
  return typeof value === 'string' ? escape(value) : String(value);
}

export function literal(value: string): string {
  return `'${escape(value).replaceAll("'", "\\'")}'`;
}

function escape(value: string): string {
  return value.replaceAll(/[\\\0\b\f\n\r\t]/g, (character) => ESCAPES[character] ?? character);
}

const ESCAPES: Record<string, string> = {
  '\\': '\\\\',
  '\0': '\\0',
  '\b': '\\b',
  '\f': '\\f',
  '\n': '\\n',
  '\r': '\\r',
  '\t': '\\t',
};
