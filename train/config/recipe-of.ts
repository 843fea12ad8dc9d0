/** The recipe of a configuration whose model is known by its name. */
import { modelCalled, modelOptions, openModel } from '../../models/index.ts';
import type { RunConfig } from './config.ts';
import { recipeWith, type Recipe } from './recipe.ts';
import { parseSpec } from './spec.ts';

/** Throws where a text names what does not exist, or where options do not go together. */
export function recipeOf(config: RunConfig): Recipe {
  const spec = parseSpec('model', config.model);
  modelOptions(spec); // before anything is built
  const { whitened } = modelCalled(spec.name);
  return recipeWith(config, { name: spec.name, whitened, layer: input => openModel(spec, input) });
}
