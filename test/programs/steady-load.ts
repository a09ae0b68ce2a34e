/** Sends numbered spans as fast as they are acknowledged, and reports each acknowledged number on standard output. */

const [url, producer] = process.argv.slice(2);
let sent = 0;
for (;;) {
  const first = sent;
  sent += 50;
  const spans = Array.from({ length: 50 }, (_, n) => ({
    traceId: 'a'.repeat(32),
    spanId: (first + n + 1).toString(16).padStart(16, '0'),
    name: `load ${first + n}`,
    startTimeUnixNano: `${Date.now()}000000`,
    endTimeUnixNano: `${Date.now()}000000`,
  }));
  const resource = { attributes: [{ key: 'service.name', value: { stringValue: producer } }] };
  try {
    const response = await fetch(`${url}/v1/traces`, {
      method: 'POST',
      headers: { 'Content-Type': 'application/json' },
      body: JSON.stringify({ resourceSpans: [{ resource, scopeSpans: [{ spans }] }] }),
    });
    if (response.status !== 200) break;
    await response.arrayBuffer();
  } catch {
    break;
  }
  process.stdout.write(`${sent}\n`);
}
