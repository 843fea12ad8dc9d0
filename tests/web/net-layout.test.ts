/** The net as it is drawn on the page: what is folded, and where boxes stand. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { layerSizes } from '../../train/study/layer-sizes.ts';
import { layoutOf, type Placed } from '../../web/views/net/layout.ts';
import { openAtFirst, sumOf, treeOf, type NetNode } from '../../web/views/net/tree.ts';

const test = suite('the net drawn');
const input = { shape: [3, 32, 32], classes: 10 } as const;
const HEIGHT = 70;
const groupsOf = (nodes: readonly NetNode[]): string[] => nodes.flatMap(n => (n.children.length ? [n.key, ...groupsOf(n.children)] : []));

/** Whether one frame holds the other, or they share no point. */
function areApart(a: Placed, b: Placed): boolean {
  const holds = (o: Placed, i: Placed) =>
    o.isOpen && i.node.key.startsWith(o.node.path) && i.x >= o.x && i.y >= o.y && i.x + i.w <= o.x + o.w && i.y + i.h <= o.y + o.h;
  return a.x + a.w <= b.x || b.x + b.w <= a.x || a.y + a.h <= b.y || b.y + b.h <= a.y || holds(a, b) || holds(b, a);
}

for (const [model, boxes] of [
  ['lenet5', 11],
  ['resnet56', 8],
  ['googlenet', 14],
  ['vgg16', 32],
] as const) {
  test(`${model} is ${boxes} boxes at first; folded or not, on a phone or a wide screen, none overlap`, () => {
    const layers = layerSizes(model, input);
    const tree = treeOf(layers);
    const first = layoutOf(tree, openAtFirst(tree), 1000, HEIGHT);
    assert.is(first.placed.filter(p => !p.isOpen).length, boxes);
    for (const width of [300, 1000]) {
      for (const open of [openAtFirst(tree), new Set(groupsOf(tree).slice(0, 9))]) {
        const { placed, height, links } = layoutOf(tree, open, width, HEIGHT);
        for (const [i, a] of placed.entries()) {
          assert.ok(a.x >= 0 && a.x + a.w <= width + 1e-9 && a.y + a.h <= height + 1e-9, `${a.node.key} is outside`);
          for (const b of placed.slice(i + 1)) assert.ok(areApart(a, b), `${a.node.key} and ${b.node.key}`);
        }
        assert.ok(links.length >= placed.filter(p => p.level === 1).length - 1);
      }
    }
    assert.is(
      tree.reduce((n, node) => n + sumOf(node).parameters, 0),
      layers.reduce((n, l) => n + l.parameters, 0),
    );
  });
}

test('branches stand below one another, and what joins them takes from each', () => {
  const tree = treeOf(layerSizes('googlenet', input));
  const { placed, links } = layoutOf(tree, new Set(['inception3a']), 1000, HEIGHT);
  const inside = placed.filter(p => p.level === 2);
  assert.equal(
    inside.map(p => p.node.label),
    ['branch1', 'branch2', 'branch3', 'branch4', 'output'],
  );
  assert.is(new Set(inside.map(p => p.y)).size, 5);
  assert.is(links.filter(l => l.to === inside[4] && l.kind === 'join').length, 4);
  assert.is(links.filter(l => l.kind === 'input').length, 4);
});

test('where branches part again, the output stands last all the same, and each link has both its ends', () => {
  const tree = treeOf(layerSizes('inception-v3', { shape: [3, 224, 224], classes: 10 }));
  const { placed, links } = layoutOf(tree, new Set(['Mixed_7b']), 1000, HEIGHT);
  const output = placed.filter(p => p.level === 2).at(-1)!;
  assert.is(output.node.label, 'output');
  assert.is(links.filter(l => l.to === output && l.kind === 'join').length, 6);
  const size = { shape: [1], parameters: 0, flops: 0, bytes: 0 };
  const mixed = [
    { name: 'a.first', from: [] },
    { name: 'b', from: ['a.first'] },
    { name: 'a.last', from: ['b'] },
  ].map(layer => ({ ...size, ...layer }));
  const back = layoutOf(treeOf(mixed as never), new Set(), 1000, HEIGHT).links;
  assert.is(back.length, 2);
  assert.ok([...links, ...back].every(l => l.from && l.to));
});

test('a shortcut comes from outside of its block', () => {
  const tree = treeOf(layerSizes('resnet20', input));
  const { placed, links } = layoutOf(tree, new Set(['layer1', 'layer1.1']), 1200, HEIGHT);
  const sum = placed.find(p => p.node.key === 'layer1.1 output');
  assert.equal(
    links.filter(l => l.to === sum).map(l => l.kind),
    ['next', 'input'],
  );
});

test.run();
