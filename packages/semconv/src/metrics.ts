/** Lists how the values of a metric combine into one number. */

/** `sum` adds, `min` and `max` keep the extreme, `last` keeps the latest by time. */
export const AGGREGATIONS = ['sum', 'min', 'max', 'last'] as const;
export type Aggregation = (typeof AGGREGATIONS)[number];
