/** What attacks leave of the accuracy of a net. */
import { accuracyOf, margins } from './attacks.ts';
import type { Attack, Surroundings } from './by-name.ts';
import { distance } from './carlini-wagner.ts';
import { inBatches, type Images, type Victim } from './victim.ts';

/** What came of one attack. */
export interface Attacked {
  readonly attack: string;
  readonly options: Readonly<Record<string, unknown>>;
  readonly accuracy: number;
  /** The median L2 distance, and the largest difference of a value, of the images that the net knew and mistakes now; undefined without any. */
  readonly l2: number | undefined;
  readonly linf: number | undefined;
}

/** The attacked images, batch after batch. */
export const moved = (victim: Victim, images: Images, attack: Attack, around: Surroundings): Promise<Float32Array> =>
  inBatches(images, victim.batch, batch => attack.run(victim, batch, around));

/** Which images a net takes for what they are. */
const known = async (victim: Victim, x: Float32Array, labels: Uint32Array): Promise<boolean[]> =>
  Array.from(margins(await victim.logits(x), labels), margin => margin < 0);

/** Attacks all images, and says what the net makes of them then. */
export async function attacked(victim: Victim, images: Images, attack: Attack, around: Surroundings): Promise<Attacked> {
  const { x, labels } = images;
  const width = x.length / labels.length;
  const before = await known(victim, x, labels);
  const found = await moved(victim, images, attack, around);
  const after = await known(victim, found, labels);
  const turned = [...labels.keys()].filter(i => before[i] && !after[i]);
  const distances = turned.map(i => distance(found, x, i, width)).sort((a, b) => a - b);
  const differences = turned.map(i => {
    let most = 0;
    for (let at = i * width; at < (i + 1) * width; at++) most = Math.max(most, Math.abs(found[at]! - x[at]!));
    return most;
  });
  return {
    attack: attack.name,
    options: attack.options,
    accuracy: after.filter(Boolean).length / labels.length,
    l2: distances[Math.floor(distances.length / 2)],
    linf: differences.length ? Math.max(...differences) : undefined,
  };
}

/** The accuracy on the images as they are. */
export const natural = async (victim: Victim, { x, labels }: Images): Promise<number> => accuracyOf(await victim.logits(x), labels);
