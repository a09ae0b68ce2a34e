/** Finds and reads the demo's real data, which the package `vega-datasets` ships. */

import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { csvParse } from 'd3-dsv';
import type { Flight } from './flight-delays.ts';

const FOLDER = new URL('../data/', import.meta.resolve('vega-datasets'));
/** 20,000 flights within the United States in the first months of 2001. */
export const FLIGHTS_PATH = fileURLToPath(new URL('flights-20k.json', FOLDER));
const AIRPORTS_PATH = fileURLToPath(new URL('airports.csv', FOLDER));
/** Most airports of these states are small: they have no flight in the file. */
const SMALL_AIRPORT_STATES = new Set(['AK', 'HI']);

export async function readFlights(): Promise<Flight[]> {
  return JSON.parse(await readFile(FLIGHTS_PATH, 'utf8')) as Flight[];
}

/** The airports that the job visits: all origins of the file and all airports of Alaska and Hawaii, by code. */
export async function readAirports(flights: readonly Flight[]): Promise<string[]> {
  const airports = csvParse<'iata' | 'state'>(await readFile(AIRPORTS_PATH, 'utf8'));
  const small = airports.filter(({ state }) => SMALL_AIRPORT_STATES.has(state)).map(({ iata }) => iata);
  return [...new Set([...flights.map(({ origin }) => origin), ...small])].toSorted();
}
