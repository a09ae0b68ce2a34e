'use strict';

const fs = require('node:fs/promises');
const path = require('node:path');

exports.readFlights = async (folder) =>
  JSON.parse(await fs.readFile(path.join(folder, 'flights-20k.json'), 'utf8'));

/** The codes of all airports in Alaska and Hawaii. */
exports.readAirports = async function (folder) {
  const text = await fs.readFile(path.join(folder, 'airports.csv'), 'utf8');
  const codes = [];
  for (const line of text.split('\n').slice(1)) {
    const state = /,(AK|HI),USA,/.test(line);
    if (state) codes.push(line.slice(0, line.indexOf(',')));
  }
  return codes;
};
