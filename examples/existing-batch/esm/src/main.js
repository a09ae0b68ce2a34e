// A batch program as there are many: it counts each airport's delays. It knows nothing of Rollcall.
// node src/main.js FOLDER-WITH-THE-DATA

import DelayCounter from './delay-counter.js';
import { readAirports, readFlights } from './data.js';
import { eachLimit } from './each-limit.js';

const CONCURRENCY = 4;

const run = async (roster, counter) => {
  const active = roster.filter(({ iata }) => !iata.startsWith('ZZ'));
  const failures = [];
  await eachLimit(active, CONCURRENCY, async (airport) => {
    try {
      await counter.handle(airport);
    } catch (error) {
      failures.push(`${airport.iata}: ${error.message}`);
    }
  });
  return { handled: active.length, failures };
};

const [flights, airports] = await Promise.all([readFlights(process.argv[2]), readAirports(process.argv[2])]);
const { handled, failures } = await run(airports, new DelayCounter(flights));
console.log(`${handled} airports handled, ${failures.length} failed`);
for (const failure of failures) console.error(failure);
