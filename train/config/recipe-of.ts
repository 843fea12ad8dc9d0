/** The recipe of a configuration whose model is known by its name. */
import { modelFrom } from '../../models/index.ts';
import type { RunConfig } from './config.ts';
import { recipeWith, type Recipe } from './recipe.ts';
import { parseSpec } from '../../engine/spec.ts';

/** Throws where a text names what does not exist, or where options do not go together. */
export const recipeOf = (config: RunConfig): Recipe => recipeWith(config, modelFrom(parseSpec('model', config.model)));
