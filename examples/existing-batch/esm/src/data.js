import { readFile } from 'node:fs/promises';
import { join } from 'node:path';

export async function readFlights(folder) {
  return JSON.parse(await readFile(join(folder, 'flights-20k.json'), 'utf8'));
}

/** All origins of flights, the airports of Alaska and Hawaii, and the code for tests. */
export async function readAirports(folder) {
  const lines = (await readFile(join(folder, 'airports.csv'), 'utf8')).split('\n').slice(1);
  const small = lines.filter((line) => /,(AK|HI),USA,/.test(line)).map((line) => line.split(',', 1)[0]);
  const origins = (await readFlights(folder)).map(({ origin }) => origin);
  return [...new Set([...origins, ...small, 'ZZZ'])]
    .toSorted((a, b) => a.localeCompare(b))
    .map((iata) => ({ iata }));
}
