/** This engine's own training step as a runner beside the peers: the same networks, batch, loss and optimizer, on real images. */
import { openDataset } from '../datasets/node/open.ts';
import type { Device } from '../engine/device.ts';
import { parseConfig } from '../train/config/config.ts';
import { recipeOf } from '../train/config/recipe-of.ts';
import { openTrainer } from '../train/run/open.ts';
import type { Trainer } from '../train/step/trainer.ts';
import type { Runner } from './peers/compare.ts';
import { network } from './peers/networks.ts';

/** `first` is milliseconds to the end of the first step, from the opening of the data. */
export async function ours(
  device: Device,
  name: string,
  batch = network(name).batch,
  dataDir?: string,
): Promise<Runner & { readonly first: number; close(): void }> {
  const { shape, lr } = network(name);
  const start = performance.now();
  const config = parseConfig(name, {
    dataset: shape[0] === 1 ? 'fashion-mnist' : 'cifar10',
    batchSize: String(batch),
    optimizer: 'momentum',
    lr: String(lr),
    valSplit: '0',
  });
  const dataset = await openDataset(config.dataset, { dataDir, quiet: true, limitTrain: 2000, limitTest: 100 });
  const { trainer } = await openTrainer(recipeOf(config), dataset, device);
  for (let i = 0; i < 2; i++) await trainer.step();
  await trainer.settle();
  return { ...runnerOf(trainer), first: performance.now() - start, close: () => trainer.destroy() };
}

export const runnerOf = (trainer: Trainer): Runner => ({
  name: 'descent',
  async step(n, burst = 1) {
    const ms: number[] = [];
    for (let done = 0; done < n; ) {
      const share = Math.min(burst, n - done);
      const from = performance.now();
      for (let i = 0; i < share; i++) await trainer.step();
      await trainer.settle();
      ms.push((performance.now() - from) / share);
      done += share;
    }
    return ms;
  },
});
