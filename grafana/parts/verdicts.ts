/** How verdicts, states and severities look: the same in every panel. */

import * as dashboard from '@grafana/grafana-foundation-sdk/dashboard';

const COLORS: Record<string, string> = {
  completed: '#3fa45b',
  completed_with_errors: '#e0a526',
  nothing_to_do: '#8e98a3',
  failed: '#d64550',
  timed_out: '#b3541e',
  cancelled: '#a58bc9',
  lost: '#8f2d56',
  never_started: '#c77d9b',
  running: '#3d85c6',
  pending: '#b8c4cf',
};

/** The numbers that stand for verdicts in a state timeline, where only numbers can be values. */
export const VERDICT_NUMBERS = Object.keys(COLORS);

const STATES: Record<string, string> = {
  on_time: '#3fa45b',
  due: '#3d85c6',
  late: '#e0a526',
  missed: '#d64550',
  unknown: '#8e98a3',
  invalid: '#8f2d56',
  none: '#b8c4cf',
};
const SEVERITIES: Record<string, string> = { critical: '#d64550', warning: '#e0a526' };
const TELEMETRY: Record<string, string> = { complete: '#3fa45b', incomplete: '#e0a526' };

/** Colours of words in cells. */
export const WORD_MAPPINGS: dashboard.ValueMapping[] = [
  valueMap({ ...COLORS, ...STATES, ...SEVERITIES, ...TELEMETRY }),
];

/** From numbers back to verdicts. */
export const NUMBER_MAPPINGS: dashboard.ValueMapping[] = [
  {
    type: dashboard.MappingType.ValueToText,
    options: Object.fromEntries(
      VERDICT_NUMBERS.map((verdict, index) => [
        String(index),
        { text: verdict, color: COLORS[verdict] ?? '', index },
      ]),
    ),
  },
];

/** Series that are named for verdicts. */
export const VERDICT_COLORS = Object.entries(COLORS);

function valueMap(colors: Record<string, string>): dashboard.ValueMapping {
  return {
    type: dashboard.MappingType.ValueToText,
    options: Object.fromEntries(
      Object.entries(colors).map(([word, color], index) => [word, { color, index }]),
    ),
  };
}
