/** Names the attributes that Rollcall puts on spans, log records, metric points and resources. */

/**
 * Attribute keys. Values are strings unless a comment says otherwise.
 * Where OpenTelemetry has a name (`service.name`, `exception.type`, …) that name is used; the rest starts with `rollcall.`.
 */
export const ATTR = {
  /** Job run ID, `YYMMDD-HHMMSS`, UTC. On every span, log record and metric point of a run. */
  RUN_ID: 'rollcall.run.id',
  /**
   * 32 hex digits that tell apart two runs that ended up with one run ID: usually the job run's trace ID,
   * something random where the run shares its trace with others.
   */
  RUN_ORIGIN: 'rollcall.run.origin',
  /** Name of the job: `batch_scoring`. */
  JOB_NAME: 'rollcall.job.name',
  /** The client whose data is handled. Absent on telemetry of the job run itself. */
  CLIENT_ID: 'rollcall.client.id',
  /** Name of the step. */
  STEP_NAME: 'rollcall.step.name',
  /** int: the n-th try of the client run (where `rollcall.client.id` is present) or of the job run; the first is 1. */
  ATTEMPT: 'rollcall.attempt',
  /** What a span stands for; one of {@link SPAN_KIND}. */
  SPAN_KIND: 'rollcall.span.kind',
  /** Declared status at the end of a run: a value of `DECLARED_STATUSES`. */
  STATUS: 'rollcall.status',
  /** Why a run was skipped, cancelled or timed out, in words. */
  STATUS_REASON: 'rollcall.status.reason',
  /** int: number of the event within its run and producer, from 1 without gaps. */
  EVENT_SEQUENCE: 'rollcall.event.sequence',
  /** int, on the span of a job run: how many events this producer emitted for the run, its end included. */
  EVENT_COUNT: 'rollcall.event.count',
  /** int, milliseconds: how often the producer promises a sign of life. */
  HEARTBEAT_INTERVAL_MS: 'rollcall.heartbeat.interval_ms',
  /** double, milliseconds: the longest event-loop delay since the last heartbeat. */
  EVENT_LOOP_DELAY_MS: 'rollcall.event_loop.delay_ms',
  /** int, bytes, on a sign of life: memory of the whole process (its resident set). */
  PROCESS_MEMORY: 'process.memory.usage',
  /** double, on a sign of life: share of all CPUs that the process used since the one before; 1 is all of them. */
  PROCESS_CPU: 'process.cpu.utilization',
  /** int, bytes, on a sign of life: JavaScript heap of the main thread. */
  HEAP_USED: 'v8js.memory.heap.used',
  /** int, bytes: how large that heap may become before the process dies of it. */
  HEAP_LIMIT: 'v8js.memory.heap.limit',
  /** int: units of work done so far. */
  PROGRESS_DONE: 'rollcall.progress.done',
  /** int: units of work in all. */
  PROGRESS_TOTAL: 'rollcall.progress.total',
  /** string[]: client IDs on a roster event; long rosters are spread over several events. */
  CLIENTS_EXPECTED: 'rollcall.clients.expected',
  /** int, on the end of a run: how many metric series it has; each sends one final point. */
  METRIC_SERIES: 'rollcall.metric.series',
  /** On a metric point: `sum`, `min`, `max` or `last`. */
  METRIC_AGGREGATION: 'rollcall.metric.aggregation',
  /** bool, on a metric point: the series has ended and this is its last value. */
  METRIC_FINAL: 'rollcall.metric.final',
  /** Stable code of a data-quality note: `metric_refused`. */
  NOTE_CODE: 'rollcall.note.code',
  /** What the note is about: a metric's name. */
  NOTE_SUBJECT: 'rollcall.note.subject',
  /** The note in words. */
  NOTE_TEXT: 'rollcall.note.text',
  /** int: how often it happened so far in this producer (a running total). */
  NOTE_COUNT: 'rollcall.note.count',
  /** Another name of a run or of one of its clients: a legacy ID, or the ID that a foreign system gave it. */
  ALIAS: 'rollcall.alias',
  /** `legacy` or `external`. */
  ALIAS_KIND: 'rollcall.alias.kind',
  /** bool: this client run has no job run, and is meant to have none. */
  STANDALONE: 'rollcall.client_run.standalone',
  /** bool: the record was made from what was known, because the one it should have followed was not there. */
  RECOVERED: 'rollcall.recovered',
  /** On the start of a run, or on `rollcall.job.scheduled`: what kind of schedule the job has; one of {@link SCHEDULE_KIND}. Where it is absent, the others tell. */
  SCHEDULE_KIND: 'rollcall.schedule.kind',
  /** A cron expression of five or six fields: `0 2 * * *`. */
  SCHEDULE_CRON: 'rollcall.schedule.cron',
  /** IANA time zone that the cron expression is read in: `Europe/Berlin`. UTC where it is absent. */
  SCHEDULE_TIME_ZONE: 'rollcall.schedule.time_zone',
  /** int, milliseconds: from one start to the next. */
  SCHEDULE_EVERY_MS: 'rollcall.schedule.every_ms',
  /** int, milliseconds: a run that has not started so long after it was due is late. */
  SCHEDULE_LATE_AFTER_MS: 'rollcall.schedule.late_after_ms',
  /** int, milliseconds: a run that takes longer is running too long. */
  SCHEDULE_MAX_RUNTIME_MS: 'rollcall.schedule.max_runtime_ms',
  /** Name of the signal that ended a program: `SIGKILL`. */
  PROGRAM_SIGNAL: 'rollcall.program.signal',
  /** int, bytes: the most memory that was seen in use by a program and what it started. */
  PROGRAM_MEMORY_PEAK: 'rollcall.program.memory.peak',
  /** double, seconds: processor time of a program and of what it waited for. */
  PROGRAM_CPU_TIME: 'rollcall.program.cpu.time',
  /** string[]: the last lines that a program printed. */
  PROGRAM_LAST_LINES: 'rollcall.program.last_lines',
  /** What started the run: `schedule`, `manual` or `queue`. */
  TRIGGER: 'rollcall.trigger',
  /** int, milliseconds: how long after it was due the run began. */
  QUEUE_DELAY_MS: 'rollcall.queue.delay_ms',
  EXCEPTION_TYPE: 'exception.type',
  EXCEPTION_MESSAGE: 'exception.message',
  EXCEPTION_STACKTRACE: 'exception.stacktrace',
  SERVICE_NAME: 'service.name',
  /** Resource attribute that names the producer: one process's SDK. */
  SERVICE_INSTANCE_ID: 'service.instance.id',
} as const;

/** Values of `rollcall.span.kind`. */
export const SPAN_KIND = { JOB_RUN: 'job_run', CLIENT_RUN: 'client_run', STEP: 'step' } as const;

/** Values of `rollcall.schedule.kind`. `none`: the job has no schedule (any more), and none is to be learnt. */
export const SCHEDULE_KIND = { CRON: 'cron', INTERVAL: 'interval', NONE: 'none' } as const;
