/** What the REST API takes and gives. Written by `npm run api-types`; do not edit. */

export interface Api {
  JobRun: JobRun;
  Problem: Problem;
  NewRun: NewRun;
  RunPage: RunPage;
  JobRunSummary: JobRunSummary;
  RunNews: RunNews;
  Completion: Completion;
  Metrics: Metrics;
  Increments: Increments;
  Alias: Alias;
  ClientRunPage: ClientRunPage;
  ClientRun: ClientRun;
  NewClientRun: NewClientRun;
  ClientRunNews: ClientRunNews;
  ExpectedRun: ExpectedRun;
  NewSchedule: NewSchedule;
  AlertCondition: AlertCondition;
  AlertSetting: AlertSetting;
  NewAlertSetting: NewAlertSetting;
  Now: Now;
  Usual: Usual;
  Schedule: Schedule;
  JobPage: JobPage;
  JobSummary: JobSummary;
  JobHistory: JobHistory;
  JobTrends: JobTrends;
  JobClients: JobClients;
  RollCall: RollCall;
  Answer: Answer;
  Steps: Steps;
  Step: Step;
  MetricSpreads: MetricSpreads;
  MetricSpread: MetricSpread;
  RunFailures: RunFailures;
  RunFailure: RunFailure;
  Attempts: Attempts;
  Attempt: Attempt;
  Logs: Logs;
  LogLine: LogLine;
  FailureGroups: FailureGroups;
  FailureGroup: FailureGroup;
  FailureGroupDetail: FailureGroupDetail;
  ClientHistory: ClientHistory;
  ClientHistoryRun: ClientHistoryRun;
  Hits: Hits;
  Hit: Hit;
}
export interface JobRun {
  project: string;
  job: string;
  runId: string;
  attempt: number;
  verdict:
    | 'pending'
    | 'running'
    | 'completed'
    | 'completed_with_errors'
    | 'nothing_to_do'
    | 'failed'
    | 'cancelled'
    | 'timed_out'
    | 'lost'
    | 'never_started';
  declaredStatus: string | null;
  reason: string | null;
  startedAt: string | null;
  endedAt: string | null;
  durationMs: number | null;
  lastSeenAt: string | null;
  progress: {
    done: number;
    total: number | null;
  } | null;
  telemetry: 'complete' | 'incomplete';
  error: {
    type: string;
    message: string;
  } | null;
  recovered: boolean;
  origin: string;
  traceId: string;
  clients: {
    [k: string]: number;
  };
  notes: string[];
  conflicts: number;
  metrics: {
    metric: string;
    aggregation: 'sum' | 'min' | 'max' | 'last';
    unit: string;
    value: number;
    clients: number;
  }[];
  aliases: {
    alias: string;
    clientId: string | null;
    kind: string;
  }[];
}
export interface Problem {
  type: string;
  title: string;
  status: number;
  code: string;
  detail: string;
}
export interface NewRun {
  status?: 'running' | 'completed' | 'nothing_to_do' | 'failed' | 'cancelled' | 'timed_out';
  reason?: string;
  error?: {
    type: string;
    message: string;
    stacktrace?: string;
  };
  attempt?: number;
  recovered?: boolean;
  job: string;
  runId?: string;
  origin?: string;
  startedAt?: string;
  endedAt?: string;
  heartbeatIntervalMs?: number;
  /**
   * @maxItems 100000
   */
  expectedClients?: string[];
  ifTaken?: 'refuse' | 'next';
  overlap?: 'allow' | 'refuse';
  /**
   * @maxItems 100
   */
  aliases?: {
    alias: string;
    kind?: 'legacy' | 'external';
  }[];
}
export interface RunPage {
  runs: JobRunSummary[];
  nextCursor: string | null;
}
export interface JobRunSummary {
  project: string;
  job: string;
  runId: string;
  attempt: number;
  verdict:
    | 'pending'
    | 'running'
    | 'completed'
    | 'completed_with_errors'
    | 'nothing_to_do'
    | 'failed'
    | 'cancelled'
    | 'timed_out'
    | 'lost'
    | 'never_started';
  declaredStatus: string | null;
  reason: string | null;
  startedAt: string | null;
  endedAt: string | null;
  durationMs: number | null;
  lastSeenAt: string | null;
  progress: {
    done: number;
    total: number | null;
  } | null;
  telemetry: 'complete' | 'incomplete';
  error: {
    type: string;
    message: string;
  } | null;
  recovered: boolean;
  origin: string;
  traceId: string;
  clients: {
    [k: string]: number;
  };
  notes: string[];
  conflicts: number;
}
export interface RunNews {
  status?: 'running' | 'completed' | 'nothing_to_do' | 'failed' | 'cancelled' | 'timed_out';
  reason?: string;
  error?: {
    type: string;
    message: string;
    stacktrace?: string;
  };
  attempt?: number;
  recovered?: boolean;
  progress?: {
    done: number;
    total?: number;
  };
  /**
   * @maxItems 100000
   */
  expectedClients?: string[];
  heartbeat?: true;
  upsert?: {
    job: string;
  };
}
export interface Completion {
  status: 'completed' | 'nothing_to_do' | 'failed' | 'cancelled' | 'timed_out';
  reason?: string;
  error?: {
    type: string;
    message: string;
    stacktrace?: string;
  };
  attempt?: number;
  endedAt?: string;
  metrics?: {
    [k: string]:
      | number
      | string
      | {
          value: number | string;
          aggregation?: 'sum' | 'min' | 'max' | 'last';
          unit?: string;
        };
  };
}
export interface Metrics {
  metrics: {
    [k: string]:
      | number
      | string
      | {
          value: number | string;
          aggregation?: 'sum' | 'min' | 'max' | 'last';
          unit?: string;
        };
  };
}
export interface Increments {
  metrics: {
    [k: string]: number | string;
  };
}
export interface Alias {
  alias: string;
  kind?: 'legacy' | 'external';
  clientId?: string;
}
export interface ClientRunPage {
  clients: ClientRun[];
  nextCursor: string | null;
}
export interface ClientRun {
  project: string;
  job: string;
  runId: string;
  attempt: number;
  verdict:
    | 'pending'
    | 'running'
    | 'completed'
    | 'completed_with_errors'
    | 'nothing_to_do'
    | 'failed'
    | 'cancelled'
    | 'timed_out'
    | 'lost'
    | 'never_started';
  declaredStatus: string | null;
  reason: string | null;
  startedAt: string | null;
  endedAt: string | null;
  durationMs: number | null;
  lastSeenAt: string | null;
  progress: {
    done: number;
    total: number | null;
  } | null;
  telemetry: 'complete' | 'incomplete';
  error: {
    type: string;
    message: string;
  } | null;
  recovered: boolean;
  clientId: string;
  clientRunId: string;
  expected: boolean;
  relation: 'child' | 'orphan' | 'standalone';
  metrics: {
    metric: string;
    aggregation: 'sum' | 'min' | 'max' | 'last';
    unit: string;
    value: number;
  }[];
}
export interface NewClientRun {
  status?: 'running' | 'completed' | 'nothing_to_do' | 'failed' | 'cancelled' | 'timed_out';
  reason?: string;
  error?: {
    type: string;
    message: string;
    stacktrace?: string;
  };
  attempt?: number;
  recovered?: boolean;
  startedAt?: string;
  endedAt?: string;
  standalone?: boolean;
  job?: string;
}
export interface ClientRunNews {
  status?: 'running' | 'completed' | 'nothing_to_do' | 'failed' | 'cancelled' | 'timed_out';
  reason?: string;
  error?: {
    type: string;
    message: string;
    stacktrace?: string;
  };
  attempt?: number;
  recovered?: boolean;
  progress?: {
    done: number;
    total?: number;
  };
  heartbeat?: true;
  upsert?: boolean;
}
export interface ExpectedRun {
  project: string;
  job: string;
  schedule: 'declared' | 'learnt' | 'none';
  expression: string | null;
  problem: string | null;
  state: 'on_time' | 'due' | 'late' | 'missed' | 'unknown' | 'invalid' | 'none';
  lastRunId: string | null;
  lastStartedAt: string | null;
  lastVerdict:
    | 'pending'
    | 'running'
    | 'completed'
    | 'completed_with_errors'
    | 'nothing_to_do'
    | 'failed'
    | 'cancelled'
    | 'timed_out'
    | 'lost'
    | 'never_started'
    | null;
  nextDueAt: string | null;
  lateSince: string | null;
  missed: number;
  missedSince: string | null;
  unknown: number;
  runningTooLong: boolean;
  runningSince: string | null;
  lateAfterMs: number | null;
  maxRuntimeMs: number | null;
}
export interface NewSchedule {
  /**
   * A cron expression and its time zone (UTC unless given), the time from one start to the next, or null: the job has no schedule any more
   */
  schedule:
    | {
        cron: string;
        timeZone?: string;
      }
    | {
        everyMs: number;
      }
    | null;
  /**
   * How long after it was due a start may come
   */
  lateAfterMs?: number;
  /**
   * A run that takes longer is shown as running too long
   */
  maxRuntimeMs?: number;
}
export interface AlertCondition {
  project: string;
  rule:
    | 'job_failed'
    | 'run_lost'
    | 'run_late'
    | 'run_missed'
    | 'run_slow'
    | 'client_failing'
    | 'client_failure_rate'
    | 'new_failure_group'
    | 'total_unusual'
    | 'telemetry_incomplete'
    | 'orphan_client_run'
    | 'retry_storm'
    | 'ingest_backlog'
    | 'ingest_down';
  severity: 'critical' | 'warning';
  job: string;
  runId: string;
  clientId: string;
  subject: string;
  since: string | null;
  value: number;
  threshold: number;
  summary: string;
}
export interface AlertSetting {
  rule:
    | 'job_failed'
    | 'run_lost'
    | 'run_late'
    | 'run_missed'
    | 'run_slow'
    | 'client_failing'
    | 'client_failure_rate'
    | 'new_failure_group'
    | 'total_unusual'
    | 'telemetry_incomplete'
    | 'orphan_client_run'
    | 'retry_storm'
    | 'ingest_backlog'
    | 'ingest_down';
  job: string | null;
  value: number | null;
  enabled: boolean;
}
export interface NewAlertSetting {
  /**
   * For this job; left out, for all jobs of the project
   */
  job?: string;
  /**
   * From here on the rule speaks up, in its own unit; null: its default
   */
  value?: number | null;
  /**
   * false: the rule keeps silent
   */
  enabled?: boolean;
}
export interface Now {
  at: string;
  running: JobRunSummary[];
  latest: JobRunSummary[];
  usual: {
    [k: string]: Usual;
  };
  overdue: Schedule[];
}
export interface Usual {
  lowMs: number;
  medianMs: number;
  highMs: number;
  runs: number;
}
export interface Schedule {
  job: string;
  nextDue: string | null;
  lateSince: string | null;
  missed: number;
  isTooLong: boolean;
}
export interface JobPage {
  jobs: JobSummary[];
  total: number;
  nextCursor: string | null;
}
export interface JobSummary {
  job: string;
  runs: number;
  recent: {
    runId: string;
    origin: string;
    verdict:
      | 'pending'
      | 'running'
      | 'completed'
      | 'completed_with_errors'
      | 'nothing_to_do'
      | 'failed'
      | 'cancelled'
      | 'timed_out'
      | 'lost'
      | 'never_started';
    /**
     * Milliseconds since 1970, or of duration
     */
    startedMs: number | null;
    /**
     * Milliseconds since 1970, or of duration
     */
    durationMs: number | null;
  }[];
  usual: Usual &
    ({
      [k: string]: unknown;
    } | null);
  schedule: Schedule &
    ({
      [k: string]: unknown;
    } | null);
}
export interface JobHistory {
  job: string;
  runs: JobRunSummary[];
  usual: Usual &
    ({
      [k: string]: unknown;
    } | null);
  schedule: Schedule &
    ({
      [k: string]: unknown;
    } | null);
}
export interface JobTrends {
  runIds: string[];
  metrics: {
    metric: string;
    aggregation: string;
    unit: string;
    values: (number | null)[];
  }[];
}
export interface JobClients {
  runs: {
    runId: string;
    origin: string;
  }[];
  clients: {
    clientId: string;
    verdicts: (
      | 'pending'
      | 'running'
      | 'completed'
      | 'completed_with_errors'
      | 'nothing_to_do'
      | 'failed'
      | 'cancelled'
      | 'timed_out'
      | 'lost'
      | 'never_started'
      | null
    )[];
  }[];
  total: number;
}
export interface RollCall {
  clients: Answer[];
  nextCursor: string | null;
}
export interface Answer {
  clientId: string;
  verdict:
    | 'pending'
    | 'running'
    | 'completed'
    | 'completed_with_errors'
    | 'nothing_to_do'
    | 'failed'
    | 'cancelled'
    | 'timed_out'
    | 'lost'
    | 'never_started';
  /**
   * Milliseconds since 1970, or of duration
   */
  startedMs?: number;
  /**
   * Milliseconds since 1970, or of duration
   */
  durationMs?: number;
  /**
   * Milliseconds since 1970, or of duration
   */
  lastSeenMs?: number;
  attempt?: number;
  progress?: number;
  reason?: string;
  errorType?: string;
  errorMessage?: string;
  isUnexpected?: boolean;
  isIncomplete?: boolean;
}
export interface Steps {
  steps: Step[];
  isCut: boolean;
}
export interface Step {
  name: string;
  clientId: string;
  /**
   * Milliseconds since 1970, or of duration
   */
  startedMs: number;
  /**
   * Milliseconds since 1970, or of duration
   */
  durationMs: number;
  isError: boolean;
  spanId: string;
}
export interface MetricSpreads {
  metrics: MetricSpread[];
}
export interface MetricSpread {
  metric: string;
  aggregation: string;
  unit: string;
  value: number;
  clients: number;
  /**
   * Milliseconds since 1970, or of duration
   */
  updatedMs: number | null;
  spread: {
    min: number;
    lower: number;
    median: number;
    upper: number;
    max: number;
    histogram: number[];
    highest: {
      clientId: string;
      value: number;
    }[];
    lowest: {
      clientId: string;
      value: number;
    }[];
  } | null;
}
export interface RunFailures {
  failures: RunFailure[];
}
export interface RunFailure {
  fingerprint: string;
  errorType: string;
  message: string;
  stacktrace: string;
  steps: string[];
  occurrences: number;
  /**
   * Milliseconds since 1970, or of duration
   */
  firstMs: number;
  /**
   * Milliseconds since 1970, or of duration
   */
  lastMs: number;
  clients: string[];
  clientCount: number;
  traceId: string;
  spanId: string;
}
export interface Attempts {
  attempts: Attempt[];
}
export interface Attempt {
  clientId: string;
  attempt: number;
  /**
   * Milliseconds since 1970, or of duration
   */
  startedMs: number | null;
  /**
   * Milliseconds since 1970, or of duration
   */
  endedMs: number | null;
  declaredStatus: string;
  errorType: string;
  errorMessage: string;
}
export interface Logs {
  lines: LogLine[];
  nextCursor: string | null;
}
export interface LogLine {
  /**
   * Milliseconds since 1970, or of duration
   */
  timeMs: number;
  severity: string;
  text: string;
  clientId: string;
  step: string;
  event: string;
  traceId: string;
  spanId: string;
  attributes: {
    [k: string]: string;
  };
}
export interface FailureGroups {
  groups: FailureGroup[];
  nextCursor: string | null;
}
export interface FailureGroup {
  job: string;
  fingerprint: string;
  errorType: string;
  message: string;
  /**
   * Milliseconds since 1970, or of duration
   */
  firstMs: number;
  /**
   * Milliseconds since 1970, or of duration
   */
  lastMs: number;
  occurrences: number;
  runs: number;
  clients: number;
  lastRunId: string;
  perDay: number[];
}
export interface FailureGroupDetail {
  group: FailureGroup;
  stacktrace: string;
  steps: string[];
  occurrences: {
    runId: string;
    clientId: string;
    step: string;
    message: string;
    /**
     * Milliseconds since 1970, or of duration
     */
    timeMs: number;
    traceId: string;
  }[];
}
export interface ClientHistory {
  clientId: string;
  runs: ClientHistoryRun[];
  isCut: boolean;
}
export interface ClientHistoryRun {
  job: string;
  runId: string;
  origin: string;
  verdict:
    | 'pending'
    | 'running'
    | 'completed'
    | 'completed_with_errors'
    | 'nothing_to_do'
    | 'failed'
    | 'cancelled'
    | 'timed_out'
    | 'lost'
    | 'never_started';
  attempt: number;
  /**
   * Milliseconds since 1970, or of duration
   */
  startedMs: number | null;
  /**
   * Milliseconds since 1970, or of duration
   */
  durationMs: number | null;
  reason: string;
  errorType: string;
  errorMessage: string;
  metrics: {
    metric: string;
    aggregation: string;
    unit: string;
    value: number;
  }[];
}
export interface Hits {
  hits: Hit[];
}
export interface Hit {
  kind: 'run' | 'alias' | 'trace' | 'job' | 'client' | 'failure';
  title: string;
  detail: string;
  runId: string | null;
  clientId: string | null;
  job: string | null;
  fingerprint: string | null;
}
