/** Names the lifecycle events: OTLP log records whose event name starts with `rollcall.`. */

/** OpenTelemetry exports a span only when it ends; these events say that a run lives before that. */
export const EVENT = {
  /** A job run began. Its time is the run's start. */
  RUN_STARTED: 'rollcall.run.started',
  /** A producer with an open run still lives; carries progress and event-loop delay. */
  RUN_HEARTBEAT: 'rollcall.run.heartbeat',
  /** A job run ended, with its declared status. Its time is the run's end. */
  RUN_ENDED: 'rollcall.run.ended',
  /** The clients that a job run is expected to handle (`rollcall.clients.expected`). */
  RUN_ROSTER: 'rollcall.run.roster',
  /** Another name of the run (`rollcall.alias`), or of the client named by `rollcall.client.id`. */
  RUN_ALIAS: 'rollcall.run.alias',
  CLIENT_RUN_STARTED: 'rollcall.client_run.started',
  CLIENT_RUN_HEARTBEAT: 'rollcall.client_run.heartbeat',
  CLIENT_RUN_ENDED: 'rollcall.client_run.ended',
  /** An error, reported once, where it was thrown: with `exception.*` and the step. */
  FAILURE: 'rollcall.failure',
  /** The schedule of a job, told outside any run (`rollcall.schedule.*`). */
  JOB_SCHEDULED: 'rollcall.job.scheduled',
  /** A program that ran under a run has ended (`process.exit.code`, `rollcall.program.*`). */
  PROGRAM_ENDED: 'rollcall.program.ended',
  /** A remark on the quality of a run's data (`rollcall.note.*`). */
  NOTE: 'rollcall.note',
} as const;

/** The event name of a lifecycle event. */
export type EventName = (typeof EVENT)[keyof typeof EVENT];
