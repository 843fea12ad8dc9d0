/** What other libraries call the weights that a model of ours has: one table. Ours are torchvision's names. */
import { check, named, say, type Message } from '../../engine/check.ts';
import type { Tensors } from '../run/safetensors.ts';

/** A name by ours, where the pattern is of it. */
interface Rule {
  readonly from: RegExp;
  readonly to: string | ((...parts: string[]) => string);
}

/** Of blocks that timm counts by stage and torchvision one after another, the number of the first of each stage. */
const firstOf = (counts: readonly number[]): number[] => counts.map((_, i) => counts.slice(0, i).reduce((a, b) => a + b, 1));

/** What timm's inverted residuals call their parts, by what comes first in them. */
const MOBILENET = {
  first: { conv_dw: 'conv.0.0', bn1: 'conv.0.1', conv_pw: 'conv.1', bn2: 'conv.2' },
  rest: { conv_pw: 'conv.0.0', bn1: 'conv.0.1', conv_dw: 'conv.1.0', bn2: 'conv.1.1', conv_pwl: 'conv.2', bn3: 'conv.3' },
} as const;
const EFFICIENTNET = {
  first: {
    conv_dw: 'block.0.0',
    bn1: 'block.0.1',
    'se.conv_reduce': 'block.1.fc1',
    'se.conv_expand': 'block.1.fc2',
    conv_pw: 'block.2.0',
    bn2: 'block.2.1',
  },
  rest: {
    conv_pw: 'block.0.0',
    bn1: 'block.0.1',
    conv_dw: 'block.1.0',
    bn2: 'block.1.1',
    'se.conv_reduce': 'block.2.fc1',
    'se.conv_expand': 'block.2.fc2',
    conv_pwl: 'block.3.0',
    bn3: 'block.3.1',
  },
} as const;
const PART = /^blocks\.(\d+)\.(\d+)\.(conv_\w+|bn\d|se\.conv_\w+)\.(\w+)$/;

/** torchvision's MobileNetV2 counts blocks through all stages, timm within each. */
const mobilenetBlocks = firstOf([1, 2, 3, 4, 3, 3, 1]);
const rules: readonly Rule[] = [
  // torchvision's first DenseNets
  { from: /^(.*denselayer\d+\.(?:norm|conv))\.([12]\.\w+)$/, to: '$1$2' },
  // timm: VGG, whose first dense layers are convolutions there
  { from: /^pre_logits\.fc1\.(\w+)$/, to: 'classifier.0.$1' },
  { from: /^pre_logits\.fc2\.(\w+)$/, to: 'classifier.3.$1' },
  // timm: MobileNetV2 and EfficientNet
  { from: /^conv_stem\.(\w+)$/, to: 'features.0.0.$1' },
  { from: /^bn1\.(\w+)$/, to: 'features.0.1.$1' },
  { from: /^conv_head\.(\w+)$/, to: 'features.18.0.$1' },
  { from: /^bn2\.(\w+)$/, to: 'features.18.1.$1' },
  { from: /^conv_head\.(\w+)$/, to: 'features.8.0.$1' },
  { from: /^bn2\.(\w+)$/, to: 'features.8.1.$1' },
  {
    from: PART,
    to: (_, stage, block, part, kind) =>
      `features.${mobilenetBlocks[Number(stage)]! + Number(block)}.${partOf(MOBILENET, stage!, part!)}.${kind}`,
  },
  {
    from: PART,
    to: (_, stage, block, part, kind) => `features.${Number(stage) + 1}.${block}.${partOf(EFFICIENTNET, stage!, part!)}.${kind}`,
  },
];

const partOf = (parts: { first: Readonly<Record<string, string>>; rest: Readonly<Record<string, string>> }, stage: string, part: string) =>
  (stage === '0' ? parts.first : parts.rest)[part];

/** What stands before all names of torch.nn.DataParallel and torch.compile, and of a model that is a part of another. */
const PREFIX = /^(?:module|_orig_mod|model|backbone|encoder)\./;

/** What classifiers are called: torchvision's, timm's, those of others. */
const CLASSIFIER = /^(?:fc|classifier(?:\.\d+)?|head(?:\.fc)?|last_linear|linear)\.(weight|bias)$/;

/** Shapes of as many values are one where a convolution over the whole image is a dense layer. */
const flat = (shape: readonly number[]): string => `${shape[0]} ${shape.reduce((a, b) => a * b, 1)}`;

/**
 * Tensors under the names of a model, whose own weights and single classifier layer are given, as far as some rule leads to one of them; the
 * others keep theirs. What is a dense layer there takes the weight of a convolution of as many values. Throws, in the name of `who` gave them,
 * where two tensors are one of the model's.
 */
export function renamed(
  given: Tensors,
  own: ReadonlyMap<string, readonly number[]>,
  classifier: string | undefined,
  who: Message = named('init'),
): Tensors {
  const origin = new Map<string, string>();
  const bare: Record<string, Tensors[string]> = {};
  for (const [name, tensor] of Object.entries(given)) {
    const known = nameIn(own, name);
    const first = origin.get(known);
    check(!first || !own.has(known), say`${who}: '${first}' and '${name}' are both the model's '${known}'`, 'give a file of one of them');
    origin.set(known, name);
    bare[known] = tensor;
  }
  const lacks = classifier !== undefined && !Object.hasOwn(bare, `${classifier}.weight`);
  return Object.fromEntries(
    Object.entries(bare).map(([name, tensor]) => {
      const kind = lacks && !own.has(name) ? CLASSIFIER.exec(name)?.[1] : undefined;
      const known = kind ? `${classifier}.${kind}` : name;
      const shape = own.get(known);
      const isFlat = shape?.length === 2 && tensor.shape.length === 4 && flat(shape) === flat(tensor.shape);
      return [known, isFlat ? { shape, data: tensor.data } : tensor];
    }),
  );
}

/** What a model calls the weight of a name, by the first rule that leads to one of its own; a name may have several prefixes. */
function nameIn(own: ReadonlyMap<string, readonly number[]>, name: string): string {
  const candidates = rules.map(({ from, to }) => (from.test(name) ? name.replace(from, to as string) : name));
  const known = [name, ...candidates].find(candidate => own.has(candidate));
  const bare = name.replace(PREFIX, '');
  return known ?? (bare === name ? name : nameIn(own, bare));
}
