/** Mutations of bytes from a seed: what damages, cuts, foreign tools and malice make of a file. */

/** Numbers in [0, 1), the same for the same seed (mulberry32). */
export function numbersFrom(seed: number): () => number {
  let a = seed | 0;
  return () => {
    a = (a + 0x6d2b79f5) | 0;
    let t = Math.imul(a ^ (a >>> 15), 1 | a);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** Texts that JSON, numbers, paths and tables by name stumble over. */
const WORDS = [
  'null',
  '-1',
  '1e999',
  '9007199254740993',
  '""',
  '[]',
  '{}',
  '"__proto__"',
  '"constructor"',
  '\\u0000',
  'NaN',
  '{"toString":1}',
  '"\ud800"',
];

/** `bytes` with one to four changes: flips, cuts, repeats, runs of one value, words, and large numbers in either byte order. */
export function mutate(bytes: Uint8Array, random: () => number): Uint8Array {
  let out = Buffer.from(bytes);
  const at = () => Math.floor(random() * (out.length + 1));
  const splice = (from: number, to: number, more: Uint8Array) => {
    out = Buffer.concat([out.subarray(0, from), more, out.subarray(to)]);
  };
  for (let n = 1 + Math.floor(random() * 4); n > 0; n--) {
    const from = at();
    const to = Math.min(out.length, from + Math.floor(random() ** 4 * out.length) + 1);
    const word = Buffer.from(WORDS[Math.floor(random() * WORDS.length)]!);
    const large = Buffer.alloc(8, random() < 0.5 ? 0xff : Math.floor(random() * 256));
    const kinds = [
      () => from < out.length && (out[from]! ^= 1 << Math.floor(random() * 8)),
      () => splice(from, out.length, Buffer.of()),
      () => splice(from, to, Buffer.of()),
      () => splice(to, to, out.subarray(from, to)),
      () => out.fill(Math.floor(random() * 256), from, to),
      () => splice(from, from, word),
      () => splice(from, Math.min(out.length, from + word.length), word),
      () => splice(from, Math.min(out.length, from + 4), large.subarray(0, 4)),
      () => splice(from, Math.min(out.length, from + 8), large),
    ];
    kinds[Math.floor(random() * kinds.length)]!();
  }
  return new Uint8Array(out);
}
