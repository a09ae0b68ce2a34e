/** Reads the SDK's settings, once, from the options and the environment. */
import { tmpdir } from 'node:os';
import { basename, extname, join } from 'node:path';
import { parseKeyPairsIntoRecord } from '@opentelemetry/core';
import { DEFAULT_HEARTBEAT_INTERVAL_MS, type MetricDefinition } from '@rollcall/semconv';
import type { Compression } from './delivery/transport.ts';
import { runInEnvironment, type HandedRun } from './run/handed-run.ts';

/** How to start the SDK. What is not given comes from the environment; what is not there has a default. */
export interface RollcallOptions {
  /** Base URL of ingest. `OTEL_EXPORTER_OTLP_ENDPOINT`, else `http://127.0.0.1:4318`. */
  endpoint?: string;
  /** Sent as `Authorization: Bearer <key>`. `ROLLCALL_API_KEY`. */
  apiKey?: string;
  /** More request headers. `OTEL_EXPORTER_OTLP_HEADERS`. */
  headers?: Record<string, string>;
  /** `http/protobuf` (the default) or `http/json`. `OTEL_EXPORTER_OTLP_PROTOCOL`. */
  protocol?: OtlpProtocol;
  /** `gzip` or `none`. `OTEL_EXPORTER_OTLP_COMPRESSION`, else gzip, and none towards this very machine. */
  compression?: Compression;
  /** How long one request may take. `OTEL_EXPORTER_OTLP_TIMEOUT`, else 10 s. */
  requestTimeoutMs?: number;
  /** Name of the program. `OTEL_SERVICE_NAME`, else the name of its script. */
  serviceName?: string;
  /** How often an open run gives a sign of life. `ROLLCALL_HEARTBEAT_INTERVAL_MS`, else 5 s. */
  heartbeatIntervalMs?: number;
  /** Runs the jobs and sends nothing. `ROLLCALL_DISABLED` or `OTEL_SDK_DISABLED`. */
  disabled?: boolean;
  /**
   * Whether Rollcall may register itself with OpenTelemetry, at once, where nothing is registered yet. Default true.
   * If not, it registers only what a run cannot do without, context manager and propagators, at the first job.
   */
  registerGlobals?: boolean;
  /** Declared metrics. Names are then normalised, values checked against their range, and units told. */
  metrics?: MetricDefinition;
  /**
   * How long a job run may wait for ingest to claim its run ID. `ROLLCALL_CLAIM_TIMEOUT_MS`, else 1 s.
   * 0 asks nobody: IDs are made here, and two programs that start in one second may make the same one.
   */
  claimTimeoutMs?: number;
  /** Folder for what ingest could not take. `ROLLCALL_SPOOL_DIR`, else in the user's state folder. */
  spoolDir?: string;
  /**
   * How many spans, and as many events, are held in memory while ingest is away; what is more goes to the spool.
   * `ROLLCALL_SDK_MAX_HELD_RECORDS`, else 200,000.
   */
  maxHeldRecords?: number;
  /** How much telemetry may wait there. `ROLLCALL_SDK_SPOOL_MAX_BYTES`, else 64 MiB. 0 keeps none. */
  spoolMaxBytes?: number;
  /**
   * Whether SIGTERM, SIGINT and SIGHUP close the open runs before the process dies of them. Default true.
   * `ROLLCALL_SIGNALS=false` turns it off.
   */
  handleSignals?: boolean;
  /**
   * Whether signs of life come from a thread of their own, so that a busy main thread does not look dead. Default true.
   * `ROLLCALL_HEARTBEAT_THREAD=false` turns it off.
   */
  heartbeatThread?: boolean;
  /**
   * Whose lines also become logs of the run that they are written in: `console`, `pino`. `ROLLCALL_CAPTURE_LOGS`,
   * separated by commas. Default none.
   */
  captureLogs?: readonly LogSource[];
  /**
   * Who exports the metrics of runs: Rollcall itself (the default), or a MetricReader of the application
   * that was given `rollcall.metricProducer`.
   */
  metricExport?: 'rollcall' | 'reader';
}

/** Whether the process was started under a run: asked before anything of the SDK is started. */
export function hasInheritedRun(env: NodeJS.ProcessEnv = process.env): boolean {
  return given(env['ROLLCALL_RUN_ID']) !== undefined;
}

/** A logger whose lines can be captured without its help. */
export type LogSource = 'console' | 'pino';

export type OtlpProtocol = 'http/protobuf' | 'http/json';

/** The settings in force. */
export type Config = Readonly<{
  endpoint: URL | undefined;
  headers: Readonly<Record<string, string>>;
  protocol: OtlpProtocol;
  requestTimeoutMs: number;
  compression: Compression | undefined;
  serviceName: string | undefined;
  scriptName: string | undefined;
  heartbeatIntervalMs: number;
  disabled: boolean;
  registerGlobals: boolean;
  metrics: MetricDefinition | undefined;
  claimTimeoutMs: number;
  spoolDir: string;
  maxHeldRecords: number;
  spoolMaxBytes: number;
  handleSignals: boolean;
  heartbeatThread: boolean;
  captureLogs: readonly LogSource[];
  /** What the heartbeat thread sees of the environment: not NODE_OPTIONS, whose preloads are the application's. */
  threadEnv: Readonly<Record<string, string>>;
  /** The run that the process was started under. */
  inherited: HandedRun | undefined;
  metricExport: 'rollcall' | 'reader';
  diagLevel: string | undefined;
  /** What could not be used, in words, for the diagnostic log. */
  problems: readonly string[];
}>;

const DEFAULT_ENDPOINT = 'http://127.0.0.1:4318';
const DEFAULT_REQUEST_TIMEOUT_MS = 10_000;
const DEFAULT_CLAIM_TIMEOUT_MS = 1_000;
const MIN_HEARTBEAT_INTERVAL_MS = 10;
const DEFAULT_MAX_HELD_RECORDS = 200_000;
const DEFAULT_SPOOL_MAX_BYTES = 64 * 1024 * 1024;

/** Options win over the environment. A setting that cannot be used is named in `problems`. */
export function readConfig(options: RollcallOptions = {}, env: NodeJS.ProcessEnv = process.env): Config {
  const problems: string[] = [];
  const endpoint = options.endpoint ?? given(env['OTEL_EXPORTER_OTLP_ENDPOINT']) ?? DEFAULT_ENDPOINT;
  return Object.freeze({
    endpoint: readEndpoint(endpoint, problems),
    headers: Object.freeze(readHeaders(options, env)),
    protocol: options.protocol ?? readProtocol(env['OTEL_EXPORTER_OTLP_PROTOCOL'], problems),
    compression: options.compression ?? readCompression(env['OTEL_EXPORTER_OTLP_COMPRESSION'], problems),
    requestTimeoutMs: atLeast(
      1,
      options.requestTimeoutMs ?? env['OTEL_EXPORTER_OTLP_TIMEOUT'],
      DEFAULT_REQUEST_TIMEOUT_MS,
      problems,
    ),
    serviceName: given(options.serviceName) ?? given(env['OTEL_SERVICE_NAME']),
    scriptName: nameOfScript(process.argv[1]),
    heartbeatIntervalMs: atLeast(
      MIN_HEARTBEAT_INTERVAL_MS,
      options.heartbeatIntervalMs ?? env['ROLLCALL_HEARTBEAT_INTERVAL_MS'],
      DEFAULT_HEARTBEAT_INTERVAL_MS,
      problems,
    ),
    disabled: options.disabled ?? (isTrue(env['ROLLCALL_DISABLED']) || isTrue(env['OTEL_SDK_DISABLED'])),
    registerGlobals: options.registerGlobals ?? true,
    metrics: options.metrics,
    claimTimeoutMs: atLeast(
      0,
      options.claimTimeoutMs ?? env['ROLLCALL_CLAIM_TIMEOUT_MS'],
      DEFAULT_CLAIM_TIMEOUT_MS,
      problems,
    ),
    spoolDir: options.spoolDir ?? given(env['ROLLCALL_SPOOL_DIR']) ?? stateFolder(env),
    maxHeldRecords: atLeast(
      100,
      options.maxHeldRecords ?? env['ROLLCALL_SDK_MAX_HELD_RECORDS'],
      DEFAULT_MAX_HELD_RECORDS,
      problems,
      'records',
    ),
    spoolMaxBytes: atLeast(
      0,
      options.spoolMaxBytes ?? env['ROLLCALL_SDK_SPOOL_MAX_BYTES'],
      DEFAULT_SPOOL_MAX_BYTES,
      problems,
      'bytes',
    ),
    handleSignals: options.handleSignals ?? !isFalse(env['ROLLCALL_SIGNALS']),
    heartbeatThread: options.heartbeatThread ?? !isFalse(env['ROLLCALL_HEARTBEAT_THREAD']),
    captureLogs: options.captureLogs ?? readLogSources(env['ROLLCALL_CAPTURE_LOGS'], problems),
    threadEnv: Object.freeze(environmentOfThread(env)),
    inherited: runInEnvironment(env),
    metricExport: options.metricExport ?? 'rollcall',
    diagLevel: given(env['OTEL_LOG_LEVEL']),
    problems,
  });
}

function readEndpoint(text: string, problems: string[]): URL | undefined {
  const url = URL.parse(text);
  if (url?.protocol === 'http:' || url?.protocol === 'https:') return url;
  problems.push(
    `The OTLP endpoint is not a URL: '${text}'; use one such as ${DEFAULT_ENDPOINT}. Nothing is sent.`,
  );
  return undefined;
}

function readHeaders(options: RollcallOptions, env: NodeJS.ProcessEnv): Record<string, string> {
  const apiKey = given(options.apiKey) ?? given(env['ROLLCALL_API_KEY']);
  return {
    ...parseKeyPairsIntoRecord(env['OTEL_EXPORTER_OTLP_HEADERS']),
    ...(apiKey === undefined ? {} : { authorization: `Bearer ${apiKey}` }),
    ...options.headers,
  };
}

function readProtocol(text: string | undefined, problems: string[]): OtlpProtocol {
  if (text === 'http/json' || text === 'http/protobuf') return text;
  if (given(text) !== undefined) {
    problems.push(
      `OTEL_EXPORTER_OTLP_PROTOCOL is '${text}'; use 'http/protobuf' or 'http/json'. Taking 'http/protobuf'.`,
    );
  }
  return 'http/protobuf';
}

function readCompression(text: string | undefined, problems: string[]): Compression | undefined {
  if (text === 'gzip' || text === 'none') return text;
  if (given(text) !== undefined)
    problems.push(
      `OTEL_EXPORTER_OTLP_COMPRESSION is '${text}'; use 'gzip' or 'none'. Taking what fits the endpoint.`,
    );
  return undefined;
}

function readLogSources(text: string | undefined, problems: string[]): LogSource[] {
  const names = (text ?? '')
    .split(',')
    .map((name) => name.trim())
    .filter((name) => name !== '');
  return names.filter((name): name is LogSource => {
    if (name === 'console' || name === 'pino') return true;
    problems.push(
      `ROLLCALL_CAPTURE_LOGS names '${name}'; use 'console', 'pino' or both, separated by a comma.`,
    );
    return false;
  });
}

function atLeast(
  least: number,
  value: number | string | undefined,
  fallback: number,
  problems: string[],
  unit = 'milliseconds',
): number {
  if (value === undefined || value === '') return fallback;
  const amount = Number(value);
  if (amount >= least && Number.isFinite(amount)) return amount;
  problems.push(`'${value}' is not a number of ${unit} from ${least}. Taking ${fallback}.`);
  return fallback;
}

/** What of the environment decides how a connection is made. */
function environmentOfThread(env: NodeJS.ProcessEnv): Record<string, string> {
  const tls = env['NODE_TLS_REJECT_UNAUTHORIZED'];
  return tls === undefined ? {} : { NODE_TLS_REJECT_UNAUTHORIZED: tls };
}

/** Where programs keep what must outlive them (XDG Base Directory Specification), else the temporary folder. */
function stateFolder(env: NodeJS.ProcessEnv): string {
  const home = given(env['HOME']) ?? given(env['LOCALAPPDATA']);
  const state =
    given(env['XDG_STATE_HOME']) ?? (home === undefined ? tmpdir() : join(home, '.local', 'state'));
  return join(state, 'rollcall', 'spool');
}

function nameOfScript(path: string | undefined): string | undefined {
  return path === undefined ? undefined : basename(path, extname(path));
}

/** OpenTelemetry treats an empty variable as absent. */
function given(text: string | undefined): string | undefined {
  return text === undefined || text.trim() === '' ? undefined : text.trim();
}

function isFalse(text: string | undefined): boolean {
  return text?.trim().toLowerCase() === 'false' || text?.trim() === '0';
}

function isTrue(text: string | undefined): boolean {
  return text?.trim().toLowerCase() === 'true' || text?.trim() === '1';
}
