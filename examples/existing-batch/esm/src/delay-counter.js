import { setImmediate as breathe } from 'node:timers/promises';

const TOO_LONG_MIN = 480;
const DELAYED_MIN = 15;

export default class DelayCounter {
  #byOrigin;
  minutes = 0;

  constructor(flights) {
    this.#byOrigin = Map.groupBy(flights, ({ origin }) => origin);
  }

  async handle({ iata }) {
    const flights = this.#byOrigin.get(iata);
    if (flights === undefined) return null;
    await breathe();
    return this.countFlights(flights);
  }

  countFlights(flights) {
    for (const flight of flights) this.minutes += tally(flight).minutes;
    return flights.length;
  }
}

const tally = ({ delay, distance }) => {
  if (delay > TOO_LONG_MIN) throw new RangeError(`delay of ${delay} min needs review`);
  return { delay, distance, isDelayed: delay > DELAYED_MIN, minutes: Math.max(delay, 0) };
};
