/** OpenTelemetry instrumentations of schedulers and queues: what they start becomes a job run. */
import { BreeInstrumentation, type BreeJob } from './bree/instrumentation.ts';
import { BullMqInstrumentation, type BullMqJob } from './bullmq/instrumentation.ts';
import { CronerInstrumentation, type CronerJob } from './croner/instrumentation.ts';
import type { ExecutionConfig, ExecutionInstrumentation } from './execution-instrumentation.ts';
import { GraphileWorkerInstrumentation, type GraphileWorkerJob } from './graphile-worker/instrumentation.ts';
import { NodeCronInstrumentation, type NodeCronWork } from './node-cron/instrumentation.ts';
import { PgBossInstrumentation, type PgBossJob } from './pg-boss/instrumentation.ts';

/** Configuration by library. */
export interface InstrumentationConfigs {
  'node-cron'?: ExecutionConfig<NodeCronWork>;
  croner?: ExecutionConfig<CronerJob>;
  bullmq?: ExecutionConfig<BullMqJob>;
  'pg-boss'?: ExecutionConfig<PgBossJob>;
  'graphile-worker'?: ExecutionConfig<GraphileWorkerJob>;
  bree?: ExecutionConfig<BreeJob>;
}

/**
 * All of them, for `registerInstrumentations`. What the program does not load costs nothing.
 * @example
 * registerInstrumentations({ instrumentations: rollcallInstrumentations({ bullmq: { clientId: ({ data }) => data.tenant } }) });
 */
export function rollcallInstrumentations(
  configs: InstrumentationConfigs = {},
): ExecutionInstrumentation<never, never>[] {
  return [
    new NodeCronInstrumentation(configs['node-cron']),
    new CronerInstrumentation(configs.croner),
    new BullMqInstrumentation(configs.bullmq),
    new PgBossInstrumentation(configs['pg-boss']),
    new GraphileWorkerInstrumentation(configs['graphile-worker']),
    new BreeInstrumentation(configs.bree),
  ] as unknown as ExecutionInstrumentation<never, never>[];
}

export {
  BreeInstrumentation,
  BullMqInstrumentation,
  CronerInstrumentation,
  GraphileWorkerInstrumentation,
  NodeCronInstrumentation,
  PgBossInstrumentation,
  type BreeJob,
  type BullMqJob,
  type CronerJob,
  type ExecutionConfig,
  type GraphileWorkerJob,
  type NodeCronWork,
  type PgBossJob,
};
