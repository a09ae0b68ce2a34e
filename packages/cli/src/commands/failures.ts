/** `rollcall failures`: what broke, for whom, since when. */

import { drawGroup, drawGroups, drawWithoutError } from '../failures/draw-groups.ts';
import { readGroup, readGroups, readWithoutError, type FailureFilter } from '../failures/read-groups.ts';
import { cutInto, readSince } from '../failures/since.ts';
import { UsageError } from '../print/failure.ts';
import { checkClient, checkJob } from '../reader/find.ts';
import { openReader, type GlobalOptions, type Reader } from '../reader/reader.ts';

export interface FailuresOptions extends GlobalOptions {
  readonly job?: string;
  readonly client?: string;
  readonly project?: string;
  readonly since?: string;
  readonly limit: string;
  readonly exitCode?: boolean;
  readonly json?: boolean;
}

/** With `--exit-code`, where there are failures. */
const THERE_ARE_SOME = 3;
const MOST = 1_000;

/** Exits with 1 where nobody has heard of the job, the client or the fingerprint. */
export async function failures(fingerprint: string | undefined, options: FailuresOptions): Promise<void> {
  const { job = '', client = '', project = '', exitCode = false, json = false } = options;
  const limit = Number(options.limit);
  if (!/^\d{1,4}$/.test(options.limit) || limit < 1 || limit > MOST) {
    throw new UsageError(`Unusable --limit '${options.limit}'; use a number from 1 to ${MOST}.`);
  }
  if (fingerprint !== undefined && !/^[0-9a-f]{4,16}$/.test(fingerprint)) {
    throw new UsageError(
      `'${fingerprint}' is no fingerprint: those are 16 hexadecimal digits, of which the first 4 are enough. 'rollcall failures' lists them.`,
    );
  }
  const nowMs = Date.now();
  const sinceMs = readSince(options.since ?? (fingerprint === undefined ? '24h' : '30d'), nowMs);
  const filter: FailureFilter = { job, client, project, sinceMs, fingerprint: fingerprint ?? '' };
  const reader = await openReader(options);
  try {
    if (job !== '') await checkJob(reader, job, project);
    if (client !== '') await checkClient(reader, client, { job, project });
    const found =
      fingerprint === undefined
        ? await list(reader, filter, nowMs, limit, json)
        : await showOne(reader, filter, nowMs, json);
    if (exitCode && found > 0) process.exitCode = THERE_ARE_SOME;
  } finally {
    await reader.close();
  }
}

async function list(
  reader: Reader,
  filter: FailureFilter,
  nowMs: number,
  limit: number,
  json: boolean,
): Promise<number> {
  const buckets = cutInto(filter.sinceMs, nowMs);
  const groups = await readGroups(reader, filter, buckets);
  const withoutError = await readWithoutError(reader, filter);
  const since = new Date(filter.sinceMs).toISOString();
  if (json) {
    console.log(
      JSON.stringify(
        {
          since,
          trendPer: buckets.unit,
          groups: groups.slice(0, limit),
          left: Math.max(0, groups.length - limit),
          withoutError,
        },
        null,
        2,
      ),
    );
    return groups.length;
  }
  const drawnSince = since.slice(0, 16).replace('T', ' ');
  console.log(
    groups.length === 0
      ? `No failures since ${drawnSince} UTC in ${reader.source}.`
      : drawGroups(groups, { since: drawnSince, buckets, limit }),
  );
  const besides = drawWithoutError(withoutError);
  if (besides.length > 0) console.log(`\n${besides.join('\n')}`);
  return groups.length;
}

async function showOne(reader: Reader, filter: FailureFilter, nowMs: number, json: boolean): Promise<number> {
  const buckets = cutInto(filter.sinceMs, nowMs);
  const groups = await readGroups(reader, filter, buckets);
  const kinds = [...new Set(groups.map((group) => group.fingerprint))];
  if (kinds.length === 0) {
    throw new UsageError(
      `No failure since ${new Date(filter.sinceMs).toISOString().slice(0, 16).replace('T', ' ')} UTC has the fingerprint ${filter.fingerprint}; --since looks further back, 'rollcall failures --since 30d' lists those there are.`,
      { exitCode: 1 },
    );
  }
  if (kinds.length > 1) {
    throw new UsageError(
      `${kinds.length} fingerprints begin with ${filter.fingerprint}: ${kinds.slice(0, 5).join(', ')}. Give more of it.`,
    );
  }
  const details = [];
  for (const group of groups) details.push(await readGroup(reader, group, filter));
  console.log(
    json
      ? JSON.stringify(details, null, 2)
      : details.map((detail) => drawGroup(detail, buckets)).join('\n\n'),
  );
  return groups.length;
}
