/** A model as a program names it. */
import { check, DescentError, kindOf } from '../../engine/check.ts';
import type { Layer } from '../../engine/graph.ts';
import { isModel, models, openModel } from '../../models/index.ts';
import type { Model, ModelInput } from '../../models/model.ts';
import { isFileName, parseSpec } from './spec.ts';

const ADVICE = "give a name as 'lenet5' or 'resnet20:shortcut=B', or a function of { classes, shape } that returns a layer";

/** The layer of a model: of a name with its options, as the command line takes them, or of a function. Throws where it is neither. */
export function layerOf(model: string | Model, input: ModelInput): Layer {
  if (typeof model === 'string') {
    const spec = parseSpec('model', model);
    check(
      !isFileName(spec.name) || isModel(spec.name),
      `model: '${model}' is a file, and a program loads code itself`,
      'import it, and give the function',
    );
    return openModel(spec, input);
  }
  check(typeof model === 'function', `model: it is ${kindOf(model)}`, ADVICE);
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
export const nameOf = (model: string | Model): string | undefined =>
  typeof model === 'string' ? model : Object.keys(models).find(name => models[name] === model);
