/** A trained net as a folder that timm loads: `timm.create_model('local-dir:<folder>', pretrained=True)` (timm/models/_hub.py). */
import { check, named, say } from '../../engine/check.ts';
import type { Moments, Normalize } from '../data/statistics.ts';
import { encodeSafetensors, type Tensors } from '../run/safetensors.ts';

export interface TimmSource {
  /** A model's name and options, as engine/spec.ts reads them. */
  readonly model: { readonly name: string; readonly options: Readonly<Record<string, unknown>> };
  readonly shape: readonly [c: number, h: number, w: number];
  readonly classes: readonly string[];
  readonly weights: Tensors;
  readonly normalize: Normalize;
  readonly moments?: Moments | undefined;
  /** Pixels of the shorter side of a picture before the middle is cut out. */
  readonly resize?: number | undefined;
}

/** A model as timm has it; `proof` is a weight whose shape tells that our layers are laid out as there. */
interface Architecture {
  readonly name: string;
  readonly features: number;
  readonly first: string;
  readonly classifier: string;
  readonly proof: readonly [name: string, area: number];
}

const resnet = (name: string, features: number): Architecture => ({
  name,
  features,
  first: 'conv1',
  classifier: 'fc',
  proof: ['conv1.weight', 49],
});
const vgg = (name: string): Architecture => ({
  name,
  features: 4096,
  first: 'features.0',
  classifier: 'head.fc',
  proof: ['classifier.6.weight', 4096],
});

/** By our names. timm's loader renames the classifier of vgg itself. */
const ARCHITECTURES: Readonly<Record<string, Architecture>> = {
  resnet18: resnet('resnet18', 512),
  resnet34: resnet('resnet34', 512),
  resnet50: resnet('resnet50', 2048),
  'resnet50 32x4': resnet('resnext50_32x4d', 2048),
  'resnet50 1x128': resnet('wide_resnet50_2', 2048),
  resnet101: resnet('resnet101', 2048),
  'resnet101 1x128': resnet('wide_resnet101_2', 2048),
  resnet152: resnet('resnet152', 2048),
  vgg11: vgg('vgg11'),
  vgg13: vgg('vgg13'),
  vgg16: vgg('vgg16'),
  vgg19: vgg('vgg19'),
  'vgg11-bn': vgg('vgg11_bn'),
  'vgg13-bn': vgg('vgg13_bn'),
  'vgg16-bn': vgg('vgg16_bn'),
  'vgg19-bn': vgg('vgg19_bn'),
};

/** The files of the folder by name. Throws where timm has no such model, or normalises otherwise. */
export function timmFiles({
  model,
  shape,
  classes,
  weights,
  normalize,
  moments,
  resize = shape[1],
}: TimmSource): Record<string, Uint8Array | string> {
  const { groups = 1, width = 64 } = model.options;
  const variant = groups === 1 && width === 64 ? '' : ` ${groups}x${width}`;
  const found = ARCHITECTURES[`${model.name}${variant}`];
  const known = [...new Set(Object.keys(ARCHITECTURES).map(name => name.split(' ')[0]!))].join(', ');
  check(found, `timm: it has no ${model.name}${variant && ` of ${groups} groups of ${width}`}`, `export one of ${known}`);
  const [name, area] = found.proof;
  const given = weights[name]?.shape;
  check(
    given && given.slice(name.startsWith('classifier') ? 1 : 2).reduce((a, b) => a * b, 1) === area,
    `timm: its ${found.name} is for images of 224x224, these weights are of the layout for small ones`,
    'train it with stem=imagenet, or head=imagenet',
  );
  const isByChannel = normalize === 'none' || normalize === 'mean' || normalize === 'meanstd';
  check(isByChannel, `timm: normalises by channel, not by ${normalize}`, say`train with ${named('normalize', 'meanstd')}`);
  const each = (value: number) => Array<number>(shape[0]).fill(value);
  const mean = normalize === 'none' ? each(0) : moments!.mean;
  const std = normalize === 'meanstd' ? moments!.std : each(1);
  const config = {
    architecture: found.name,
    num_classes: classes.length,
    num_features: found.features,
    global_pool: 'avg',
    label_names: classes,
    ...(shape[0] !== 3 && { model_args: { in_chans: shape[0] } }),
    pretrained_cfg: {
      input_size: shape,
      fixed_input_size: false,
      interpolation: 'bilinear',
      crop_pct: shape[1] / resize,
      crop_mode: 'center',
      mean,
      std,
      num_classes: classes.length,
      pool_size: shape.slice(1).map(size => Math.ceil(size / 32)),
      first_conv: found.first,
      classifier: found.classifier,
    },
  };
  return { 'model.safetensors': encodeSafetensors(weights, { format: 'pt' }), 'config.json': `${JSON.stringify(config, undefined, 2)}\n` };
}
