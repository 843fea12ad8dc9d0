/** `descent eval --attack`: what attacks leave of the accuracy of a trained net. */
import { counted } from '../../engine/counted.ts';
import { check } from '../../engine/check.ts';
import type { Attack } from '../../train/study/robust/by-name.ts';
import { imagesUnderAttack, victimOfRun } from '../../train/study/robust/of-run.ts';
import { attacked, natural, type Attacked } from '../../train/study/robust/under-attack.ts';
import type { Part } from '../../train/data/split.ts';
import { figure, percent, print } from '../output.ts';
import type { Evaluated } from './session.ts';

interface AttackFlags {
  readonly dropout?: boolean | undefined;
  readonly json?: boolean | undefined;
  readonly quiet?: boolean | undefined;
}

/** Attacks the images of a part by each of `attacks` and prints what the net makes of them. */
export async function evaluateUnderAttack(
  { file, weights, recipe, dataset, session }: Evaluated,
  part: Part,
  attacks: readonly Attack[],
  { dropout: draws, json, quiet }: AttackFlags,
): Promise<void> {
  check(!dataset.outputs, `--attack: is of classes, and ${dataset.name} has numbers to predict`, 'leave it out');
  const { data, device, model } = session;
  const { low, high, ...images } = await imagesUnderAttack(data, part);
  const { seed } = recipe;
  const batch = Math.min(recipe.batchSize / recipe.accumulate, images.labels.length);
  const victim = victimOfRun(device, model, weights, data, { batch, seed, draws });
  try {
    const accuracy = await natural(victim, images);
    const n = images.labels.length;
    const of = quiet ? '' : `${file} on ${recipe.dataset}, ${counted(n, `${part} image`)}: `;
    if (!json) print(`${of}accuracy ${percent(accuracy)}`);
    const found: Attacked[] = [];
    for (const attack of attacks) {
      const told = await attacked(victim, images, attack, { low, high, seed });
      found.push(told);
      if (!json) print(lineOf(attack, told));
    }
    if (json) print(JSON.stringify({ file, dataset: recipe.dataset, split: part, images: n, accuracy, attacks: found }));
  } finally {
    victim.destroy();
  }
}

const lineOf = ({ text }: Attack, { accuracy, l2, linf }: Attacked): string => {
  const moves = l2 === undefined ? '' : `  mistaken at a median L2 distance of ${figure(l2)}, differences up to ${figure(linf!)}`;
  return `${text}: accuracy ${percent(accuracy)}${moves}`;
};
