/** Reads how runs and their clients stand; questions about one run that come at once are answered together. */

import type { Aggregation } from '@rollcall/semconv';
import type { Engine } from '../store/engine.ts';
import { Together } from '../together.ts';
import type { RunIdentity } from './evidence.ts';
import { readClientRuns, readJobRuns, type ClientRunRecord, type JobRunRecord } from './records.ts';
import type { AttemptState } from './rules.ts';

export interface KnownRun extends AttemptState {
  readonly identity: RunIdentity;
}

interface MetricNames {
  readonly identity: RunIdentity;
  readonly metrics: readonly string[];
}

interface ClientName {
  readonly identity: RunIdentity;
  readonly clientId: string;
}

export class Reads {
  readonly #engine: Engine;
  readonly #runs = new Together<RunIdentity, JobRunRecord[]>(async ([identity]) =>
    identity === undefined ? [] : readJobRuns(this.#engine, identity),
  );
  readonly #runStates = new Together<{ project: string; runId: string }, KnownRun[]>(async ([name]) =>
    name === undefined ? [] : this.#readRunStates(name),
  );
  readonly #clients = new Together<ClientName, Map<string, ClientRunRecord>>(async (names) =>
    this.#readClients(names),
  );
  readonly #clientStates = new Together<ClientName, Map<string, AttemptState>>(async (names) =>
    this.#readClientStates(names),
  );

  readonly #aggregations = new Together<MetricNames, Map<string, Aggregation>>(async (asked) =>
    this.#readAggregations(asked),
  );

  constructor(engine: Engine) {
    this.#engine = engine;
  }

  /** The record of a job run, as the API shows it. */
  async run(identity: RunIdentity): Promise<JobRunRecord | undefined> {
    const [record] = await this.#runs.ask(groupOf(identity), identity);
    return record;
  }

  /** The runs that bear this ID, the one that began first first. */
  async runStates(project: string, runId: string): Promise<KnownRun[]> {
    return this.#runStates.ask(JSON.stringify([project, runId]), { project, runId });
  }

  /** The record of a client run, as the API shows it. */
  async client(identity: RunIdentity, clientId: string): Promise<ClientRunRecord | undefined> {
    const records = await this.#clients.ask(groupOf(identity), { identity, clientId });
    return records.get(clientId);
  }

  /** The last attempt of a client; a client that is only expected has none. */
  async clientState(identity: RunIdentity, clientId: string): Promise<AttemptState | undefined> {
    const states = await this.#clientStates.ask(groupOf(identity), { identity, clientId });
    return states.get(clientId);
  }

  /** How these metrics are aggregated in this run, as far as it has them. */
  async aggregations(
    identity: RunIdentity,
    metrics: readonly string[],
  ): Promise<ReadonlyMap<string, Aggregation>> {
    return this.#aggregations.ask(groupOf(identity), { identity, metrics });
  }

  async #readRunStates({ project, runId }: { project: string; runId: string }): Promise<KnownRun[]> {
    const rows = await this.#engine.rows<AttemptState & { job: string; origin: string }>(
      `SELECT job_name AS job, origin, attempt, if(is_ended, ending.status, NULL) AS endedAs
       FROM job_run_latest WHERE project_id = {project:String} AND run_id = {runId:String}
       ORDER BY first_started_at, origin`,
      { project, runId },
    );
    return rows.map(({ job, origin, attempt, endedAs }) => ({
      attempt,
      endedAs,
      identity: { project, runId, job, origin },
    }));
  }

  async #readAggregations(asked: readonly MetricNames[]): Promise<Map<string, Aggregation>> {
    const [first] = asked;
    if (first === undefined) return new Map();
    const { project, runId, origin } = first.identity;
    const names = [...new Set(asked.flatMap(({ metrics }) => metrics))];
    const rows = await this.#engine.rows<{ metric: string; aggregation: Aggregation }>(
      `SELECT DISTINCT metric, aggregation FROM metric_states
       WHERE project_id = {project:String} AND run_id = {runId:String} AND origin = {origin:String} AND metric IN {names:Array(String)}`,
      { project, runId, origin, names },
    );
    return new Map(rows.map(({ metric, aggregation }) => [metric, aggregation]));
  }

  async #readClients(names: readonly ClientName[]): Promise<Map<string, ClientRunRecord>> {
    const [first] = names;
    if (first === undefined) return new Map();
    const clients = clientsOf(names);
    const records = await readClientRuns(
      this.#engine,
      first.identity,
      'client_id IN {clients:Array(String)}',
      { clients, limit: clients.length },
    );
    return new Map(records.map((record) => [record.clientId, record]));
  }

  async #readClientStates(names: readonly ClientName[]): Promise<Map<string, AttemptState>> {
    const [first] = names;
    if (first === undefined) return new Map();
    const { project, runId, origin } = first.identity;
    const rows = await this.#engine.rows<AttemptState & { clientId: string }>(
      `SELECT client_id AS clientId, attempt, if(ending.at > toDateTime64(0, 9, 'UTC'), ending.status, NULL) AS endedAs
       FROM client_run_attempts
       WHERE project_id = {project:String} AND run_id = {runId:String} AND origin = {origin:String}
         AND client_id IN {clients:Array(String)} AND attempt > 0
       ORDER BY attempt DESC LIMIT 1 BY client_id`,
      { project, runId, origin, clients: clientsOf(names) },
    );
    return new Map(rows.map(({ clientId, attempt, endedAs }) => [clientId, { attempt, endedAs }]));
  }
}

function groupOf({ project, runId, origin }: RunIdentity): string {
  return JSON.stringify([project, runId, origin]);
}

function clientsOf(names: readonly ClientName[]): string[] {
  return [...new Set(names.map(({ clientId }) => clientId))];
}
