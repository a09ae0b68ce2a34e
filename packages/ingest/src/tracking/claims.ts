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

interface ProjectClaims {
  readonly taken: Set<string>;
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

  constructor(engine: Engine, clock: () => number) {
    this.#engine = engine;
    this.#clock = clock;
  }

  /** Claims the ID of the present second, or of the next one that is free. */
  async claimNext(project: string): Promise<string> {
    return this.#lock.run(project, async () => {
      const nowMs = this.#clock();
      const present = generateRunId(new Date(nowMs));
      const claims = await this.#claimsOf(project, present, nowMs);
      // Where many start at once the search does not begin anew at the present second for each of them.
      let candidate = claims.next > present ? claims.next : present;
      while (claims.taken.has(candidate)) candidate = nextRunId(candidate);
      claims.taken.add(candidate);
      claims.next = nextRunId(candidate);
      return candidate;
    });
  }

  /**
   * Claims an ID that somebody brought along. `free`: nobody had it. `unknown`: it is not of the present hour, and
   * ClickHouse must be asked; from now on nobody else gets it.
   */
  async claim(project: string, runId: string): Promise<'free' | 'taken' | 'unknown'> {
    return this.#lock.run(project, async () => {
      const nowMs = this.#clock();
      const claims = await this.#claimsOf(project, generateRunId(new Date(nowMs)), nowMs);
      const isTaken = claims.taken.has(runId);
      claims.taken.add(runId);
      if (isTaken) return 'taken';
      return runId >= claims.knownFrom && runId <= claims.knownUntil ? 'free' : 'unknown';
    });
  }

  async #claimsOf(project: string, present: string, nowMs: number): Promise<ProjectClaims> {
    const known = this.#projects.get(project);
    const isFresh =
      known !== undefined && nowMs - known.refreshedAtMs < REFRESH_MS && known.next < known.knownUntil;
    if (isFresh) return known;
    const from = generateRunId(new Date(nowMs - BEHIND_S * 1000));
    const until = generateRunId(new Date(nowMs + WINDOW_S * 1000));
    const rows = await this.#engine.rows<{ run_id: string }>(
      `SELECT DISTINCT run_id FROM job_run_states
       WHERE project_id = {project:String} AND run_id >= {from:String} AND run_id <= {until:String}`,
      { project, from, until },
    );
    const stillClaimed = [...(known?.taken ?? [])].filter((runId) => runId >= from);
    const claims = {
      taken: new Set([...stillClaimed, ...rows.map(({ run_id: runId }) => runId)]),
      next: known?.next ?? present,
      knownFrom: from,
      knownUntil: until,
      refreshedAtMs: nowMs,
    };
    this.#projects.set(project, claims);
    return claims;
  }
}
