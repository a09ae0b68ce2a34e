/** Declares the metrics of the lead-scoring system that Rollcall grew out of. */
import { defineMetrics, type MetricDeclaration } from './define-metrics.ts';

/**
 * Ready for use as it is, and an example of a definition.
 * @example
 * HERITAGE_METRICS.read('postsProcessed', 0) // => { status: 'ok', metric: 'Posts Processed', aggregation: 'sum', unit: '{post}', value: 0 }
 */
export const HERITAGE_METRICS = defineMetrics({
  'Leads Processed': count('{lead}', 'Leads that were worked on'),
  'Posts Processed': count('{post}', 'Posts that were worked on'),
  'Profiles Examined for Scoring': count('{profile}', 'Profiles that were looked at for a score'),
  'Profiles Successfully Scored': count('{profile}', 'Profiles that got a score'),
  'Total Posts Harvested': count('{post}', 'Posts that were fetched'),
  'Posts Examined for Scoring': count('{post}', 'Posts that were looked at for a score'),
  'Posts Successfully Scored': count('{post}', 'Posts that got a score'),
  'Profile Scoring Tokens': count('{token}', 'Language-model tokens spent on profiles'),
  'Post Scoring Tokens': count('{token}', 'Language-model tokens spent on posts'),
  'Total Tokens': count('{token}', 'Language-model tokens spent in all'),
  'Start Time': { aggregation: 'min', time: true, description: 'When the first client began' },
  'End Time': { aggregation: 'max', time: true, description: 'When the last client ended' },
  Status: { aggregation: 'last', derivedFrom: 'the evidence, as the verdict', description: 'The verdict' },
  'Clients Processed': derived('the client runs that ended', 'Clients that were handled'),
  'Clients With Errors': derived('the verdicts of the client runs', 'Clients that did not end well'),
});

function count(unit: string, description: string): MetricDeclaration {
  return { aggregation: 'sum', unit, description, min: 0, integer: true };
}

function derived(derivedFrom: string, description: string): MetricDeclaration {
  return { aggregation: 'sum', unit: '{client}', description, derivedFrom };
}
