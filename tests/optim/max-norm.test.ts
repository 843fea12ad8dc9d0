/** Max-norm where the weights of an output do not lie side by side. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { Graph } from '../../engine/graph.ts';
import { Memory } from '../../engine/memory.ts';
import { Program } from '../../engine/program.ts';
import { sequential } from '../../layers/compose.ts';
import { convTranspose2d } from '../../layers/conv.ts';
import { rules } from '../../optim/index.ts';
import { optimizer } from '../../optim/optimizer.ts';
import { maxNorm } from '../../optim/pieces.ts';
import { close, deviceFor, random } from '../support/check.ts';

const test = suite('max-norm');

for (const [what, c, o, groups] of [
  ['one group', 2, 3, 1],
  ['two groups', 4, 6, 2],
  ['a group for each channel', 2, 4, 2],
] as const) {
  test(`max-norm of a transposed convolution, ${what}: what comes into each output, whichever input it comes from`, async () => {
    const max = 0.4;
    const device = await deviceFor();
    const memory = new Memory(device);
    const g = new Graph({ training: true, profile: device.profile });
    const chosen = optimizer(rules.sgd!, { lr: 0.1 }, [maxNorm(max)]);
    sequential({ up: convTranspose2d(o, [2, 3], { groups }) })(g, g.persistent('input', 'x', [1, c, 4, 4]));
    const [weight] = [...g.params.values()];
    memory.reserve(g);
    chosen.addTo(g, memory.layout);
    const program = await Program.compile(memory, g);
    const [each, inputs, outputs] = [6, c / groups, o / groups];
    const w = random(weight!.value.size, 3);
    memory.write(weight!.value, Float32Array.from(w));
    program.run({ ...chosen.values(1, 0.1), seed: 0, step: 1 });
    const outputOf = (i: number) => Math.floor(i / each / outputs / inputs) * outputs + (Math.floor(i / each) % outputs);
    const norms = new Map<number, number>();
    w.forEach((v, i) => norms.set(outputOf(i), Math.hypot(norms.get(outputOf(i)) ?? 0, v)));
    assert.is(norms.size, o);
    close(
      'weights',
      await memory.read(weight!.value),
      w.map((v, i) => v * Math.min(1, max / norms.get(outputOf(i))!)),
      1e-6,
    );
    program.destroy();
    memory.destroy();
  });
}

test.run();
