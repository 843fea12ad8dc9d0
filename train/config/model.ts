/** A model as a program names it. */
import { check, DescentError, kindOf } from '../../engine/check.ts';
import type { Layer } from '../../engine/graph.ts';
import type { Model, ModelInput } from '../../models/model.ts';
import type { ChosenModel } from './recipe.ts';
import { isFileName, parseSpec } from '../../engine/spec.ts';

const ADVICE = "give a name as 'lenet5' or 'resnet20:shortcut=B', or a function of { classes, shape } that returns a layer";

/**
 * A model by its name with its options, as the command line takes them, or by its function, whose name it has where it has one. The models
 * are loaded where a name is given: an app that gives functions takes along those that it imports. Throws where it is neither.
 */
export async function chosenModel(model: string | Model): Promise<ChosenModel> {
  if (typeof model === 'string') return byName(model);
  check(typeof model === 'function', `model: it is ${kindOf(model)}`, ADVICE);
  return { name: nameOf(model) ?? model.name, whitened: model.whitened, layer: input => layerOf(model, input) };
}

async function byName(text: string): Promise<ChosenModel> {
  const spec = parseSpec('model', text);
  const { isModel, modelFrom } = await import('../../models/index.ts');
  check(
    !isFileName(spec.name) || isModel(spec.name),
    `model: '${text}' is a file, and a program loads code itself`,
    'import it, and give the function',
  );
  return modelFrom(spec);
}

/** The layer that a function gives. */
function layerOf(model: Model, input: ModelInput): Layer {
  let layer: unknown;
  try {
    layer = model(input);
  } catch (cause) {
    if (cause instanceof DescentError) throw cause;
    throw Object.assign(new DescentError(`model: its function fails: ${(cause as Error).message.split('\n')[0]}`, ADVICE), { cause });
  }
  check(typeof layer === 'function', `model: its function returns ${kindOf(layer)}, which is no layer`, ADVICE);
  return layer as Layer;
}

/** What a file of weights calls a model: its name where it has one. */
export const nameOf = (model: string | Model): string | undefined => (typeof model === 'string' ? model : model.id);
