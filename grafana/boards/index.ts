/** All dashboards, by the name of their file. */

import type { Dashboard } from '@grafana/grafana-foundation-sdk/dashboard';
import { client } from './client.ts';
import { failures } from './failures.ts';
import { fleet } from './fleet.ts';
import { health } from './health.ts';
import { job } from './job.ts';
import { run } from './run.ts';

export const BOARDS: Readonly<Record<string, () => Dashboard>> = {
  fleet,
  job,
  run,
  client,
  failures,
  health,
};
