/** `descent find-lr`. */
import { openDataset } from '../../datasets/node/open.ts';
import { counted } from '../../engine/counted.ts';
import { check } from '../../engine/check.ts';
import { draw } from '../../plots/chart.ts';
import type { Panel } from '../../plots/panel.ts';
import { checkPicture, writePicture } from '../pictures.ts';
import { parseConfig, readingOf } from '../../train/config/config.ts';
import { rangeRates, rangeTestOf } from '../../train/study/find-lr.ts';
import { parseNumber } from '../../engine/spec.ts';
import { print } from '../output.ts';
import { asNew, localRecipe, openSession, type SessionOptions } from '../run/session.ts';

export interface FindLrOptions extends SessionOptions {
  dataset?: string;
  batchSize?: string;
  optimizer?: string;
  normalize?: string;
  loss?: string;
  limitTrain?: string;
  target?: string;
  imageSize?: string;
  resize?: string;
  skipBroken?: boolean;
  ignoreLabel?: string;
  seed?: string;
  from: string;
  to: string;
  steps: string;
  out: string;
  dataDir?: string;
}

export async function findLr(model: string, options: FindLrOptions): Promise<void> {
  const from = parseNumber('--from', options.from, { above: 0 });
  const to = parseNumber('--to', options.to, { above: from });
  const steps = parseNumber('--steps', options.steps, { integer: true, min: 20 });
  const range = { from, to, steps };
  const { dataset, batchSize, optimizer, normalize, loss, limitTrain, target, imageSize, resize, skipBroken, ignoreLabel, seed } = options;
  const folder = { imageSize, resize, skipBroken, ignoreLabel };
  const given = { dataset, batchSize, optimizer, normalize, loss, limitTrain, target, ...folder, seed, valSplit: '0' };
  const recipe = localRecipe(asNew(parseConfig(model, given)));
  checkPicture('--out', options.out);
  const images = await openDataset(recipe.dataset, {
    dataDir: options.dataDir,
    quiet: options.quiet,
    ...readingOf(recipe),
    limitTest: 1,
  });
  const session = await openSession(recipe, images, { ...options, rates: rangeRates(range) });
  try {
    if (!options.quiet && !options.json) print(`${session.title}\nrates from ${from} to ${to} in ${counted(steps, 'step')}`);
    const { points, proposed } = await rangeTestOf(session.trainer, range);
    const series = [
      { name: 'loss of each step', points: points.map(p => [p.lr, p.loss] as const), muted: true },
      { name: 'smoothed', points: points.map(p => [p.lr, p.smooth] as const) },
    ];
    const top = Math.ceil(Math.max(points[0]!.loss, points[0]!.smooth) * 3) / 2;
    const panel: Panel = {
      kind: 'line',
      title: `${recipe.config.model} on ${recipe.dataset}`,
      x: { label: 'learning rate', log: true },
      y: { label: String(session.recipe.loss), min: 0, max: top },
      series,
      ...(proposed !== undefined && { marks: [{ x: proposed, label: String(Number(proposed.toPrecision(2))) }] }),
    };
    const picture = draw([panel], { title: 'Learning-rate range test', width: 560, height: 320 });
    const pictures = await writePicture(options.out, picture);
    const written = pictures.join(' and ');
    if (options.json) print(JSON.stringify({ proposed: proposed ?? null, pictures, points }));
    check(
      proposed !== undefined,
      `find-lr: the loss never falls between ${from} and ${to}`,
      `try other rates with --from and --to, or more --steps (picture in ${written})`,
    );
    const rate = proposed.toPrecision(2);
    if (!options.json) print(options.quiet ? rate : `proposed: --lr ${rate}, where the loss falls fastest; picture in ${written}`);
  } finally {
    session.close();
  }
}
