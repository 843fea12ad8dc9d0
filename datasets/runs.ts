/** Reads under way at a time: a disk takes them in the order that suits it. */
const READS = 16;

/** Items of `size` bytes, of the numbers `indices`, one after the other. `read` gives bytes from a place on; neighbours are read in one go. */
export async function readRuns(
  indices: Uint32Array,
  size: number,
  read: (from: number, bytes: number) => Promise<Uint8Array>,
): Promise<Uint8Array<ArrayBuffer>> {
  const out = new Uint8Array(indices.length * size);
  const starts: number[] = []; // of runs of neighbours
  for (const [i, index] of indices.entries()) if (!i || index !== indices[i - 1]! + 1) starts.push(i);
  let next = 0;
  const work = async () => {
    for (let run = next++; run < starts.length; run = next++) {
      const i = starts[run]!;
      const end = starts[run + 1] ?? indices.length;
      out.set(await read(indices[i]! * size, (end - i) * size), i * size);
    }
  };
  await Promise.all(Array.from({ length: READS }, work));
  return out;
}
