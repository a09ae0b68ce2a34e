/** Walks the bytes of a protobuf request of spans and does nothing with them: what no transcoder can be faster than. */

/** Visits every field down to the values of the attributes, and returns their number. */
export function walkBytes(bytes: Uint8Array, start = 0, end = bytes.length, level = 0): number {
  let at = start;
  let fields = 0;
  while (at < end) {
    let tag = bytes[at++] as number;
    if (tag > 0x7f) tag = (tag & 0x7f) | ((bytes[at++] as number) << 7);
    fields++;
    const wireType = tag & 7;
    if (wireType === 2) {
      let length = bytes[at++] as number;
      if (length > 0x7f) {
        length &= 0x7f;
        for (let shift = 7, more = true; more; shift += 7) {
          const byte = bytes[at++] as number;
          length |= (byte & 0x7f) << shift;
          more = byte > 0x7f;
        }
      }
      if (isMessage(tag >>> 3, level)) fields += walkBytes(bytes, at, at + length, level + 1);
      at += length;
    } else if (wireType === 0) while ((bytes[at++] as number) > 0x7f);
    else at += wireType === 1 ? 8 : 4;
  }
  return fields;
}

/** Resource groups, scope groups, spans, then attributes, events, links and the status, then values. */
function isMessage(field: number, level: number): boolean {
  if (level === 0) return field === 1;
  if (level < 3) return field === 2;
  if (level === 3) return field === 9 || field === 11 || field === 13 || field === 15;
  return level === 4 && field === 2;
}
