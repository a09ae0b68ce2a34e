/** Reads an export row by row, whatever its format, and never holds it whole. */

import { createReadStream } from 'node:fs';
import { open, stat } from 'node:fs/promises';
import { extname } from 'node:path';
import { pipeline } from 'node:stream';
import { createInterface } from 'node:readline';
import { JSONParser } from '@streamparser/json';
import { parse } from 'csv-parse';
import { UsageError } from '../print/failure.ts';

const FORMATS = ['csv', 'json', 'ndjson'] as const;
type Format = (typeof FORMATS)[number];

/** A row as the file has it, by column. */
export type Cells = Readonly<Record<string, unknown>>;

/** `number` is where a person finds it: the row of a spreadsheet, the line of NDJSON, the element of a JSON array, from 1. */
export type Row =
  | { readonly number: number; readonly cells: Cells }
  | { readonly number: number; readonly fault: string };

/** A file whose format is known. */
export interface Source {
  readonly path: string;
  readonly format: Format;
  /** Of CSV: what stands between two cells. */
  readonly delimiter: string;
}

// A quote that is never closed makes one record of the rest of the file.
const LONGEST_RECORD = 4_000_000;
const HEAD_BYTES = 65_536;
const EXTENSIONS: Readonly<Record<string, Format>> = {
  '.csv': 'csv',
  '.tsv': 'csv',
  '.txt': 'csv',
  '.json': 'json',
  '.ndjson': 'ndjson',
  '.jsonl': 'ndjson',
};

/**
 * Finds out what kind of file it is: by the given format, else by its name; its first line says the rest.
 * @throws UsageError
 */
export async function openSource(path: string, given?: string): Promise<Source> {
  if (given !== undefined && !(FORMATS as readonly string[]).includes(given)) {
    throw new UsageError(`Unknown format '${given}'; use ${FORMATS.join(', ')}.`);
  }
  const head = await readHead(path);
  const named = (given as Format | undefined) ?? EXTENSIONS[extname(path).toLowerCase()];
  if (named === undefined) {
    throw new UsageError(`The name of '${path}' does not tell its format; add --format csv, json or ndjson.`);
  }
  // Many tools write one object per line into a .json file.
  const format = given === undefined && named === 'json' && head.startsWith('{') ? 'ndjson' : named;
  if (format === 'json' && !head.startsWith('[')) {
    throw new UsageError(
      `'${path}' is no JSON array of rows; use [{…}, …], or --format ndjson for one object a line.`,
    );
  }
  return { path, format, delimiter: guessDelimiter(head) };
}

/** Reads the rows. A row that can not be read is a fault of its own; a file that can not be read throws. */
export async function* readRows(source: Source): AsyncGenerator<Row> {
  const read = { csv: readCsv, json: readJson, ndjson: readNdjson }[source.format];
  try {
    yield* read(source);
  } catch (error) {
    if (error instanceof UsageError) throw error;
    throw new UsageError(`'${source.path}' can not be read as ${source.format}: ${(error as Error).message}`);
  }
}

async function readHead(path: string): Promise<string> {
  const found = await stat(path).catch(() => null);
  if (found === null) throw new UsageError(`There is no file '${path}'.`);
  if (!found.isFile())
    throw new UsageError(`'${path}' is no file; save the export to a file first, it is read twice.`);
  const file = await open(path);
  try {
    const { buffer, bytesRead } = await file.read(Buffer.alloc(HEAD_BYTES), 0, HEAD_BYTES, 0);
    return buffer
      .toString('utf8', 0, bytesRead)
      .replace(/^\uFEFF/, '')
      .trimStart();
  } finally {
    await file.close();
  }
}

/** Whichever of the three the header holds most of. */
function guessDelimiter(head: string): string {
  const header = head.split(/\r?\n/, 1)[0] ?? '';
  const count = (delimiter: string): number => header.split(delimiter).length;
  return [';', '\t'].find((delimiter) => count(delimiter) > count(',')) ?? ',';
}

async function* readCsv({ path, delimiter }: Source): AsyncGenerator<Row> {
  const parser = parse({
    bom: true,
    delimiter,
    relax_column_count: true,
    max_record_size: LONGEST_RECORD,
  });
  // Its callback only keeps an error from being thrown twice: the parser passes it on.
  pipeline(createReadStream(path), parser, () => undefined);
  let header: readonly string[] | undefined;
  let number = 0;
  for await (const record of parser as AsyncIterable<string[]>) {
    number++;
    if (header === undefined) {
      header = checkHeader(path, record);
    } else if (record.length === header.length) {
      yield { number, cells: toCells(header, record) };
    } else if (record.length > 1 || record[0] !== '') {
      yield { number, fault: `It has ${record.length} cells, the header has ${header.length}.` };
    }
  }
}

function checkHeader(path: string, header: readonly string[]): readonly string[] {
  const names = header.map((name) => name.trim());
  const twice = names.find((name, index) => name !== '' && names.indexOf(name) !== index);
  if (twice === undefined) return names;
  throw new UsageError(`'${path}' has two columns '${twice}'; rename one.`);
}

function toCells(header: readonly string[], record: readonly string[]): Cells {
  // No prototype, so that a column may be called anything.
  const cells = Object.create(null) as Record<string, unknown>;
  header.forEach((name, index) => (cells[name] = record[index]));
  return cells;
}

async function* readJson({ path }: Source): AsyncGenerator<Row> {
  const parser = new JSONParser({ paths: ['$.*'], keepStack: false });
  let found: Row[] = [];
  let number = 0;
  parser.onValue = ({ value }) => {
    found.push(toRow(++number, value));
  };
  for await (const chunk of createReadStream(path)) {
    parser.write(chunk as Buffer);
    yield* found;
    found = [];
  }
  if (!parser.isEnded) throw new Error('the array is not closed');
}

async function* readNdjson({ path }: Source): AsyncGenerator<Row> {
  let number = 0;
  for await (const line of createInterface({ input: createReadStream(path), crlfDelay: Infinity })) {
    number++;
    const text = line.replace(/^\uFEFF/, '').trim();
    if (text !== '') yield parseLine(number, text);
  }
}

function parseLine(number: number, text: string): Row {
  try {
    return toRow(number, JSON.parse(text));
  } catch (error) {
    return { number, fault: `It is no JSON: ${(error as Error).message}` };
  }
}

/** The rows that Airtable's API gives hold their cells one level down, in `fields`. */
function toRow(number: number, value: unknown): Row {
  if (!isObject(value)) return { number, fault: 'It is no object with a member per column.' };
  const { fields } = value;
  return { number, cells: isObject(fields) ? fields : value };
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
