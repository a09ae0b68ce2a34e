/** Names the files of segments, and mends what a dead process left of them. */
import { open, readdir, readFile, rename, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { readWholeBlocks, SEAL } from '../native/block.ts';
import type { FileFormat } from '../store/engine.ts';

/** A finished file of rows; its name is its deduplication token, so that inserting it again changes nothing. */
export interface Segment {
  readonly table: string;
  readonly path: string;
  readonly token: string;
  readonly format: FileFormat;
  readonly sizeBytes: number;
  /** The requests whose rows these are, as far as they have names. */
  readonly requests: readonly string[];
  /** False where no row belongs to a run; not known of those that an earlier process left. */
  readonly hasRuns?: boolean;
  /** Whether an earlier process left it, which may have inserted it. */
  readonly isRecovered?: boolean;
}

/** A segment that still grows. The old versions wrote lines of JSON, and had no name for them. */
export const OPEN_SUFFIX = '.native.open';
const NATIVE_SUFFIX = '.native';
/** One that is in ClickHouse, and during which boot of the machine it came there. */
const INSERTED_NAME = /^(.*)\.native\.inserted\.([\da-z]+)$/;
const UNKNOWN_BOOT = 'unknown';
const LEGACY_OPEN_SUFFIX = '.open';
const LEGACY_SUFFIX = '.jsonl';

/** What was found damaged. */
export interface Damage {
  readonly path: string;
  readonly reason: string;
}

/** Where a segment is once it is finished. */
export function finishedPath(folder: string, token: string): string {
  return join(folder, `${token}${NATIVE_SUFFIX}`);
}

/** Where a segment is once its rows are in ClickHouse. */
export function insertedPath(folder: string, token: string, bootId: string | undefined): string {
  return `${finishedPath(folder, token)}.inserted.${bootId ?? UNKNOWN_BOOT}`;
}

/**
 * The segments in a folder that were inserted since the machine was booted. Those of an earlier boot may have been lost by
 * ClickHouse, and become segments like all others.
 */
export async function recoverInserted(folder: string, bootId: string | undefined): Promise<Segment[]> {
  const segments: Segment[] = [];
  for (const name of (await readdir(folder)).toSorted()) {
    const [, token, boot] = INSERTED_NAME.exec(name) ?? [];
    if (token === undefined) continue;
    const path = join(folder, name);
    if (bootId === undefined || boot !== bootId) {
      await rename(path, finishedPath(folder, token));
      continue;
    }
    const { requests } = readWholeBlocks(await readFile(path));
    const { size: sizeBytes } = await stat(path);
    segments.push({ table: tableOf(token), path, token, format: 'Native', sizeBytes, requests });
  }
  return segments;
}

function tableOf(token: string): string {
  return token.slice(token.indexOf('.') + 1);
}

/**
 * The segments in a folder that are to be inserted, oldest first. Each is whole: a block that was being written when the process died is cut
 * off, it was never acknowledged. Whatever follows a damaged block is kept aside, and told.
 */
export async function recoverSegments(
  folder: string,
  setAside: (name: string, bytes: Buffer, reason: string) => Promise<Damage>,
): Promise<{ segments: Segment[]; damages: Damage[] }> {
  const names = (await readdir(folder)).filter((name) => /\.(open|jsonl|native)$/.test(name)).toSorted();
  const segments: Segment[] = [];
  const damages: Damage[] = [];
  for (const name of names) {
    const isLegacy =
      name.endsWith(LEGACY_SUFFIX) || (name.endsWith(LEGACY_OPEN_SUFFIX) && !name.endsWith(OPEN_SUFFIX));
    const token = name.replace(/\.(native\.open|native|open|jsonl)$/, '');
    const finished = join(folder, `${token}${isLegacy ? LEGACY_SUFFIX : NATIVE_SUFFIX}`);
    const { damage = null, requests } = isLegacy
      ? { requests: [] }
      : await cutTorn(join(folder, name), token, setAside);
    if (damage !== null) damages.push(damage);
    if (isLegacy && name.endsWith(LEGACY_OPEN_SUFFIX)) await cutTornLine(join(folder, name));
    await rename(join(folder, name), finished);
    const { size: sizeBytes } = await stat(finished);
    if (sizeBytes === 0) {
      await rm(finished, { force: true });
      continue;
    }
    segments.push({
      table: tableOf(token),
      path: finished,
      token,
      format: isLegacy ? 'JSONEachRow' : 'Native',
      sizeBytes,
      requests,
      isRecovered: true,
    });
  }
  return { segments, damages };
}

async function cutTorn(
  path: string,
  token: string,
  setAside: (name: string, bytes: Buffer, reason: string) => Promise<Damage>,
): Promise<{ damage: Damage | null; requests: readonly string[] }> {
  const content = await readFile(path);
  const { sizeBytes, requests } = readWholeBlocks(content);
  if (sizeBytes === content.length) return { damage: null, requests };
  const rest = content.subarray(sizeBytes);
  // A torn block is the last one. Where others follow it, it was not torn but damaged later.
  const damage =
    rest.indexOf(SEAL, SEAL.length * 2) < 0
      ? null
      : await setAside(
          `${token}.damaged${NATIVE_SUFFIX}`,
          rest,
          `A block at byte ${sizeBytes} does not match its checksum; it and what follows it were not inserted.`,
        );
  await truncateDurably(path, sizeBytes);
  return { damage, requests };
}

async function cutTornLine(path: string): Promise<void> {
  const content = await readFile(path);
  await truncateDurably(path, content.lastIndexOf(0x0a) + 1);
}

async function truncateDurably(path: string, sizeBytes: number): Promise<void> {
  const file = await open(path, 'r+');
  try {
    await file.truncate(sizeBytes);
    await file.sync();
  } finally {
    await file.close();
  }
}
