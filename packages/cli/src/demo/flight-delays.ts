/** The demo's job: counts each airport's flights and delays. A client is an origin airport. */

import { setTimeout as sleep } from 'node:timers/promises';
import type { Client, job as runJob } from '@rollcall/sdk';

/** A flight of `flights-20k.json`; the delay in minutes, negative where it was early, the distance in miles. */
export interface Flight {
  readonly origin: string;
  readonly delay: number;
  readonly distance: number;
}

const JOB_NAME = 'flight_delays';
/** On the roster, but never visited: it never answers the roll call. */
const NEVER_VISITED = 'ZZZ';
/** A longer delay is looked at by a person before it counts. */
const LONGEST_PLAUSIBLE_DELAY_MIN = 480;
/** A shorter delay is none, as airlines count. */
const DELAYED_ABOVE_MIN = 15;

export interface FlightDelaysOptions {
  readonly job: typeof runJob;
  readonly flights: readonly Flight[];
  /** Airports to visit, in this order. */
  readonly airports: readonly string[];
  /** Pretended time of each airport's work, so that a person can watch. */
  readonly paceMs: number;
  readonly onStarted: (runId: string) => void;
}

/** Runs the job. An airport that fails does not stop the others. */
export async function flightDelays({
  job,
  flights,
  airports,
  paceMs,
  onStarted,
}: FlightDelaysOptions): Promise<void> {
  const byOrigin = Map.groupBy(flights, ({ origin }) => origin);
  await job(JOB_NAME, async (run) => {
    onStarted(run.runId);
    run.expectClients([...airports, NEVER_VISITED]);
    for (const [visited, airport] of airports.entries()) {
      run.progress(visited, airports.length);
      await run
        .client(airport, async (client) => {
          await sleep(paceMs);
          await countFlights(client, byOrigin.get(airport) ?? []);
        })
        .catch(() => undefined);
    }
    run.progress(airports.length, airports.length);
  });
}

async function countFlights(client: Client, flights: readonly Flight[]): Promise<void> {
  if (flights.length === 0) {
    client.skip('no flights left from here');
    return;
  }
  await client.step('count flights', () => {
    for (const { delay, distance } of flights) {
      if (delay > LONGEST_PLAUSIBLE_DELAY_MIN) throw new Error(`delay of ${delay} min needs review`);
      client.count('Flights Processed', 1);
      if (delay > DELAYED_ABOVE_MIN) client.count('Flights Delayed', 1);
      client.count('Delay Minutes', Math.max(delay, 0));
      client.min('Shortest Flight Miles', distance);
      client.max('Longest Delay Minutes', delay);
      client.last('Last Delay Minutes', delay);
    }
  });
}
