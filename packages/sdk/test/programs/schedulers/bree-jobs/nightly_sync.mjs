/** A worker thread that reports what it did, to the run that it was started under. */
import { count, startRollcall } from '@rollcall/sdk';

count('Leads Processed', 7);
await startRollcall().flush();
