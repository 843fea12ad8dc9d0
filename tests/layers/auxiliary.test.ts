import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { withProgram } from '../../engine/compute.ts';
import { Graph, type Layer } from '../../engine/graph.ts';
import { auxiliary } from '../../layers/auxiliary.ts';
import { sequential } from '../../layers/compose.ts';
import { dense } from '../../layers/dense.ts';
import { crossEntropy, lossesOf } from '../../layers/loss.ts';
import { DEFAULT_PROFILE } from '../../shaders/kernel/kernel.ts';
import { close, deviceFor, random } from '../support/check.ts';

const test = suite('auxiliary');

const SHARE = 0.4;
const net = sequential({ trunk: dense(5), head: auxiliary(sequential({ fc: dense(3) }), SHARE), fc: dense(3) });
/** Each head by itself, its trunk of the same name. */
const own = sequential({ trunk: dense(5), fc: dense(3) });
const other = sequential({ trunk: dense(5), head: sequential({ fc: dense(3) }) });

/** Loss, correct answers and gradients of a net on five rows; each weight has values by its name. */
async function trained(layer: Layer) {
  const build = (g: Graph) => {
    const x = g.persistent('input', 'x', [5, 4]);
    const labels = g.persistent('input', 'labels', [5]);
    const totals = g.persistent('state', 'totals', [2]);
    const [first, ...others] = lossesOf(g, crossEntropy, layer(g, x), labels, totals);
    g.backward(...first!, undefined, others);
    for (const t of g.init.keys()) g.init.set(t, () => Float32Array.from(random(t.size, t.name.length + t.size)));
    return { g, x, labels, totals };
  };
  return withProgram(
    await deviceFor(),
    build,
    async (program, { g, x, labels, totals }) => {
      program.memory.write(x, Float32Array.from(random(20)));
      program.memory.write(labels, Uint32Array.of(0, 2, 1, 1, 0));
      program.run({ accumulate: 0, valid: 5 });
      const [loss, correct] = await program.read(totals);
      const gradients: Record<string, Float32Array> = {};
      for (const [name, { grad }] of g.params) gradients[name] = (await program.read(grad)).slice();
      return { loss: loss!, correct: correct!, gradients };
    },
    { training: true },
  );
}

test('the loss of a head counts by its share, its answers do not, and the trunk learns from both', async () => {
  const [both, main, head] = [await trained(net), await trained(own), await trained(other)];
  close('loss', [both.loss], [main.loss + SHARE * head.loss], 1e-6);
  assert.is(both.correct, main.correct);
  const times = (values: Float32Array) => values.map(v => v * SHARE);
  close('gradient of the head', both.gradients['head.fc.weight']!, times(head.gradients['head.fc.weight']!), 1e-6);
  close('gradient of the logits', both.gradients['fc.weight']!, main.gradients['fc.weight']!, 1e-6);
  const trunk = main.gradients['trunk.weight']!.map((v, i) => v + SHARE * head.gradients['trunk.weight']![i]!);
  close('gradient of the trunk', both.gradients['trunk.weight']!, trunk, 1e-6);
});

test('evaluation has the parameters of the head and none of its work', () => {
  const built = (layer: Layer) => {
    const g = new Graph({ training: false, profile: DEFAULT_PROFILE });
    layer(g, g.tensor([5, 4], 'input', 'x'));
    return g;
  };
  const [g, plain] = [built(net), built(own)];
  assert.equal([...g.params.keys()], ['trunk.weight', 'trunk.bias', 'head.fc.weight', 'head.fc.bias', 'fc.weight', 'fc.bias']);
  assert.is(g.ops.length, plain.ops.length);
  assert.is(g.layers.length, plain.layers.length);
});

test.run();
