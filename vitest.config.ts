/** Configures the test runner. */
import { defineConfig } from 'vitest/config';

export default defineConfig({
  resolve: { conditions: ['rollcall-source'] },
  ssr: { resolve: { conditions: ['rollcall-source'] } },
  test: {
    include: [
      'packages/*/src/**/*.test.ts',
      'packages/*/test/**/*.test.ts',
      'test/**/*.test.ts',
      'grafana/**/*.test.ts',
    ],
    globalSetup: 'packages/ingest/test/schema-template.ts',
    // The embedded engine crashes at exit inside a worker thread.
    pool: 'forks',
    maxWorkers: 2,
    execArgv: ['--conditions=rollcall-source'],
    testTimeout: 120_000,
    hookTimeout: 120_000,
  },
});
