/** Hands out run IDs so that no two job runs of a project get the same one. */

import { generateRunId, nextRunId } from '@rollcall/semconv';
import type { Engine } from '../store/engine.ts';
import { KeyedLock } from './keyed-lock.ts';

/** IDs that came by OTLP without being claimed become known within this time. */
const REFRESH_MS = 2_000;
/** A clock that is a little behind ours still has its IDs looked up along. */
const BEHIND_S = 120;
/** How far ahead of now taken IDs are looked up at a time. */
const WINDOW_S = 3_600;

/** `unknown`: it is not of the present hour, and ClickHouse must be asked; from now on nobody else gets it. */
export interface ClaimAnswer {
  readonly status: 'free' | 'taken' | 'unknown';
  /** Whether this very run has it already. */
  readonly isOwn: boolean;
}

interface ProjectClaims {
  /** The origins of the runs that bear each ID. */
  readonly taken: Map<string, Set<string>>;
  /** Which ID a run got instead of the one that it asked for: asked again, the same question has the same answer. */
  readonly instead: Map<string, string>;
  /** By job and origin: runs that were there when this process first looked, so that an earlier one made them. */
  readonly before: ReadonlyMap<string, string>;
  /** Second from which on everything up to it was handed out: where the next search begins. */
  next: string;
  /** What was taken between these was looked up. */
  knownFrom: string;
  knownUntil: string;
  refreshedAtMs: number;
}

/** One of these serves a data folder: IDs are claimed in memory, and looked up in ClickHouse. */
export class Claims {
  readonly #engine: Engine;
  readonly #clock: () => number;
  readonly #projects = new Map<string, ProjectClaims>();
  readonly #lock = new KeyedLock();
  /** What was asked for up to here may have been answered by an earlier process. */
  readonly #since: string;

  constructor(engine: Engine, clock: () => number) {
    this.#engine = engine;
    this.#clock = clock;
    this.#since = generateRunId(new Date(clock() + BEHIND_S * 1000));
  }

  /** Claims the ID of the present second, or of the next one that is free; `asked` is the taken one that the run wanted. */
  async claimNext(
    project: string,
    { job, origin }: { job: string; origin: string },
    asked?: string,
  ): Promise<{ runId: string; again: boolean }> {
    return this.#lock.run(project, async () => {
      const nowMs = this.#clock();
      const present = generateRunId(new Date(nowMs));
      const claims = await this.#claimsOf(project, present, nowMs);
      const earlier =
        asked === undefined
          ? undefined
          : (claims.instead.get(questionOf(asked, origin)) ??
            this.#givenBefore(claims, { job, origin, asked }));
      if (earlier !== undefined) return { runId: earlier, again: true };
      // Where many start at once the search does not begin anew at the present second for each of them.
      let candidate = claims.next > present ? claims.next : present;
      while (claims.taken.has(candidate)) candidate = nextRunId(candidate);
      claims.taken.set(candidate, new Set([origin]));
      claims.next = nextRunId(candidate);
      if (asked !== undefined) claims.instead.set(questionOf(asked, origin), candidate);
      return { runId: candidate, again: false };
    });
  }

  /** Claims an ID that somebody brought along. */
  async claim(project: string, runId: string, origin: string): Promise<ClaimAnswer> {
    return this.#lock.run(project, async () => {
      const nowMs = this.#clock();
      const claims = await this.#claimsOf(project, generateRunId(new Date(nowMs)), nowMs);
      const bearers = claims.taken.get(runId);
      if (bearers !== undefined) return { status: 'taken', isOwn: bearers.has(origin) };
      claims.taken.set(runId, new Set([origin]));
      const isKnown = runId >= claims.knownFrom && runId <= claims.knownUntil;
      return { status: isKnown ? 'free' : 'unknown', isOwn: false };
    });
  }

  /** Takes back a claim from which no run came. */
  release(project: string, runId: string, origin: string): void {
    const claims = this.#projects.get(project);
    if (claims === undefined) return;
    const bearers = claims.taken.get(runId);
    bearers?.delete(origin);
    if (bearers?.size === 0) claims.taken.delete(runId);
    for (const [question, given] of claims.instead) if (given === runId) claims.instead.delete(question);
  }

  /** What an earlier process gave this run instead of the ID that it asks for: its answer may never have arrived. */
  #givenBefore(
    claims: ProjectClaims,
    { job, origin, asked }: { job: string; origin: string; asked: string },
  ): string | undefined {
    if (asked > this.#since) return undefined;
    const given = claims.before.get(questionOf(job, origin));
    return given !== undefined && given > asked ? given : undefined;
  }

  async #claimsOf(project: string, present: string, nowMs: number): Promise<ProjectClaims> {
    const known = this.#projects.get(project);
    const isFresh =
      known !== undefined && nowMs - known.refreshedAtMs < REFRESH_MS && known.next < known.knownUntil;
    if (isFresh) return known;
    const from = generateRunId(new Date(nowMs - BEHIND_S * 1000));
    const until = generateRunId(new Date(nowMs + WINDOW_S * 1000));
    const rows = await this.#engine.rows<{ run_id: string; origin: string; job: string }>(
      `SELECT run_id, origin, max(job_name) AS job FROM job_run_states
       WHERE project_id = {project:String} AND run_id >= {from:String} AND run_id <= {until:String}
       GROUP BY run_id, origin`,
      { project, from, until },
    );
    const taken = new Map(known === undefined ? [] : [...known.taken].filter(([runId]) => runId >= from));
    for (const { run_id: runId, origin } of rows) {
      taken.set(runId, new Set([...(taken.get(runId) ?? []), origin]));
    }
    const before =
      known?.before ??
      new Map(rows.map(({ run_id: runId, origin, job }) => [questionOf(job, origin), runId]));
    const instead = new Map(
      known === undefined ? [] : [...known.instead].filter(([, given]) => given >= from),
    );
    const claims = {
      taken,
      instead,
      before,
      next: known?.next ?? present,
      knownFrom: from,
      knownUntil: until,
      refreshedAtMs: nowMs,
    };
    this.#projects.set(project, claims);
    return claims;
  }
}

function questionOf(asked: string, origin: string): string {
  return `${asked} ${origin}`;
}
