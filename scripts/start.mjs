/** `npm start`: sets up, then runs the demo against a service of its own and serves until Ctrl-C. */

import { setUp } from './setup.mjs';
import { runRollcall } from './run-rollcall.mjs';

setUp();
runRollcall(['demo', ...process.argv.slice(2)]);
