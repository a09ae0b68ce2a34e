/** Loaded before a test program: instruments all schedulers and queues. */
import { registerInstrumentations } from '@opentelemetry/instrumentation';
import { rollcallInstrumentations } from '@rollcall/sdk/instrumentations';
import { hookLibraries } from '../../../src/register/library-hooks.ts';

interface Tenant {
  tenant?: string;
}

const tenantOf = (data: unknown) => (data as Tenant | undefined)?.tenant;

hookLibraries();
registerInstrumentations({
  instrumentations: rollcallInstrumentations({
    'node-cron': { skip: ({ name }) => name === 'private' },
    bullmq: { clientId: ({ data }) => tenantOf(data), skip: ({ name }) => name === 'private' },
    'pg-boss': { clientId: ({ data }) => tenantOf(data) },
    'graphile-worker': { clientId: ({ payload }) => tenantOf(payload) },
  }),
});
