import { lookUp } from '../engine/check.ts';
import type { Layer } from '../engine/graph.ts';
import { optionsIn, type Keyed } from '../engine/parameter.ts';
import { airbench } from './airbench.ts';
import { alexnet, alexnetCifar } from './alexnet.ts';
import { densenet121 } from './densenet.ts';
import { efficientnetB0 } from './efficientnet.ts';
import { enresnet20 } from './enresnet.ts';
import { googlenet } from './googlenet.ts';
import { inceptionV3 } from './inception.ts';
import { lenet5 } from './lenet.ts';
import { mlp } from './mlp.ts';
import { mobilenetV2 } from './mobilenet.ts';
import { readOptions, type Model, type ModelInput } from './model.ts';
import {
  plain20,
  plain32,
  plain44,
  plain56,
  resnet110,
  resnet110sd,
  resnet1202,
  resnet20,
  resnet32,
  resnet44,
  resnet56,
} from './resnet-cifar.ts';
import { resnet101, resnet152, resnet18, resnet34, resnet50, resnext29 } from './resnet.ts';
import { rnnRows } from './rnn-rows.ts';
import { squeezenet } from './squeezenet.ts';
import { vgg11, vgg11bn, vgg13, vgg13bn, vgg16, vgg16bn, vgg19, vgg19bn, vggSmall } from './vgg.ts';
import { wideResnet16x4, wideResnet28x10 } from './wide-resnet.ts';

const known = {
  mlp,
  'rnn-rows': rnnRows,
  lenet5,
  alexnet,
  'alexnet-cifar': alexnetCifar,
  'vgg-small': vggSmall,
  vgg11,
  vgg13,
  vgg16,
  vgg19,
  'vgg11-bn': vgg11bn,
  'vgg13-bn': vgg13bn,
  'vgg16-bn': vgg16bn,
  'vgg19-bn': vgg19bn,
  googlenet,
  resnet20,
  resnet32,
  resnet44,
  resnet56,
  resnet110,
  resnet1202,
  plain20,
  plain32,
  plain44,
  plain56,
  'resnet110-sd': resnet110sd,
  enresnet20,
  resnet18,
  resnet34,
  resnet50,
  resnet101,
  resnet152,
  resnext29,
  'wide-resnet-16-4': wideResnet16x4,
  'wide-resnet-28-10': wideResnet28x10,
  'inception-v3': inceptionV3,
  densenet121,
  squeezenet1_1: squeezenet,
  'mobilenet-v2': mobilenetV2,
  'efficientnet-b0': efficientnetB0,
  airbench,
};

/** The models that the command line and the page know, by name. */
export const models: Readonly<Record<string, Model>> & Readonly<Record<keyof typeof known, Model>> = known;

const own: Record<string, Model> = {};

/** Makes a model of the user's own known under a name, which may be a file's. */
export function addModel(name: string, model: Model): void {
  own[name] = model;
}

/** Whether there is a model of this name. */
export const isModel = (name: string): boolean => Object.hasOwn(models, name) || Object.hasOwn(own, name);

/** A model's name and options, as engine/spec.ts reads them from `resnet20:shortcut=B`. */
export type ModelSpec = Keyed;

/** The options that a spec gives a model. Throws where one is unknown or not accepted. */
function optionsOf(model: Model, spec: ModelSpec): ModelSpec['options'] {
  const given = optionsIn(spec, model.options ?? {});
  return model.options ? readOptions(spec.name, model.options, given) : given;
}

/**
 * The model that a spec names, those made known by addModel included, with its options. Throws, before anything is built, where the name or
 * an option is unknown or not accepted.
 */
export function modelFrom(spec: ModelSpec) {
  const model = lookUp('model', spec.name, { ...models, ...own });
  const options = optionsOf(model, spec);
  return { name: spec.name, whitened: model.whitened, layer: (input: ModelInput): Layer => model(input, options) };
}

/** The layer that a spec names. Throws as modelFrom does. */
export const openModel = (spec: ModelSpec, input: ModelInput): Layer => modelFrom(spec).layer(input);
