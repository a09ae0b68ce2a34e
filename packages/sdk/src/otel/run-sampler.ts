/** Decides which spans are recorded. */
import type { Attributes, Context, Link, SpanKind } from '@opentelemetry/api';
import {
  AlwaysOnSampler,
  ParentBasedSampler,
  SamplingDecision,
  type Sampler,
  type SamplingResult,
} from '@opentelemetry/sdk-trace';
import { ATTR } from '@rollcall/semconv';
import { scopeOf } from '../run/scope.ts';

/** A run's spans are always recorded, even below an unsampled parent; elsewhere the parent decides. */
export class RunSampler implements Sampler {
  readonly #elsewhere = new ParentBasedSampler({ root: new AlwaysOnSampler() });

  shouldSample(
    parent: Context,
    traceId: string,
    name: string,
    kind: SpanKind,
    attributes: Attributes,
    links: Link[],
  ): SamplingResult {
    const inRun = attributes[ATTR.SPAN_KIND] !== undefined || scopeOf(parent) !== undefined;
    if (inRun) return { decision: SamplingDecision.RECORD_AND_SAMPLED };
    return this.#elsewhere.shouldSample(parent, traceId, name, kind, attributes, links);
  }

  toString(): string {
    return 'RunSampler';
  }
}
