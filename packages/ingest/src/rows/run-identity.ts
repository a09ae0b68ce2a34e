/** Finds the run that a record belongs to, and writes its columns. */
import { ATTR, isIdentityText } from '@rollcall/semconv';
import { contain, type Fault, quote, RecordError, type RefusalReason } from '../otlp/fault.ts';
import type { AnyValue, Attributes } from '../otlp/records.ts';
import type { NamedColumn } from '../native/block.ts';
import type { Arena } from '../native/arena.ts';
import { LowCardinalityColumn, StringColumn } from '../native/columns.ts';
import { sameBytes, Source } from '../native/source.ts';
import { type AttributeWriter, FOUND, ROLE } from './attribute-writer.ts';
import { valueText } from './value-text.ts';

/** What a resource says of the run; a fault counts for those records that do not say it themselves. */
export interface ResourceRun {
  readonly runId: ResourceIdentity;
  readonly jobName: ResourceIdentity;
  readonly clientId: ResourceIdentity;
}

type ResourceIdentity = { item: { source: Source; length: number } } | { fault: Fault };

/** The run of a resource. */
export function runOf(attributes: Attributes): ResourceRun {
  return {
    runId: contain(() => identityOf(attributes.get(ATTR.RUN_ID), RUN_ID)),
    jobName: contain(() => identityOf(attributes.get(ATTR.JOB_NAME), JOB_NAME)),
    clientId: contain(() => identityOf(attributes.get(ATTR.CLIENT_ID), CLIENT_ID)),
  };
}

interface Identity {
  readonly role: number;
  readonly attribute: string;
  readonly reason: RefusalReason;
}

const RUN_ID: Identity = { role: ROLE.RUN_ID, attribute: ATTR.RUN_ID, reason: 'invalid_run_id' };
const JOB_NAME: Identity = { role: ROLE.JOB_NAME, attribute: ATTR.JOB_NAME, reason: 'invalid_job_name' };
const CLIENT_ID: Identity = { role: ROLE.CLIENT_ID, attribute: ATTR.CLIENT_ID, reason: 'invalid_client_id' };
/** An identity has at most 128 characters of at most 4 bytes. */
const MAX_IDENTITY_BYTES = 512;

/**
 * The columns RunId, JobName and ClientId: each from the record's own attributes, else from its resource.
 * The grammar of run IDs is checked where runs are claimed, not per record.
 */
export class RunColumns {
  readonly runId: StringColumn;
  readonly jobName: LowCardinalityColumn;
  readonly clientId: StringColumn;
  readonly #runIds = new KnownIdentity(RUN_ID);
  readonly #jobNames = new KnownIdentity(JOB_NAME);
  readonly #clientIds = new KnownIdentity(CLIENT_ID);
  readonly named: readonly NamedColumn[];

  constructor(arena?: Arena) {
    this.runId = new StringColumn(arena);
    this.jobName = new LowCardinalityColumn(arena);
    this.clientId = new StringColumn(arena);
    this.named = [
      { name: 'RunId', column: this.runId },
      { name: 'JobName', column: this.jobName },
      { name: 'ClientId', column: this.clientId },
    ];
  }

  /** Throws a `RecordError` where one of them is there and is not a printable text. */
  push(source: Source, attributes: AttributeWriter, resource: ResourceRun): void {
    const runId = this.#runIds.of(source, attributes, resource.runId);
    this.runId.push(runId, this.#runIds.at, this.#runIds.length);
    const jobName = this.#jobNames.of(source, attributes, resource.jobName);
    this.jobName.push(this.jobName.find(jobName, this.#jobNames.at, this.#jobNames.length));
    const clientId = this.#clientIds.of(source, attributes, resource.clientId);
    this.clientId.push(clientId, this.#clientIds.at, this.#clientIds.length);
  }
}

/** Checks one identity per record, and remembers the last that was found good: mostly the next is the same. */
class KnownIdentity {
  at = 0;
  length = 0;
  readonly #identity: Identity;
  readonly #known = new Source(Buffer.alloc(MAX_IDENTITY_BYTES), false);
  #knownLength = -1;

  constructor(identity: Identity) {
    this.#identity = identity;
  }

  /** Returns the source in which the text is, at `at` and of `length` bytes. */
  of(source: Source, attributes: AttributeWriter, resource: ResourceIdentity): Source {
    const { role } = this.#identity;
    const found = attributes.found[role] as number;
    if (found === FOUND.TEXT) {
      this.at = attributes.foundAt[role] as number;
      this.length = attributes.foundLength[role] as number;
      this.#check(source);
      return source;
    }
    if (found === FOUND.OTHER) throw notIdentity(this.#identity, attributes.otherText(role));
    if ('fault' in resource) throw new RecordError(resource.fault.reason, resource.fault.message);
    this.at = 0;
    this.length = resource.item.length;
    return resource.item.source;
  }

  #check(source: Source): void {
    const { at, length } = this;
    const known = this.#known;
    if (length === this.#knownLength && sameBytes(known.view, 0, source.view, at, length)) return;
    const text = source.text(at, length);
    if (!isIdentityText(text)) throw notIdentity(this.#identity, text);
    known.bytes.set(source.bytes.subarray(at, at + length));
    this.#knownLength = length;
  }
}

function identityOf(value: AnyValue | undefined, identity: Identity): { source: Source; length: number } {
  const isAbsent = value === undefined || value === null;
  if (!isAbsent && !isIdentityText(value)) throw notIdentity(identity, valueText(value));
  const bytes = Buffer.from(isAbsent ? '' : value);
  return { source: new Source(bytes, false), length: bytes.length };
}

function notIdentity({ attribute, reason }: Identity, text: string): RecordError {
  return new RecordError(
    reason,
    `The attribute ${attribute} is ${quote(text)}; send a text of 1 to 128 printable characters, or leave it out.`,
  );
}
