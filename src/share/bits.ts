/** Writes the low `count` bits of `value` at bit `from` of `bytes`, most significant first; the bits there must be zero. */
export function writeBits(bytes: Uint8Array, from: number, count: number, value: number): void {
  for (let bit = from; bit < from + count; bit++) {
    const one = (value >> (from + count - 1 - bit)) & 1;
    bytes[bit >> 3] = (bytes[bit >> 3] ?? 0) | (one << (7 - (bit & 7)));
  }
}

/** Joins symbols of `width` bits, most significant first, into `into`; the rest of `into` becomes zero. */
export function joinSymbols(symbols: Uint16Array, width: number, into: Uint8Array): void {
  const mask = (1 << width) - 1;
  let pending = 0;
  let held = 0;
  let at = 0;
  into.fill(0);
  for (const symbol of symbols) {
    pending = ((pending & 0xff) << width) | (symbol & mask);
    held += width;
    while (held >= 8) {
      held -= 8;
      into[at++] = pending >> held;
    }
  }
  if (held > 0) into[at] = pending << (8 - held);
}
