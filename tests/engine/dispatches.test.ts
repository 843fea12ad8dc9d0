/** How many dispatches a step takes, as planned for software adapters and for GPUs; no device runs them. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { Graph } from '../../engine/graph.ts';
import { fuse } from '../../engine/passes/fuse.ts';
import { together } from '../../engine/passes/together.ts';
import { crossEntropy } from '../../layers/loss.ts';
import { openModel } from '../../models/index.ts';
import { DEFAULT_PROFILE, type Profile } from '../../shaders/kernel/kernel.ts';

const test = suite('dispatches');
const GPU: Profile = { ...DEFAULT_PROFILE, maxBindings: 10, maxWorkgroup: 1024, maxWorkgroupBytes: 32768 };
const MOST = 120;
const SOFTWARE: Profile = { ...GPU, lanes: 8, subgroups: true };

/** The kernels of a model's step, but for the gathering of images and the update, a dispatch each. */
function kernelsOf(name: string, profile: Profile, batch: number): string[] {
  const g = new Graph({ training: true, profile });
  const logits = openModel({ name, options: {} }, { classes: 10, shape: [3, 32, 32] })(g, g.tensor([batch, 3, 32, 32], 'input', 'x'));
  const dy = crossEntropy(g, logits, g.tensor([batch], 'input', 'labels'), g.tensor([4], 'state', 'totals'));
  g.backward(logits, dy!);
  return together(fuse(g.ops, g.kept, profile), g.kept, profile).map(op => op.kernel.name);
}

for (const [name, way, profile, batches] of [
  ['resnet20', 'a GPU', GPU, [32, 128, 512]],
  ['resnet20', 'a software adapter', SOFTWARE, [32, 128, 512]],
  ['resnet18', 'a GPU', GPU, [128, 512]],
] as const) {
  test(`a step of ${name} takes at most ${MOST} on ${way}`, () => {
    for (const batch of batches) {
      const kernels = kernelsOf(name, profile, batch);
      const counts = [...new Set(kernels)].map(kernel => `${kernels.filter(k => k === kernel).length} ${kernel}`);
      assert.ok(kernels.length + 2 <= MOST, `${kernels.length + 2} in batches of ${batch}: ${counts.join(', ')}`);
    }
  });
}

test.run();
