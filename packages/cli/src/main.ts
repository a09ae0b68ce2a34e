#!/usr/bin/env node
/** The `rollcall` command. Each subcommand loads what it needs when it is called. */

import { enableCompileCache } from 'node:module';
import { reportFailure } from './print/failure.ts';

// What was compiled before is not compiled again: a command answers a third sooner.
enableCompileCache();
const { createProgram } = await import('./program.ts');

// Statements of the embedded engine and writes to the spool share Node's threads, 4 unless more are asked for: four slow
// statements were seen to hold up what senders wait for. It counts until the first of them is used.
process.env['UV_THREADPOOL_SIZE'] ??= '16';

try {
  await createProgram().parseAsync();
} catch (error) {
  process.exitCode = reportFailure(error);
}
