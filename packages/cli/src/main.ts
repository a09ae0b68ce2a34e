#!/usr/bin/env node
/** The `rollcall` command. Each subcommand loads what it needs when it is called. */

import { createProgram } from './program.ts';
import { reportFailure } from './print/failure.ts';

try {
  await createProgram().parseAsync();
} catch (error) {
  process.exitCode = reportFailure(error);
}
