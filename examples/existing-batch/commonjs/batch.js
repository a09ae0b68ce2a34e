'use strict';

// A batch program as there are many: it counts each airport's delays. It knows nothing of Rollcall.
// node batch.js FOLDER-WITH-THE-DATA

const { readAirports, readFlights } = require('./lib/data');

const TOO_LONG_MIN = 480;
const DELAYED_MIN = 15;

async function main(folder) {
  const [flights, airports] = await Promise.all([readFlights(folder), readAirports(folder)]);
  const byOrigin = new Map();
  for (const flight of flights) {
    if (!byOrigin.has(flight.origin)) byOrigin.set(flight.origin, []);
    byOrigin.get(flight.origin).push(flight);
  }
  const roster = [...new Set([...byOrigin.keys(), ...airports])].toSorted((a, b) => a.localeCompare(b));
  const results = await countDelays([...roster, 'ZZZ'], byOrigin);
  const failed = results.filter((result) => result.status === 'failed');
  console.log(`${results.length} airports handled, ${failed.length} failed`);
}

async function countDelays(roster, byOrigin) {
  const results = [];
  for (const code of roster) {
    if (isTestCode(code)) continue;
    results.push(await handleAirport(code, byOrigin.get(code)));
  }
  return results;
}

async function handleAirport(code, flights) {
  if (!flights) return { status: 'skipped', reason: 'no flights from here' };
  const stats = { processed: 0, delayed: 0, minutes: 0, shortest: Infinity, longest: -Infinity, last: 0 };
  try {
    countFlights(flights, stats);
    return { status: 'ok', stats };
  } catch (error) {
    console.error(`${code}: ${error.message}`);
    return { status: 'failed', error, stats };
  }
}

function countFlights(flights, stats) {
  for (const flight of flights) addFlight(flight, stats);
}

function addFlight({ delay, distance }, stats) {
  if (delay > TOO_LONG_MIN) throw new Error(`delay of ${delay} min needs review`);
  stats.processed++;
  if (delay > DELAYED_MIN) stats.delayed++;
  stats.minutes += Math.max(delay, 0);
  stats.shortest = Math.min(stats.shortest, distance);
  stats.longest = Math.max(stats.longest, delay);
  stats.last = delay;
}

function isTestCode(code) {
  return code.startsWith('ZZ');
}

if (require.main === module) {
  main(process.argv[2]).catch((error) => {
    console.error(error);
    process.exit(1);
  });
}

module.exports = { main };
