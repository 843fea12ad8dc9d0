/** First weights that go by the training images, once a trainer has them on the device. */
import type { Layer } from '../../engine/graph.ts';
import type { Recipe } from '../config/recipe.ts';
import type { Trainer } from '../step/trainer.ts';
import { boxInit } from './box.ts';
import { lsuv } from './lsuv.ts';
import { BOXES } from './schemes.ts';
import { whitenFirst } from './whiten-patches.ts';

/** Replaces the weights of the trainer's `model` by those that its recipe asks for. */
export async function drawByData({ initScheme, seed, model: { whitened } }: Recipe, { graph, data }: Trainer, model: Layer): Promise<void> {
  if (initScheme === 'lsuv') await lsuv({ model, seed }, data);
  const box = BOXES.find(name => name === initScheme);
  if (box) boxInit(graph, data, box, seed);
  if (whitened) await whitenFirst(graph, data, whitened);
}
