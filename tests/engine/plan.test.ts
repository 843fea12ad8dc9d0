import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { fuse } from '../../engine/passes/fuse.ts';
import { Graph } from '../../engine/graph.ts';
import { opName, reads, writes, type Op } from '../../engine/op.ts';
import type { Tensor } from '../../engine/tensor.ts';
import { Layout, plan } from '../../engine/plan.ts';
import { crossEntropy } from '../../layers/loss.ts';
import { models, openModel } from '../../models/index.ts';
import { lenet5 } from '../../models/lenet.ts';
import { DEFAULT_PROFILE, type Profile } from '../../shaders/kernel/kernel.ts';
import { sumSlices } from '../../shaders/kernel/sum-slices.ts';

const test = suite('plan');
const profile: Profile = { ...DEFAULT_PROFILE, lanes: 8, subgroups: true };

function training(): Graph {
  const g = new Graph({ training: true, profile });
  const x = g.tensor([64, 1, 28, 28]); // an activation, as a batch that is gathered
  g.run(sumSlices, { size: x.size, count: 1 }, { slices: g.persistent('input', 'x', x.shape), out: x });
  const logits = lenet5({ classes: 10, shape: [1, 28, 28] })(g, x);
  g.backward(logits, crossEntropy(g, logits, g.persistent('input', 'labels', [64]), g.persistent('state', 'totals', [2]))!);
  return g;
}

/** What must hold of any plan: no two activations alive at once overlap, and no op reads a slot that it writes. */
function checkPlan(ops: readonly Op[], kept: ReadonlySet<Tensor>): ReturnType<typeof plan> {
  const p = plan(ops, kept, 2 ** 27);
  const life = new Map<Tensor, [number, number]>();
  ops.forEach((op, i) => {
    for (const t of Object.values(op.tensors)) {
      if (t.role === 'activation') life.set(t, [life.get(t)?.[0] ?? i, kept.has(t) ? ops.length : i]);
    }
  });
  const all = [...life];
  for (const [i, [a, [a0, a1]]] of all.entries()) {
    for (const [b, [b0, b1]] of all.slice(i + 1)) {
      const pa = p.placeOf.get(a)!;
      const pb = p.placeOf.get(b)!;
      const meet = a0 <= b1 && b0 <= a1 && pa.slot === pb.slot && pa.offset < pb.offset + b.size * 4 && pb.offset < pa.offset + a.size * 4;
      assert.not(meet, `${a.name} and ${b.name} are alive at once in the same bytes`);
    }
  }
  for (const op of ops) {
    for (const r of reads(op)) {
      for (const w of writes(op)) {
        if (r.role === 'activation' && w.role === 'activation') {
          assert.is.not(p.placeOf.get(r)!.slot, p.placeOf.get(w)!.slot, `${opName(op)} ${op.kernel.name} reads and writes one slot`);
        }
      }
    }
  }
  return p;
}

test('LeNet-5 takes at most 10 % more than what is alive at once, and a quarter less than without reuse', () => {
  const g = training();
  const p = checkPlan(fuse(g.ops, g.kept, g.profile), g.kept);
  assert.ok(p.peak <= 1.1 * p.bound, `${p.peak} of ${p.bound}`);
  assert.ok(p.peak < 0.75 * p.sum, `${p.peak} of ${p.sum}`);
});

for (const name of Object.keys(models)) {
  test(`${name} at batch 32 takes at most 10 % more than what is alive at once`, () => {
    const g = new Graph({ training: true, profile });
    const shape = name === 'alexnet' || name === 'inception-v3' ? ([3, 224, 224] as const) : ([3, 32, 32] as const);
    const x = g.persistent('input', 'x', [32, ...shape]);
    const logits = openModel({ name, options: {} }, { classes: 10, shape })(
      g,
      g.record([x], g.map('v', x), () => []),
    );
    g.backward(logits, crossEntropy(g, logits, g.persistent('input', 'labels', [32]), g.persistent('state', 'totals', [2]))!);
    const p = plan(fuse(g.ops, g.kept, profile), g.kept, 2 ** 31);
    assert.ok(p.peak <= 1.1 * p.bound, `${p.peak} of ${p.bound}`);
  });
}

test('kept activations are never written over', () => {
  const g = training();
  const first = writes(g.ops[0]!)[0]!;
  g.kept.add(first);
  checkPlan(fuse(g.ops, g.kept, g.profile), g.kept);
});

test('fusion moves relu and its derivative into their producers, and leaves what others read', () => {
  const g = training();
  const fused = fuse(g.ops, g.kept, g.profile);
  assert.is(fused.filter(op => op.kernel.name === 'elementwise').length, 0);
  assert.ok(g.ops.filter(op => op.kernel.name === 'elementwise').length >= 8);
  const h = new Graph({ training: false, profile });
  const x = h.tensor([8]);
  const y = h.map('v + one', x);
  const z = h.map('max(v, zero)', y);
  h.sum(y, z); // y has two readers: it must be stored
  assert.is(fuse(h.ops, h.kept, h.profile).length, 2, 'the sum joins the relu; the relu cannot join y');
});

test('persistent tensors lie in pages no longer than a binding, gradients as their parameters', () => {
  const layout = new Layout(4096);
  const g = new Graph({ training: true, profile });
  const params = [300, 700, 20, 600].map((n, i) => g.param(`p${i}`, [n], s => new Float32Array(s[0]!)));
  for (const { value, grad } of params) {
    layout.place(value);
    layout.place(grad);
  }
  assert.equal(
    layout.pages('param').map(p => p.bytes <= 4096),
    layout.pages('param').map(() => true),
  );
  assert.ok(layout.pages('param').length > 1);
  for (const { value, grad } of params) {
    const v = layout.place(value);
    const d = layout.place(grad);
    assert.is(v.offset, d.offset);
    assert.is(v.offset % 256, 0);
    assert.is(v.buffer.replace('param', ''), d.buffer.replace('grad', ''));
  }
  assert.throws(
    () => layout.place(g.param('huge', [2000], s => new Float32Array(s[0]!)).value),
    /huge: \[2000\] takes .* more than this adapter binds at once/,
  );
});

test.run();
