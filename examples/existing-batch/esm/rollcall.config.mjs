const counter = './src/delay-counter.js';

export default {
  jobs: [{ module: './src/main.js', export: 'run', name: 'flight_delays_esm', expect: '0[].iata' }],
  clientRuns: [
    {
      module: counter,
      export: 'default.handle',
      clientId: ({ iata }) => iata,
      nothingToDo: (flights) => flights === null && 'no flights from here',
    },
  ],
  steps: [{ module: counter, export: 'DelayCounter.countFlights', name: 'count flights' }],
  metrics: [
    {
      module: counter,
      export: 'tally',
      metrics: {
        'Flights Processed': 1,
        'Flights Delayed': 'isDelayed',
        'Delay Minutes': 'minutes',
        'Shortest Flight Miles': { min: 'distance' },
        'Longest Delay Minutes': { max: 'delay' },
        'Last Delay Minutes': { last: 'delay' },
      },
    },
  ],
};
