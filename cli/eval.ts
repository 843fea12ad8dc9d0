/** `descent eval`. */
import { openDataset } from '../datasets/node/open.ts';
import { OPTIONS } from '../train/config.ts';
import { parseChoice } from '../train/spec.ts';
import { evaluateViews, viewsOf } from '../train/tta.ts';
import { openCheckpoint, type CheckpointOptions } from './checkpoint.ts';
import { percent, print } from './output.ts';
import { openSession, resolved, type SessionOptions } from './session.ts';

export interface EvalOptions extends CheckpointOptions, SessionOptions {
  split: string; tta?: string; batchSize?: string; limitTest?: string; dataDir?: string; json?: boolean; quiet?: boolean;
}

export async function evaluate(path: string, options: EvalOptions): Promise<void> {
  const split = parseChoice('--split', options.split, ['test', 'val']);
  const views = options.tta === undefined ? undefined : viewsOf(options.tta);
  const { file, config: trained, weights, moments } = await openCheckpoint(path, options);
  const config = resolved({
    ...trained,
    ...options.batchSize !== undefined && { batchSize: OPTIONS.batchSize.parse('--batch-size', options.batchSize)! },
    ...options.limitTest !== undefined && { limitTest: OPTIONS.limitTest.parse('--limit-test', options.limitTest)! },
  });
  const dataset = await openDataset(config.dataset,
    { dataDir: options.dataDir, quiet: options.quiet, limitTrain: config.limitTrain, limitTest: config.limitTest,
    imageSize: config.imageSize });
  const session = await openSession(config, dataset, { ...options, judges: true, ...moments && { moments } });
  try {
    session.trainer.loadWeights(weights);
    const { trainer, data } = session;
    const result = await (views ? evaluateViews(trainer, split, data.labels(split), dataset.classes.length, views)
      : trainer.evaluate(split));
    if (options.json) print(JSON.stringify({ file, dataset: config.dataset, split, ...views && { views: views.length }, ...result }));
    else print(`${options.quiet ? '' : `${file} on ${config.dataset}${views ? `, ${views.length} views` : ''}: `}${split} loss ${result.loss.toFixed(4)}  accuracy ${percent(result.accuracy)}`);
  } finally {
    session.close();
  }
}
