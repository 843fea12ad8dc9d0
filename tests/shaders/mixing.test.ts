/** Mixup and CutMix: images and labels of a batch in pairs. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { uniforms } from '../../shaders/kernel/random.ts';
import { parseAugment } from '../../train/config/augment.ts';
import { beta, mixValues } from '../../train/data/augmentation.ts';
import { close, WAYS } from '../support/check.ts';
import { gathered, noise } from '../support/gathered.ts';

const test = suite('mixing');
const images = noise([3, 12, 10], 20);

type Drawn = 'mixRatio' | 'mixShare' | 'mixShift' | 'mixX0' | 'mixX1' | 'mixY0' | 'mixY1';
for (const [text, name] of [
  ['mixup:0.4', 'mixup'],
  ['cutmix', 'cutmix'],
  ['flip,crop:2,mixup:1', 'mixup'],
  ['rotate,cutmix:2', 'cutmix'],
] as const) {
  test(`${text}: images and labels`, async () => {
    const augment = parseAugment(text);
    const n = 6;
    const seed = 9;
    const step = 4;
    const [c, h, w] = images.shape;
    const size = c * h * w;
    for (const way of WAYS) {
      const alone = await gathered(images, { augment: { ...augment, mix: [] } }, { way, n, offset: 6, seed, epoch: 1 });
      const { x, labels } = await gathered(images, { augment }, { way, n, offset: 6, seed, epoch: 1, step });
      const m = mixValues([{ name, alpha: augment.mix[0]!.alpha }], seed, step, n, h, w) as Record<Drawn, number>;
      let boxed = 0;
      const want = Float64Array.from({ length: n * size }, (_, at) => {
        const i = Math.floor(at / size);
        const k = at % size;
        const column = k % w;
        const row = Math.floor(k / w) % h;
        const j = (i + m.mixShift) % n;
        const inBox = column >= m.mixX0 && column < m.mixX1 && row >= m.mixY0 && row < m.mixY1;
        const ratio = inBox ? 0 : m.mixRatio;
        boxed += Number(inBox);
        return ratio * alone.x[i * size + k]! + (1 - ratio) * alone.x[j * size + k]!;
      });
      close(`${way} x`, x, want, 1e-5);
      if (name === 'cutmix') assert.ok(Math.abs(1 - boxed / (n * size) - m.mixShare) < 1e-12, 'labels by the share of the area');
      else assert.is(m.mixShare, m.mixRatio);
      assert.ok(m.mixShift >= 1 && m.mixShift < n);
      const shares = Float64Array.from({ length: n * 5 }, (_, at) => {
        const i = Math.floor(at / 5);
        const k = at % 5;
        return m.mixShare * Number(alone.labels[i] === k) + (1 - m.mixShare) * Number(alone.labels[(i + m.mixShift) % n] === k);
      });
      close(`${way} labels`, labels, shares, 1e-6);
    }
  });
}

test('lambda is Beta(alpha, alpha): mean 1/2, variance 1 / (8 alpha + 4)', () => {
  for (const alpha of [0.1, 0.2, 1, 4]) {
    const u = uniforms(3, 50);
    const values = Array.from({ length: 20000 }, () => beta(alpha, u));
    const mean = values.reduce((a, b) => a + b) / values.length;
    const variance = values.reduce((s, v) => s + (v - mean) ** 2, 0) / values.length;
    const want = 1 / (8 * alpha + 4);
    assert.ok(
      Math.abs(mean - 0.5) < 0.012 && Math.abs(variance / want - 1) < 0.04,
      `alpha ${alpha}: mean ${mean}, variance ${variance}, expected ${want}`,
    );
  }
});

test('both mixup and cutmix: each batch takes one', () => {
  const mix = [
    { name: 'mixup', alpha: 1 },
    { name: 'cutmix', alpha: 1 },
  ] as const;
  const boxes = Array.from({ length: 400 }, (_, step) => mixValues(mix, 0, step, 8, 32, 32)).filter(v => v.mixRatio === 1).length;
  assert.ok(boxes > 160 && boxes < 240, `${boxes} of 400 took cutmix`);
  assert.equal(mixValues(mix, 1, 7, 8, 32, 32), mixValues(mix, 1, 7, 8, 32, 32));
  assert.is(mixValues(mix, 1, 7, 1, 32, 32).mixShift, 0);
});

test.run();
