import { check, lookUp } from '../engine/check.ts';
import type { Layer } from '../engine/graph.ts';
import { lenet5 } from './lenet.ts';
import { mlp } from './mlp.ts';
import type { Model, ModelInput } from './model.ts';

/** The models that the command line and the page know, by name. */
export const models: Readonly<Record<string, Model>> = {
  mlp, lenet5,
};

/** A model's name and options, as train/spec.ts reads them from `resnet20:shortcut=B`. */
export interface ModelSpec { readonly name: string; readonly value?: unknown; readonly options: Readonly<Record<string, unknown>> }

/** The layer that a spec names; a bare `lenet5:classic` switches a flag on. Throws where the name or an option is unknown or a value not accepted. */
export function openModel({ name, value, options }: ModelSpec, input: ModelInput): Layer {
  const build = lookUp('model', name, models), own = build.options ?? {}, isFlag = typeof own[String(value)]?.default === 'boolean';
  check(value === undefined || isFlag, `${name}: '${String(value)}' is no option; ${Object.keys(own).length ? `write ${name}:key=value, the keys are ${Object.keys(own).join(', ')}` : 'it has none'}`);
  return build(input, { ...isFlag && { [String(value)]: true }, ...options });
}
