/** Converts the run IDs of other systems to the standard form. */
import { formatRunId, withinRange } from './calendar.ts';
import { describeValue, quote } from './describe-value.ts';
import { LEGACY_FORMS, type LegacyReading } from './legacy-forms.ts';
import { parseRunId } from './parse-run-id.ts';
import { whyUnreadable } from './unreadable-forms.ts';

/** The forms that are told apart. */
export type RunIdForm =
  | 'standard'
  | 'standard-client'
  | 'trailing-decimal'
  | 'apify-wrapped'
  | (typeof LEGACY_FORMS)[number]['form'];

/**
 * The standard form of an ID, or why it has none.
 * `runId` is the job run's ID. `lossy`: the input said more than `runId` and `clientId` hold, so
 * another input can end in the same ones; keep the input as an alias.
 */
export type RunIdConversion =
  | { status: 'converted'; runId: string; clientId: string | null; form: RunIdForm; lossy: boolean }
  | { status: 'refused'; reason: string };

/**
 * Finds the run ID in the ID of another system. A standard ID converts to itself.
 * The same input always gives the same answer: the clock is never read and nothing is made up.
 * Never throws; what is no string, or holds no time of day, is refused with a reason.
 * @example
 * convertToStandardFormat('2025-09-30T22:30:45+10:00') // => { status: 'converted', runId: '250930-123045', clientId: null, form: 'iso-8601', lossy: false }
 */
export function convertToStandardFormat(input: unknown): RunIdConversion {
  if (typeof input !== 'string') {
    return refused(`A run ID is a string such as 250930-123045; got ${describeValue(input)}.`);
  }
  if (input === '') return refused('A run ID cannot be empty.');
  if (input.length > LONGEST_INPUT) return refused(`${quote(input)} is too long to be a run ID.`);
  return convertStandard(input) ?? refuseUntidy(input) ?? convertLegacy(input);
}

// Well above the longest client run ID, 270 UTF-16 units.
const LONGEST_INPUT = 512;

// Date and time, the `.0` that a spreadsheet adds to what it takes for a number, the rest.
const STANDARD = /^(\d{6}-\d{6})(\.\d{1,9})?(?:-(.*))?$/s;
// An Apify run has 17 letters and digits; anything else after `apify-` is a client's ID.
const APIFY_RUN = /^apify-[A-Za-z0-9]{17}$/;

/** Decides everything that starts as a standard ID does, so that no legacy form sees it. */
function convertStandard(input: string): RunIdConversion | null {
  const parts = STANDARD.exec(input);
  if (parts === null) return null;
  const [, base = '', decimal = '', suffix] = parts;
  const wrapped = suffix !== undefined && APIFY_RUN.test(suffix);
  const parsed = parseRunId(suffix === undefined || wrapped ? base : `${base}-${suffix}`);
  if (parsed.status === 'refused') return parsed;
  const { runId, clientId } = parsed;
  const form = standardForm(decimal, wrapped, clientId);
  return { status: 'converted', runId, clientId, form, lossy: wrapped || /[1-9]/.test(decimal) };
}

function standardForm(decimal: string, wrapped: boolean, clientId: string | null): RunIdForm {
  if (decimal !== '') return 'trailing-decimal';
  if (wrapped) return 'apify-wrapped';
  return clientId === null ? 'standard' : 'standard-client';
}

function refuseUntidy(input: string): RunIdConversion | null {
  if (input.trim() !== input) {
    return refused(`${quote(input)} has white space around it; remove it.`);
  }
  if (/[\p{Cc}\p{Zl}\p{Zp}\p{Cs}]/u.test(input)) {
    return refused(`${quote(input)} holds a character that cannot be printed.`);
  }
  return null;
}

function convertLegacy(input: string): RunIdConversion {
  for (const { form, pattern, read } of LEGACY_FORMS) {
    const match = pattern.exec(input);
    if (match !== null) return conclude(input, form, read(match));
  }
  return refused(`${quote(input)} ${whyUnreadable(input)}.`);
}

function conclude(input: string, form: RunIdForm, { instant, lossy }: LegacyReading): RunIdConversion {
  const inRange = withinRange(instant);
  if (inRange.status === 'refused') {
    return refused(`${quote(input)} is read as ${form}, but ${inRange.reason}.`);
  }
  return { status: 'converted', runId: formatRunId(inRange.epochMs), clientId: null, form, lossy };
}

function refused(reason: string): RunIdConversion {
  return { status: 'refused', reason };
}
