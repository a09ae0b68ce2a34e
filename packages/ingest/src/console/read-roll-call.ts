/** Reads the roll call of a job run: every client that was expected or met, briefly. */

import type { Verdict } from '@rollcall/semconv';
import type { Engine } from '../store/engine.ts';
import type { RunKey } from '../tracking/records.ts';
import { epochMs } from './times.ts';

/** A client run in brief. What is empty is left out: there may be thousands of them. */
export interface Answer {
  readonly clientId: string;
  readonly verdict: Verdict;
  /** Milliseconds since 1970. */
  readonly startedMs?: number;
  readonly durationMs?: number;
  readonly lastSeenMs?: number;
  /** Left out for the first. */
  readonly attempt?: number;
  /** 0 to 1. */
  readonly progress?: number;
  readonly reason?: string;
  readonly errorType?: string;
  readonly errorMessage?: string;
  readonly isUnexpected?: boolean;
  readonly isIncomplete?: boolean;
}

/** Longer texts are cut: the client run itself has them whole. */
const LONGEST_TEXT = 200;

export async function readRollCall(
  engine: Engine,
  { project, runId, origin }: RunKey,
  { cursor = '', limit }: { cursor?: string; limit: number },
): Promise<{ clients: Answer[]; nextCursor: string | null }> {
  const rows = await engine.rows<RawAnswer>(
    `${SELECT} WHERE project_id = {project:String} AND run_id = {runId:String} AND origin = {origin:String} AND client_id > {cursor:String}
     ORDER BY client_id LIMIT {limit:UInt32}`,
    { project, runId, origin, cursor, limit: limit + 1 },
  );
  const page = rows.slice(0, limit);
  return {
    clients: page.map(toAnswer),
    nextCursor: rows.length > limit ? (page.at(-1)?.clientId ?? null) : null,
  };
}

/** These clients of the run only. */
export async function readAnswers(
  engine: Engine,
  { project, runId, origin }: RunKey,
  clientIds: readonly string[],
): Promise<Answer[]> {
  const rows = await engine.rows<RawAnswer>(
    `${SELECT} WHERE project_id = {project:String} AND run_id = {runId:String} AND origin = {origin:String} AND client_id IN {clientIds:Array(String)}
     ORDER BY client_id`,
    { project, runId, origin, clientIds },
  );
  return rows.map(toAnswer);
}

const SELECT = `SELECT client_id AS clientId, verdict, ${epochMs('started_at')} AS startedMs, duration_ms AS durationMs,
    ${epochMs('last_seen_at')} AS lastSeenMs, attempt, progress, leftUTF8(reason, ${LONGEST_TEXT}) AS reason,
    error_type AS errorType, leftUTF8(error_message, ${LONGEST_TEXT}) AS errorMessage,
    expected = 0 AS isUnexpected, telemetry = 'incomplete' AS isIncomplete
    FROM client_runs`;

type RawAnswer = { clientId: string; verdict: Verdict; attempt: number } & Record<string, unknown>;

function toAnswer(row: RawAnswer): Answer {
  const { attempt, isUnexpected, isIncomplete, ...rest } = row;
  return {
    ...Object.fromEntries(Object.entries(rest).filter(([, value]) => value !== null && value !== '')),
    ...(attempt > 1 ? { attempt } : {}),
    ...(isUnexpected === 1 ? { isUnexpected: true } : {}),
    ...(isIncomplete === 1 ? { isIncomplete: true } : {}),
  } as unknown as Answer;
}
