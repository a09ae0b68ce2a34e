/** Tracks the part of a job run done for one client. */
import type { Context, Span } from '@opentelemetry/api';
import { ATTR, clientRunId, EVENT, SPAN_KIND } from '@rollcall/semconv';
import { now } from '../clock.ts';
import { addToStamp, Stamp } from '../otel/stamp.ts';
import { Cancellation } from './cancellation.ts';
import type { Client, ClientOptions } from './handles.ts';
import type { JobRun } from './job-run.ts';
import { RunBaggage } from './run-baggage.ts';
import { RunContext } from './run-context.ts';
import { scopeOf, traced, type Scope } from './scope.ts';
import { TrackedRun, type TrackedRunParts } from './tracked-run.ts';

const KIND = { [ATTR.SPAN_KIND]: SPAN_KIND.CLIENT_RUN };

export class ClientRun extends TrackedRun implements Client {
  readonly clientId: string;
  protected readonly endedEvent: typeof EVENT.CLIENT_RUN_ENDED | undefined;

  readonly scope: Scope;
  readonly span: Span;
  readonly context: Context;

  private constructor(
    run: JobRun,
    clientId: string,
    parent: Context,
    parts: TrackedRunParts,
    isJoined = false,
  ) {
    super(parts);
    this.endedEvent = isJoined ? undefined : EVENT.CLIENT_RUN_ENDED;
    const { core, stamp, startTime } = parts;
    this.clientId = clientId;
    this.scope = { run, client: this, stamp, outer: scopeOf(parent) ?? run.scope };
    const place = new RunContext(parent, this.scope, new RunBaggage(parent, stamp.attributes));
    const name = isJoined ? `${run.jobName} client joined` : run.clientSpanName;
    this.span = core.tracer.startSpan(name, { startTime }, traced(place));
    if (!isJoined) addToStamp(this.span, KIND);
    place.activate(this.span);
    this.context = place;
  }

  /** Begins a client run below the given context of its job run. */
  static start(
    run: JobRun,
    clientId: string,
    attempt: number,
    parent: Context,
    limits: ClientOptions,
  ): ClientRun {
    const subject = `Client ${clientId}`;
    const client = new ClientRun(run, clientId, parent, {
      core: run.core,
      stamp: new Stamp({
        ...run.scope.stamp.attributes,
        [ATTR.CLIENT_ID]: clientId,
        [ATTR.ATTEMPT]: attempt,
      }),
      startTime: now(),
      attempt,
      cancellation: new Cancellation({ parent: run.signal, subject, ...limits }),
    });
    client.emit({ name: EVENT.CLIENT_RUN_STARTED, at: client.startTime });
    return client;
  }

  /**
   * Takes part in a client run that began elsewhere, and tells neither its start nor its end.
   * It gives no sign of life either: whose client run it is would be unclear, and it would look lost once this part is over.
   */
  static join(
    run: JobRun,
    clientId: string,
    attempt: number,
    parent: Context,
    limits: ClientOptions,
  ): ClientRun {
    const subject = `Client ${clientId}`;
    const parts = {
      core: run.core,
      stamp: new Stamp({
        ...run.scope.stamp.attributes,
        [ATTR.CLIENT_ID]: clientId,
        [ATTR.ATTEMPT]: attempt,
      }),
      startTime: now(),
      attempt,
      cancellation: new Cancellation({ parent: run.signal, subject, ...limits }),
    };
    return new ClientRun(run, clientId, parent, parts, true);
  }

  get clientRunId(): string {
    return clientRunId(this.scope.run.runId, this.clientId);
  }

  /** Gives a sign of life if there is progress to tell; otherwise the job run's speaks for its clients. */
  tend(): void {
    if (!this.progressChanged || this.endedEvent === undefined) return;
    this.emit({ name: EVENT.CLIENT_RUN_HEARTBEAT, attributes: this.beatAttributes() });
  }
}
