/** What of a model depends on how many classes there are. */
import { check, show, some } from '../../engine/check.ts';
import type { Layer } from '../../engine/graph.ts';
import { cutBefore, type Cut } from '../../layers/cut.ts';
import type { ModelInput } from '../../models/model.ts';
import { built } from '../evaluate/built.ts';

/** A model that is made for an input. */
type Made = (input: ModelInput) => Layer;

/** The parameters of a model's classifiers, its auxiliary ones included: those that have another shape where there is one class more. */
export function classifierOf(make: Made, input: ModelInput): string[] {
  const shapes = ({ classes, shape }: ModelInput) =>
    built(make({ classes, shape }), shape).weights.map(t => [t.name, show(t.shape)] as const);
  const others = new Map(shapes({ ...input, classes: input.classes + 1 }));
  return shapes(input).flatMap(([name, shape]) => (others.get(name) === shape ? [] : [name]));
}

/** The layer that a parameter belongs to. */
export const layerOf = (parameter: string): string => parameter.slice(0, Math.max(0, parameter.lastIndexOf('.')));

/** A model without its classifier, and that. Throws where it is not one layer that comes after all others. */
export function cutAtClassifier(make: Made, input: ModelInput): Cut {
  const layers = [...new Set(classifierOf(make, input).map(layerOf))];
  check(
    layers.length,
    'model: nothing of it depends on the number of classes, so that it has no classifier to take off',
    "of an ONNX file give the model that it is of, as { model: 'resnet18' }",
  );
  check(
    layers.length === 1,
    `model: it has ${layers.length} classifiers (${some(layers)})`,
    'give one that ends in one, as resnet20 in fc',
  );
  const cut = cutBefore(make(input), layers[0]!);
  check(
    cut,
    `model: nothing says what comes before its classifier ${layers[0]}`,
    'write its last layers as sequential({ … }), or take a model by name',
  );
  return cut;
}
