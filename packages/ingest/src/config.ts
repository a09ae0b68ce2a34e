/** Reads the environment once into a frozen object; nothing else sees `process.env`. */

import { z } from 'zod';

const DAY_LIMIT = 3650;

const schema = z.object({
  ROLLCALL_HOST: z.string().min(1).default('127.0.0.1'),
  ROLLCALL_PORT: z.coerce.number().int().min(0).max(65_535).default(4318),
  ROLLCALL_DATA_DIR: z.string().min(1).default('.rollcall'),
  ROLLCALL_CLICKHOUSE_URL: z.url({ protocol: /^https?$/ }).optional(),
  ROLLCALL_DATABASE: z
    .string()
    .regex(/^[A-Za-z_][A-Za-z0-9_]{0,63}$/, 'letters, digits and _ only')
    .default('rollcall'),
  ROLLCALL_CLUSTER: z
    .string()
    .regex(/^[A-Za-z0-9_.-]{1,64}$/, 'letters, digits, _, . and - only')
    .optional(),
  ROLLCALL_KEYS_FILE: z.string().min(1).optional(),
  ROLLCALL_SQL_HOST: z.string().min(1).default('127.0.0.1'),
  ROLLCALL_WEBHOOKS_FILE: z.string().min(1).optional(),
  ROLLCALL_ALERT_INTERVAL_MS: z.coerce.number().int().min(100).default(30_000),
  ROLLCALL_SQL_PORT: z
    .union([z.literal('off'), z.coerce.number().int().min(0).max(65_535)], 'a port, 0 for a free one, or off')
    .optional(),
  ROLLCALL_SQL_PASSWORD: z.string().min(16, 'at least 16 characters').optional(),
  ROLLCALL_RAW_RETENTION_DAYS: z.coerce.number().int().min(1).max(DAY_LIMIT).default(90),
  ROLLCALL_MAX_BODY_BYTES: z.coerce
    .number()
    .int()
    .min(1024)
    .default(16 * 1024 ** 2),
  ROLLCALL_MAX_INFLATED_BYTES: z.coerce
    .number()
    .int()
    .min(1024)
    .default(64 * 1024 ** 2),
  ROLLCALL_SPOOL_MAX_BYTES: z.coerce
    .number()
    .int()
    .min(1024)
    .default(2 * 1024 ** 3),
  ROLLCALL_MAX_IN_FLIGHT_BYTES: z.coerce
    .number()
    .int()
    .min(1024)
    .default(128 * 1024 ** 2),
  ROLLCALL_PROJECT_SHARE: z.coerce.number().min(0.01).max(1).default(0.5),
  ROLLCALL_PROJECT_BYTES_PER_SECOND: z.coerce.number().int().min(1024).optional(),
  ROLLCALL_LOG_LEVEL: z.enum(['trace', 'debug', 'info', 'warn', 'error', 'silent']).default('info'),
});

/** ClickHouse's HTTP interface over the embedded engine. */
export interface SqlConfig {
  readonly host: string;
  /** Without it the usual port is used where it is free. */
  readonly port: number | 'off' | undefined;
  /** Without it one is made, and kept in the data folder. */
  readonly password: string | undefined;
}

export interface IngestConfig {
  readonly host: string;
  readonly port: number;
  readonly dataDir: string;
  readonly clickhouseUrl: string | undefined;
  readonly database: string;
  readonly cluster: string | undefined;
  readonly keysFile: string;
  readonly webhooksFile: string;
  /** How often webhooks are told what is new. */
  readonly alertIntervalMs: number;
  readonly sql: SqlConfig;
  readonly rawRetentionDays: number;
  readonly maxBodyBytes: number;
  readonly maxInflatedBytes: number;
  readonly spoolMaxBytes: number;
  /** Bytes of request bodies in memory at once. */
  readonly maxInFlightBytes: number;
  /** The part of these, and of the spool, that one project may take. */
  readonly projectShare: number;
  readonly projectBytesPerSecond: number | undefined;
  readonly logLevel: string;
}

/** A setting that can not be used; the message names it, its value and what would work. */
export class ConfigError extends Error {
  readonly code = 'invalid_config';
}

/**
 * Reads `ROLLCALL_*` settings. Empty values count as unset.
 * @throws ConfigError naming every wrong setting
 */
export function readConfig(env: Readonly<Record<string, string | undefined>>): IngestConfig {
  const given = Object.fromEntries(
    Object.entries(env).filter(([name, value]) => name.startsWith('ROLLCALL_') && value !== ''),
  );
  const parsed = schema.safeParse(given);
  if (!parsed.success) {
    const faults = parsed.error.issues.map(({ path, message }) => {
      const name = String(path[0]);
      // The URL may hold a password.
      const isSecret = name === 'ROLLCALL_CLICKHOUSE_URL' || name === 'ROLLCALL_SQL_PASSWORD';
      const seen = isSecret ? '' : ` '${given[name] ?? ''}'`;
      return `${name}${seen}: ${message}`;
    });
    throw new ConfigError(`Unusable setting: ${faults.join('; ')}`);
  }
  const settings = parsed.data;
  return Object.freeze({
    host: settings.ROLLCALL_HOST,
    port: settings.ROLLCALL_PORT,
    dataDir: settings.ROLLCALL_DATA_DIR,
    clickhouseUrl: settings.ROLLCALL_CLICKHOUSE_URL,
    database: settings.ROLLCALL_DATABASE,
    cluster: settings.ROLLCALL_CLUSTER,
    webhooksFile: settings.ROLLCALL_WEBHOOKS_FILE ?? `${settings.ROLLCALL_DATA_DIR}/webhooks.json`,
    alertIntervalMs: settings.ROLLCALL_ALERT_INTERVAL_MS,
    keysFile: settings.ROLLCALL_KEYS_FILE ?? `${settings.ROLLCALL_DATA_DIR}/keys.json`,
    sql: Object.freeze({
      host: settings.ROLLCALL_SQL_HOST,
      port: settings.ROLLCALL_SQL_PORT,
      password: settings.ROLLCALL_SQL_PASSWORD,
    }),
    rawRetentionDays: settings.ROLLCALL_RAW_RETENTION_DAYS,
    maxBodyBytes: settings.ROLLCALL_MAX_BODY_BYTES,
    maxInflatedBytes: settings.ROLLCALL_MAX_INFLATED_BYTES,
    spoolMaxBytes: settings.ROLLCALL_SPOOL_MAX_BYTES,
    maxInFlightBytes: settings.ROLLCALL_MAX_IN_FLIGHT_BYTES,
    projectShare: settings.ROLLCALL_PROJECT_SHARE,
    projectBytesPerSecond: settings.ROLLCALL_PROJECT_BYTES_PER_SECOND,
    logLevel: settings.ROLLCALL_LOG_LEVEL,
  });
}
