/** The demo's job as a process of its own, as a scheduler would start it. */

import { job } from '@rollcall/sdk';
import { readAirports, readFlights } from './flight-data.ts';
import { flightDelays } from './flight-delays.ts';

const flights = await readFlights();
await flightDelays({
  job,
  flights,
  airports: await readAirports(flights),
  paceMs: Number(process.argv[2] ?? 0),
  onStarted: (runId) => process.stdout.write(`${runId}\n`),
});
