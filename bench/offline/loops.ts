/** Finds in machine code the loop of a product along k, and counts by class what it issues. */

/** What an instruction is for, by what it takes the place of. */
export type Class = 'fma' | 'matrix' | 'vector' | 'scalar' | 'local' | 'global' | 'branch' | 'barrier' | 'wait' | 'hint';

export interface Instruction {
  readonly class: Class;
  /** The label that a branch goes to. */
  readonly target?: string;
}

export interface Listing {
  readonly instructions: readonly Instruction[];
  /** The number of the instruction before which a label stands. */
  readonly labels: ReadonlyMap<string, number>;
}

/** A kernel in the code of a machine. */
export interface Compiled {
  readonly label: string;
  readonly variant: string;
  readonly listing: Listing;
  /** Registers of a thread, and how many of them the compiler had to keep in memory. */
  readonly registers: number;
  readonly spilled: number;
  /** Bytes of workgroup memory. */
  readonly shared: number;
}

export type Counts = Readonly<Partial<Record<Class, number>>>;

type Span = readonly [from: number, to: number];

const inside = ([a, b]: Span, [c, d]: Span): boolean => c <= a && b <= d;

function countsOf({ instructions }: Listing, [from, to]: Span, but?: Span): Partial<Record<Class, number>> {
  const counts: Partial<Record<Class, number>> = {};
  for (let i = from; i <= to; i++) {
    if (but && i >= but[0] && i <= but[1]) continue;
    const { class: c } = instructions[i]!;
    counts[c] = (counts[c] ?? 0) + 1;
  }
  return counts;
}

/** The loops, the shortest first: what lies between a label and the last branch back to it. */
function loopsOf({ instructions, labels }: Listing): Span[] {
  const ends = new Map<number, number>();
  instructions.forEach(({ target }, i) => {
    const begin = target === undefined ? undefined : labels.get(target);
    if (begin !== undefined && begin < i) ends.set(begin, Math.max(ends.get(begin) ?? 0, i));
  });
  return [...ends].sort(([a, b], [c, d]) => b - a - (d - c));
}

/**
 * What one thread (NVIDIA) or one wave (AMD) issues in a stage of k, in which it does `multiplications` but for those of matrices. The loop
 * along k is the shortest with a barrier that multiplies; a loop within it that does so is counted as often as it runs.
 */
export function stageOf(listing: Listing, multiplications: number): Counts | undefined {
  const loops = loopsOf(listing);
  const stage = loops.find(l => {
    const { barrier, fma, matrix } = countsOf(listing, l);
    return barrier && (matrix || fma);
  });
  if (!stage) return undefined;
  const inner = loops.find(l => {
    const { barrier, fma } = countsOf(listing, l);
    return l !== stage && inside(l, stage) && fma && !barrier;
  });
  const outer = countsOf(listing, stage, inner);
  if (!inner) return outer;
  const counts = countsOf(listing, inner);
  const runs = (multiplications - (outer.fma ?? 0)) / counts.fma!;
  for (const [c, n] of Object.entries(counts) as [Class, number][]) outer[c] = (outer[c] ?? 0) + n * runs;
  return outer;
}
