/** Does what a program's lines say: numbers, clients, progress, notes. */

import { context, type Context } from '@opentelemetry/api';
import type { Client, Run } from '@rollcall/sdk';
import { ProgramFailure } from './describe-end.ts';
import type { LineReading, Report } from './parse-line.ts';

/** How the program ended, as far as clients are concerned that it left open. */
export type Leaving = { how: 'well' } | { how: 'failed'; why: string } | { how: 'stopped' };

export interface LineReportsOptions {
  readonly run: Run;
  /** Whom the program is run for (`--client`). */
  readonly own: Client | undefined;
  readonly setUnit: (metric: string, unit: string) => void;
}

interface OpenClient {
  readonly id: string;
  /** Whether the program said that it starts; otherwise it was only mentioned. */
  isDeclared: boolean;
  /** Undefined for the moment that a client run takes to begin. */
  client: Client | undefined;
  context: Context | undefined;
  readonly waiting: ((client: Client) => void)[];
  readonly abort: AbortController;
  readonly resolve: () => void;
  readonly reject: (error: Error) => void;
  over: Promise<void>;
}

export class LineReports {
  readonly #options: LineReportsOptions;
  readonly #open = new Map<string, OpenClient>();
  readonly #ended = new Set<string>();
  /** Where the program runs: client runs begin here, whoever calls. */
  readonly #place = context.active();

  constructor(options: LineReportsOptions) {
    this.#options = options;
  }

  /** Where a line belongs that names nobody: to the client that is open, if there is one alone. */
  get context(): Context {
    if (this.#open.size !== 1) return this.#place;
    const [only] = this.#open.values();
    return only?.context ?? this.#place;
  }

  /** What is not understood, or can not be, becomes a note on the run. */
  take(reading: Exclude<LineReading, { status: 'none' }>): void {
    if (reading.status === 'malformed') this.#note('malformed_line', reading.reason);
    else this.#do(reading.report);
  }

  /** Ends the clients that the program left open, and waits until all have ended. */
  async finish(leaving: Leaving): Promise<void> {
    const open = [...this.#open.values()];
    for (const client of open) this.#leave(client, leaving);
    await Promise.all(open.map(async ({ over }) => over));
  }

  #do(report: Report): void {
    const { run, own, setUnit } = this.#options;
    switch (report.verb) {
      case 'metric': {
        const { name, aggregation, value, unit } = report;
        if (unit !== '') setUnit(name, unit);
        this.#with(report.client, (target) => {
          if (aggregation === 'sum') target.count(name, value);
          else target[aggregation](name, value);
        });
        break;
      }
      case 'progress':
        this.#with(report.client, (target) => target.progress(report.done, report.total));
        break;
      case 'skip':
        this.#with(report.client, (target) => target.skip(report.reason));
        break;
      case 'note':
        this.#with(report.client, (target) =>
          target.note('reported', report.text.slice(0, 200), report.text),
        );
        break;
      case 'expect':
        run.expectClients(report.clients);
        break;
      case 'client start':
        this.#start(report.client, own?.clientId);
        break;
      case 'client end':
        this.#end(report, own?.clientId);
        break;
    }
  }

  #with(clientId: string | undefined, use: (target: Run | Client) => void): void {
    const { run, own } = this.#options;
    if (clientId === undefined || clientId === own?.clientId) {
      use(own ?? run);
      return;
    }
    if (!this.#open.has(clientId) && this.#ended.has(clientId)) {
      this.#note('late_line', `Client ${clientId} had ended when a line came for it`);
      return;
    }
    const open = this.#open.get(clientId) ?? this.#openClient(clientId, false);
    if (open.client === undefined) open.waiting.push(use);
    else use(open.client);
  }

  #start(clientId: string, ownId: string | undefined): void {
    if (clientId === ownId) return;
    const open = this.#open.get(clientId);
    if (open === undefined) this.#openClient(clientId, true);
    else if (open.isDeclared) this.#note('malformed_line', `Client ${clientId} was started twice`);
    else open.isDeclared = true;
  }

  #end(
    { client: clientId, status, reason }: Report & { verb: 'client end' },
    ownId: string | undefined,
  ): void {
    if (clientId === ownId) {
      this.#note('malformed_line', `Client ${clientId} ends with the program, since it is its --client`);
      return;
    }
    if (!this.#open.has(clientId) && this.#ended.has(clientId)) {
      this.#note('malformed_line', `Client ${clientId} was ended twice`);
      return;
    }
    const open = this.#open.get(clientId) ?? this.#openClient(clientId, true);
    this.#close(open);
    const settle = (client: Client): void => {
      switch (status) {
        case 'completed':
          break;
        case 'nothing_to_do':
          client.skip(reason === '' ? 'nothing to do' : reason);
          break;
        case 'failed':
          open.reject(new ProgramFailure('client_failed', reason === '' ? 'no reason was given' : reason));
          break;
        case 'cancelled':
          open.abort.abort(
            new ProgramFailure('cancelled', reason === '' ? 'cancelled by the program' : reason),
          );
          break;
        case 'timed_out':
          open.abort.abort(new ProgramFailure('TimeoutError', reason === '' ? 'timed out' : reason));
          break;
      }
      open.resolve();
    };
    if (open.client === undefined) open.waiting.push(settle);
    else settle(open.client);
  }

  #openClient(id: string, isDeclared: boolean): OpenClient {
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    // What rejects it is told to the client run, which may not be listening yet.
    promise.catch(() => undefined);
    const abort = new AbortController();
    const open: OpenClient = {
      id,
      isDeclared,
      client: undefined,
      context: undefined,
      waiting: [],
      abort,
      resolve,
      reject,
      over: Promise.resolve(),
    };
    const work = async (client: Client): Promise<void> => {
      open.client = client;
      open.context = context.active();
      for (const use of open.waiting) use(client);
      await promise;
    };
    open.over = context.with(this.#place, async () =>
      this.#options.run.client(id, work, { signal: abort.signal }).catch(() => undefined),
    );
    this.#open.set(id, open);
    this.#ended.delete(id);
    return open;
  }

  #leave(open: OpenClient, leaving: Leaving): void {
    this.#close(open);
    if (leaving.how === 'stopped' || (leaving.how === 'well' && !open.isDeclared)) open.resolve();
    else {
      const why = leaving.how === 'well' ? 'the program ended well' : leaving.why;
      open.reject(new ProgramFailure('not_ended', `Nothing was said of how ${open.id} ended: ${why}`));
    }
  }

  #close({ id }: OpenClient): void {
    this.#open.delete(id);
    this.#ended.add(id);
  }

  #note(code: string, text: string): void {
    this.#options.run.note(code, text.slice(0, 200), text);
  }
}
