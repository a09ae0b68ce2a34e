/** Facts about inputs that are standard IDs, nearly so, or left behind by a mistake. */
import { expect, test } from 'vitest';
import { convertToStandardFormat } from './convert.ts';

/** The reason of a refusal. */
function refusal(input: string): string {
  const converted = convertToStandardFormat(input);
  return converted.status === 'refused' ? converted.reason : '';
}

test('a decimal is dropped from the run ID and kept in a client ID', () => {
  expect(convertToStandardFormat('250930-123045.0-Guy-Wilson')).toMatchObject({
    runId: '250930-123045',
    clientId: 'Guy-Wilson',
    form: 'trailing-decimal',
  });
  expect(convertToStandardFormat('250930-123045-v2.0')).toMatchObject({
    clientId: 'v2.0',
    form: 'standard-client',
  });
});

test('only an Apify run ID is taken off; other clients may have apify in their name', () => {
  for (const clientId of ['apify-europe', 'apify', 'Apify-AeljThOnfXhim2T31', 'apify-AeljThOnfXhim2T31x']) {
    expect(convertToStandardFormat(`250930-123045-${clientId}`)).toMatchObject({
      clientId,
      form: 'standard-client',
    });
  }
  expect(convertToStandardFormat('250930-123045.0-apify-AeljThOnfXhim2T31')).toMatchObject({
    clientId: null,
  });
});

test('a client ID that looks like a legacy ID stays a client ID', () => {
  const clientId = 'job_x_1717146242405';
  expect(convertToStandardFormat(`250930-123045-${clientId}`)).toMatchObject({
    runId: '250930-123045',
    clientId,
  });
});

test('white space around an ID is refused, not trimmed', () => {
  for (const input of [
    ' 250930-123045',
    '250930-123045 ',
    '250930-123045\n',
    '2025-09-30T12:30:45Z\r\n',
    ' ',
  ]) {
    expect(refusal(input)).toContain('white space around it');
  }
});

test('unprintable characters inside a legacy ID are refused', () => {
  for (const character of ['\0', '\n', '\u2028', '\uD800']) {
    expect(refusal(`job${character}_1717146242405`)).toContain('cannot be printed');
  }
});

test('the text of an object, a function or a missing value is refused by what it was', () => {
  expect(refusal('[object Promise]')).toContain('an object becomes as text');
  expect(refusal('undefined')).toContain('missing or wrong value');
  expect(refusal('() => generateRunId()')).toContain('text of a function');
  expect(refusal('async function run() { return id }')).toContain('text of a function');
});
