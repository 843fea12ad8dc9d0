/** Philox 4x32 with 10 rounds (Salmon et al. 2011, Random123), with exact integers: slow and plainly right. */
export type Four = readonly [number, number, number, number];

export function philox4x32(counter: Four, key: readonly [number, number], rounds = 10): Four {
  let [c0, c1, c2, c3] = counter.map(BigInt) as [bigint, bigint, bigint, bigint];
  let [k0, k1] = key.map(BigInt) as [bigint, bigint];
  const low = (v: bigint) => v & 0xffffffffn;
  for (let i = 0; i < rounds; i++) {
    const a = 0xd2511f53n * c0;
    const b = 0xcd9e8d57n * c2;
    [c0, c1, c2, c3] = [(b >> 32n) ^ c1 ^ k0, low(b), (a >> 32n) ^ c3 ^ k1, low(a)];
    [k0, k1] = [low(k0 + 0x9e3779b9n), low(k1 + 0xbb67ae85n)];
  }
  return [Number(c0), Number(c1), Number(c2), Number(c3)];
}

/** The known answers that come with Random123 (kat_vectors, philox4x32 10). */
export const philoxAnswers: readonly { counter: Four; key: readonly [number, number]; out: Four }[] = [
  {
    counter: [0, 0, 0, 0],
    key: [0, 0],
    out: [0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8],
  },
  {
    counter: [0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff],
    key: [0xffffffff, 0xffffffff],
    out: [0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd],
  },
  {
    counter: [0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344],
    key: [0xa4093822, 0x299f31d0],
    out: [0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1],
  },
];
