/** Grafana's alert rules: each reads the view of one rule, and adds when to tell whom. */

import { clickHouseQuery, DATA_SOURCE, type ClickHouseQuery } from '../parts/clickhouse-query.ts';

export interface RuleText {
  /** As in alert_conditions; its section in docs/alerts.md bears the same name. */
  readonly rule: string;
  readonly title: string;
  readonly severity: 'critical' | 'warning';
  /** For so long it must hold before anybody is told. */
  readonly for: string;
  /** The dashboard that shows it, and the variables that lead there. */
  readonly board: string;
  readonly variables: readonly ('job' | 'run' | 'client')[];
  /** What to do, in a few sentences. */
  readonly runbook: string;
}

export const RULES: readonly RuleText[] = [
  {
    rule: 'job_failed',
    title: 'A job failed',
    severity: 'critical',
    for: '0s',
    board: 'run',
    variables: ['job', 'run'],
    runbook:
      'The latest run of the job failed as a whole or ran into its time limit. Open the run: its error and its logs say why. Mend that and run it again; the alert ends with the next run that does not fail.',
  },
  {
    rule: 'run_lost',
    title: 'A run is lost',
    severity: 'critical',
    for: '0s',
    board: 'run',
    variables: ['job', 'run'],
    runbook:
      'The run has given no sign of life for three heartbeats and has not said that it ended: its process was killed, ran out of memory, or its machine went away. Look at the machine and at the last log lines of the run, then run again the clients that did not complete.',
  },
  {
    rule: 'run_late',
    title: 'A run is late',
    severity: 'warning',
    for: '1m',
    board: 'job',
    variables: ['job'],
    runbook:
      'A run was due by the schedule of the job and has not begun. Look whether the scheduler is up, whether the run before still goes on, and whether the job was paused on purpose: then declare its schedule as none.',
  },
  {
    rule: 'run_missed',
    title: 'A run did not come',
    severity: 'critical',
    for: '0s',
    board: 'job',
    variables: ['job'],
    runbook:
      'At least one run never began before the next one was due. Nothing ran, and Rollcall was up all the time: it is not blind. Look at the scheduler and its logs, start the job by hand, and take the schedule away if the job is gone.',
  },
  {
    rule: 'run_slow',
    title: 'Runs take longer than usual',
    severity: 'warning',
    for: '2m',
    board: 'job',
    variables: ['job'],
    runbook:
      'Either a run goes on for longer than its limit or than runs of this job usually take, or the latest runs take longer and longer. See on the dashboard of the job since when its duration leaves the band, and compare the clients of a slow run with those of a quick one.',
  },
  {
    rule: 'client_failing',
    title: 'A client fails run after run',
    severity: 'warning',
    for: '0s',
    board: 'client',
    variables: ['client'],
    runbook:
      'The same client did not end well in several runs of a job in a row, while the others may be fine: revoked keys, changed data, a removed account. The dashboard of the client shows since when, and the error of the first run.',
  },
  {
    rule: 'client_failure_rate',
    title: 'Many clients failed in one run',
    severity: 'critical',
    for: '0s',
    board: 'run',
    variables: ['job', 'run'],
    runbook:
      'In the latest run more clients than the limit failed, were lost or never started: rarely the fault of the clients. Look at the failures of the run: one kind points to one cause, such as a service that was away. Then run the clients in trouble again.',
  },
  {
    rule: 'new_failure_group',
    title: 'A new kind of failure',
    severity: 'warning',
    for: '0s',
    board: 'failures',
    variables: ['job'],
    runbook:
      'An error was thrown whose kind has never been seen in this job. Look what has changed: a release, an API, the data of a client. The dashboard of failures shows which clients it hit. The alert ends a day after the kind was first seen.',
  },
  {
    rule: 'total_unusual',
    title: 'A total is far from what is usual',
    severity: 'warning',
    for: '0s',
    board: 'job',
    variables: ['job'],
    runbook:
      'The run said that it completed, and brought far less or far more than runs of this job usually do. Look at the totals on the dashboard of the job, and at which clients the change lies. A source that returns half its pages, or a filter that lets nothing through, looks like this.',
  },
  {
    rule: 'telemetry_incomplete',
    title: 'Telemetry of a run is incomplete',
    severity: 'warning',
    for: '5m',
    board: 'run',
    variables: ['job', 'run'],
    runbook:
      'Events or metrics of the latest run did not arrive, so its numbers may be too small. The run itself may be fine. Look at the network between the job and Rollcall, at refusals in the metrics of ingest, and whether the process was killed before it could send; what it spooled arrives with its next run or with rollcall flush.',
  },
  {
    rule: 'orphan_client_run',
    title: 'Client runs without their job run',
    severity: 'warning',
    for: '0s',
    board: 'health',
    variables: [],
    runbook:
      'Clients report a job run that Rollcall has not heard of. Usually a process was not handed the ID of its job run (TRACEPARENT, BAGGAGE or ROLLCALL_RUN_ID), or the job sends to another Rollcall. A client run that is meant to stand alone should say so.',
  },
  {
    rule: 'retry_storm',
    title: 'A client is tried again and again',
    severity: 'warning',
    for: '0s',
    board: 'run',
    variables: ['job', 'run'],
    runbook:
      'Within one run a client, or the run itself, was tried many times. Look at the errors of its attempts: rate limits need longer pauses, lasting errors should not be tried again. Retries may have burdened the other side.',
  },
  {
    rule: 'ingest_backlog',
    title: 'Rollcall is behind',
    severity: 'critical',
    for: '2m',
    board: 'health',
    variables: [],
    runbook:
      'Telemetry came in and is not worked up yet: verdicts and totals are out of date, nothing is lost. Look at the logs of ingest for failing rollups, at the load of ClickHouse and at its free disk.',
  },
  {
    rule: 'ingest_down',
    title: 'Rollcall is blind',
    severity: 'critical',
    for: '1m',
    board: 'health',
    variables: [],
    runbook:
      'No ingest has been up, or the database does not answer: nobody knows what ran. Other alerts keep their last state meanwhile. Start ingest again; jobs spool what they can not send, and runs that were due meanwhile count as in doubt, not as missed.',
  },
];

/** A rule as Grafana's provisioning files spell it. */
export interface ProvisionedRule {
  readonly uid: string;
  readonly title: string;
  readonly condition: string;
  readonly data: readonly {
    readonly refId: string;
    readonly relativeTimeRange: { readonly from: number; readonly to: number };
    readonly datasourceUid: string;
    readonly model: ClickHouseQuery | Threshold;
  }[];
  readonly noDataState: 'OK' | 'Alerting';
  readonly execErrState: 'Alerting' | 'KeepLast';
  readonly for: string;
  readonly annotations: Readonly<Record<string, string>>;
  readonly labels: Readonly<Record<string, string>>;
  readonly isPaused: boolean;
}

interface Threshold {
  readonly refId: string;
  readonly type: 'threshold';
  readonly datasource: { readonly type: '__expr__'; readonly uid: '__expr__' };
  readonly expression: string;
  readonly conditions: readonly {
    readonly evaluator: { readonly type: 'gt'; readonly params: readonly number[] };
  }[];
}

const GROUPS = [
  { name: 'runs', rules: ['job_failed', 'run_lost', 'run_late', 'run_missed', 'run_slow', 'retry_storm'] },
  { name: 'clients', rules: ['client_failing', 'client_failure_rate', 'new_failure_group', 'total_unusual'] },
  { name: 'rollcall', rules: ['telemetry_incomplete', 'orphan_client_run', 'ingest_backlog', 'ingest_down'] },
] as const;

export function provisionedRules(): { apiVersion: 1; groups: object[] } {
  return {
    apiVersion: 1,
    groups: GROUPS.map(({ name, rules }) => ({
      orgId: 1,
      name: `rollcall-${name}`,
      folder: 'Rollcall',
      interval: '1m',
      rules: RULES.filter(({ rule }) => (rules as readonly string[]).includes(rule)).map(provision),
    })),
  };
}

/**
 * What is no condition returns no row: that is well, and no data means OK. Only whether Rollcall is up is told by a row
 * that is always there; where it is missing, or the database does not answer, Rollcall is blind, and that alone alerts.
 */
function provision(text: RuleText): ProvisionedRule {
  const isWatchdog = text.rule === 'ingest_down';
  return {
    uid: `rollcall-${text.rule.replaceAll('_', '-')}`,
    title: text.title,
    condition: 'B',
    data: [
      {
        refId: 'A',
        relativeTimeRange: { from: 600, to: 0 },
        datasourceUid: DATA_SOURCE.uid ?? '',
        model: clickHouseQuery(isWatchdog ? WATCHDOG : conditionsOf(text.rule), 'table'),
      },
      {
        refId: 'B',
        relativeTimeRange: { from: 0, to: 0 },
        datasourceUid: '__expr__',
        model: {
          refId: 'B',
          type: 'threshold',
          datasource: { type: '__expr__', uid: '__expr__' },
          expression: 'A',
          conditions: [{ evaluator: { type: 'gt', params: [0] } }],
        },
      },
    ],
    noDataState: isWatchdog ? 'Alerting' : 'OK',
    execErrState: isWatchdog ? 'Alerting' : 'KeepLast',
    for: text.for,
    annotations: {
      summary: isWatchdog
        ? 'Rollcall is blind: no ingest is up, or the database does not answer, so nobody knows what ran'
        : '{{ $labels.summary }}',
      description: '{{ $labels.rule }}: {{ index $values "A" }}',
      runbook: text.runbook,
      runbook_url: `docs/alerts.md#${text.rule}`,
      dashboard: dashboardOf(text),
    },
    labels: { severity: text.severity, source: 'rollcall' },
    isPaused: false,
  };
}

/** The view has put the limits in: every row is a condition. All texts become labels; they stay while the condition lasts. */
export function conditionsOf(rule: string): string {
  return `SELECT rule, project_id, job_name, run_id, client_id, subject, summary, value FROM alert_${rule}`;
}

/** One row whenever the database answers: 1 where no ingest is up. */
const WATCHDOG = `SELECT 'ingest_down' AS rule, toFloat64(count()) AS value FROM alert_ingest_down`;

function dashboardOf({ board, variables }: RuleText): string {
  const label = { job: 'job_name', run: 'run_id', client: 'client_id' } as const;
  const pairs = variables.map((name) => `&var-${name}={{ $labels.${label[name]} | urlquery }}`);
  const project = board === 'health' ? '' : '?var-project={{ $labels.project_id | urlquery }}';
  return `/d/rollcall-${board}${project}${pairs.join('')}`;
}
