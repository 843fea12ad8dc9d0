/** A net as a tree of its layers' names: stages hold blocks, blocks hold layers. */
import type { LayerSizes } from '../../../train/study/layer-sizes.ts';

export interface NetNode {
  /** Its path, and another text where that is the group's too. */
  readonly key: string;
  readonly path: string;
  /** What stands in its box. */
  readonly label: string;
  /** In the order in which they are computed; of a layer itself none. */
  readonly children: readonly NetNode[];
  readonly layers: readonly LayerSizes[];
}

/** Boxes up to which groups are unfolded at first. */
const FEW = 12;
/** A net of so few parts that their names alone say nothing of it. */
const PARTS = 4;

/** The parts of a net, or of the group `path` in it. */
export function treeOf(layers: readonly LayerSizes[], path = ''): NetNode[] {
  const start = path ? path.length + 1 : 0;
  const parts = new Map<string, LayerSizes[]>();
  for (const layer of layers) {
    const key = layer.name === path ? `${path} output` : layer.name.slice(0, start) + layer.name.slice(start).split('.')[0]!;
    parts.set(key, [...(parts.get(key) ?? []), layer]);
  }
  return Array.from(parts, ([key, own]) => {
    const isOutput = key === `${path} output`;
    const isLayer = isOutput || (own.length === 1 && own[0]!.name === key);
    return {
      key,
      path: isOutput ? path : key,
      label: isOutput ? 'output' : labelOf(key),
      children: isLayer ? [] : treeOf(own, key),
      layers: own,
    };
  });
}

/** The last word of a path, with the one before it where that is a number. */
const labelOf = (path: string): string =>
  path
    .split('.')
    .slice(/\.\d+$/.test(path) ? -2 : -1)
    .join('.');

/** What is unfolded at first: small groups, and the parts of a net that has but few. */
export function openAtFirst(nodes: readonly NetNode[]): Set<string> {
  const groups = nodes.filter(n => n.children.length > 0);
  const all = nodes.reduce((n, node) => n + Math.max(1, node.children.length), 0);
  return new Set(nodes.length < PARTS || all <= FEW ? groups.map(n => n.key) : []);
}

/** What all the layers of a node learn and cost; its shape is that of its output. */
export function sumOf({ layers }: Pick<NetNode, 'layers'>): Pick<LayerSizes, 'shape' | 'parameters' | 'flops' | 'bytes'> {
  const sum = (of: (l: LayerSizes) => number) => layers.reduce((n, l) => n + of(l), 0);
  const shape = layers.findLast(l => l.shape.length)?.shape ?? [];
  return { shape, parameters: sum(l => l.parameters), flops: sum(l => l.flops), bytes: sum(l => l.bytes) };
}
