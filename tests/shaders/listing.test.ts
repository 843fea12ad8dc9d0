/** What `descent kernels` prints: WGSL that compiles, laid out by its braces, of every way of computing every kernel. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { laidOut } from '../../shaders/kernel/laid-out.ts';
import { ADAPTERS, listed, shownOf, textsOf, type Shown } from '../../shaders/listing.ts';
import { deviceFor } from '../support/check.ts';

const test = suite('listing');

/** One call for each way of computing each kernel on each imagined adapter. */
function oneOfEach(): Shown[] {
  const found = new Map<string, Shown>();
  for (const kernel of listed)
    for (const shown of shownOf(kernel)) {
      const key = `${shown.kernel.name} ${shown.way} ${shown.adapter}`;
      if (!found.has(key) || (shown.leads && !found.get(key)!.leads)) found.set(key, shown);
    }
  return [...found.values()];
}

test('each kernel has ways on each imagined adapter, of which one leads', () => {
  for (const one of listed)
    for (const adapter of ADAPTERS) {
      const shown = [...shownOf(one, [adapter])];
      assert.ok(
        shown.some(s => s.leads),
        `${one.kernel.name}, ${adapter}`,
      );
    }
});

test('the WGSL of every way compiles as it is printed', async () => {
  const { gpu } = await deviceFor();
  const seen = new Set<string>();
  for (const shown of oneOfEach()) {
    const texts = await textsOf(shown);
    const what = `${shown.kernel.name}, ${shown.way}, ${shown.adapter}`;
    assert.ok(texts.length, what);
    for (const { kernel, variant, wgsl } of texts) {
      if (seen.has(wgsl)) continue;
      seen.add(wgsl);
      if (/^enable (chromium_experimental_subgroup_matrix|subgroup_size_control)/m.test(wgsl)) continue; // few adapters have them
      gpu.pushErrorScope('validation');
      const { messages } = await gpu.createShaderModule({ code: wgsl }).getCompilationInfo();
      await gpu.popErrorScope();
      const errors = messages.filter(m => m.type === 'error').map(m => `${m.lineNum}:${m.linePos} ${m.message}`);
      assert.equal(errors, [], `${what}: ${kernel}, ${variant}`);
    }
  }
  assert.ok(seen.size > 150, `${seen.size} texts`);
});

test('a convolution by Winograd is shown stage by stage', async () => {
  const conv = listed.find(one => one.kernel.name === 'conv')!;
  const shown = [...shownOf(conv)].find(s => s.way === 'winograd 4x4' && s.adapter === 'software')!;
  const kernels = (await textsOf(shown)).map(text => text.kernel);
  assert.equal(kernels, ['winograd_weight', 'winograd_input', 'matmul', 'winograd_output']);
});

test('lines are indented by the braces around them, and nothing else of them changes', () => {
  const text =
    'enable f16;\n@group(0) @binding(0) var<storage> x : array<f32>;\n\n\n@compute @workgroup_size(8)\nfn main() {\n\n{\n      let a = f(\n1,\n2);\n} // }\n      if (a) {\nb();\n   } else {\n c(); }\n}';
  const want = `enable f16;
@group(0) @binding(0) var<storage> x : array<f32>;

@compute @workgroup_size(8)
fn main() {
  {
    let a = f(
      1,
      2);
  } // }
  if (a) {
    b();
  } else {
    c(); }
}
`;
  assert.is(laidOut(text), want);
  const words = (wgsl: string) => wgsl.replace(/\s+/g, ' ').trim();
  assert.is(words(laidOut(text)), words(text));
});

test.run();
