/** Data that a program has in memory, as fit takes them: their limits, what is of files alone, and samples that still come. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { datasetOf, fit, type FitData, type FitOptions, type Sample, type Samples } from '../../../index.ts';
import { useNode } from '../../../train/run/node/platform.ts';
import { refused } from '../../support/refusal.ts';
import { data, images, labels, n, net, quick } from '../../support/rows.ts';

const test = suite('data in memory');
test.before(useNode);

const said = async (options: FitOptions) => (await refused(async () => fit(net, data, options).done)).message;

test('a signal ends a run whose samples still come', async () => {
  const controller = new AbortController();
  let left = false;
  async function* camera() {
    try {
      for (let i = 0; i < 10_000; i++) {
        if (i === 20) controller.abort(new Error('enough'));
        yield { image: images[i % n]!, label: labels[i % n]! };
      }
    } finally {
      left = true;
    }
    throw new Error('it went on');
  }
  const { done } = fit(net, { images: camera() }, { ...quick, signal: controller.signal });
  assert.is(await done.catch((error: Error) => error.message), 'enough');
  assert.ok(left, 'the camera is let go');
});

for (const [what, reason] of [
  ['a signal', 'enough'],
  ['stop()', 'the run was stopped before its samples had come; begin it again'],
] as const) {
  test(`${what} ends a run whose next sample never comes`, async () => {
    const controller = new AbortController();
    let asked = 0;
    const stuck: AsyncIterable<Sample> = {
      [Symbol.asyncIterator]: () => ({
        async next() {
          if (asked++ < 5) return { done: false, value: { image: images[asked]!, label: labels[asked]! } };
          setTimeout(() => (what === 'a signal' ? controller.abort(new Error('enough')) : void run.stop()), 10);
          return new Promise(() => undefined);
        },
        return: () => {
          asked = -1;
          return new Promise(() => undefined);
        },
      }),
    };
    const run = fit(net, { images: stuck }, { ...quick, signal: controller.signal });
    const late = new Promise(resolve => setTimeout(resolve, 5000, 'it went on waiting'));
    assert.is(await Promise.race([run.done.catch((error: Error) => error.message), late]), reason);
    assert.is(asked, -1, 'it is let go');
  });
}

test('limits are of data in memory too, and what is of files is refused', async () => {
  const apart: Samples = { ...data, test: { images: images.slice(0, 30), labels: labels.slice(0, 30) } };
  const end = (samples: FitData) => fit(net, samples, { ...quick, epochs: 1, valSplit: 0, limitTrain: 48, limitTest: 12 }).done;
  const few: Samples = { images: images.slice(0, 48), labels: labels.slice(0, 48) };
  const { step, test } = await fit(
    net,
    { ...few, test: { images: images.slice(0, 12), labels: labels.slice(0, 12) } },
    {
      ...quick,
      epochs: 1,
      valSplit: 0,
    },
  ).done;
  assert.is(step, 2);
  for (const given of [apart, await datasetOf(apart), await datasetOf(apart, 100)]) {
    const found = await end(given);
    assert.equal([found.step, found.test], [step, test]);
  }
  for (const [options, name] of [
    [{ imageSize: 8 }, 'imageSize'],
    [{ resize: 8 }, 'resize'],
    [{ skipBroken: true }, 'skipBroken'],
  ] as const) {
    assert.is(await said(options), `${name}: is of a folder or table, and the data are in memory; leave it out`);
  }
  assert.is(await said({ limitTrain: 0.5 }), 'limitTrain 0.5: a whole number above 0 is accepted');
});

test.run();
