/** The points of `descent bench scaling`, and what is said of them. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { AXES, foreseen, verdicts } from '../../bench/scaling.ts';
import { network, resnet } from '../../bench/peers/networks.ts';
import { withDevices } from '../support/changed-devices.ts';
import { called } from '../support/process/called.ts';
import { words } from '../support/process/command.ts';

const test = suite('scaling');

test('axes span batches of 1 to 1,024, 20 to 110 layers and images of 28 to 224, and peers are given the same networks', () => {
  const ends = ({ points }: (typeof AXES)['batch']) => [Math.min(...points.map(p => p.at)), Math.max(...points.map(p => p.at))];
  assert.equal(
    [ends(AXES.batch), ends(AXES.depth), ends(AXES.size)],
    [
      [1, 1024],
      [20, 110],
      [28, 224],
    ],
  );
  for (const { points } of Object.values(AXES)) for (const { network, batch } of points) assert.ok(network.ops.length && batch >= 1);
  assert.equal(resnet(20), network('resnet20'));
  assert.is(resnet(110).ops.filter(({ op }) => op === 'block').length, 54);
});

const numbers = { ms: 1, idle: 1, imagesPerSecond: 1, dispatches: 1, activations: 1, bound: 1, device: 1, parameters: 1 };

test('how long a peer will take goes by its ratio at the last point of the same model that it took part in', () => {
  const row = (model: string, ratio?: number) => {
    const point = { model, at: 1, batch: 1, perImage: 1, ...numbers };
    return ratio === undefined ? point : { ...point, peers: { 'jax-js': { ratio, ms: 1, peak: 1 } } };
  };
  const rows = [row('lenet5', 10), row('lenet5', 8), row('lenet5'), row('resnet20')];
  assert.equal([foreseen('jax-js', 'lenet5', 100, rows), foreseen('jax-js', 'resnet20', 100, rows)], [800, undefined]);
});

test('whether the time of an image falls, stays or rises is told in what the axis divides it by', () => {
  const rows = [20, 32, 110].map(at => {
    return { model: 'resnet', at, batch: 32, perImage: at, ...numbers };
  });
  assert.equal(verdicts(AXES.depth, rows), ['resnet: the time of an image and layer falls or stays from each point to the next']);
  const more = rows.with(2, { ...rows[2]!, perImage: 220 });
  assert.equal(verdicts(AXES.depth, more), ['resnet: the time of an image and layer rises by 100 % from 32 to 110']);
  assert.equal(verdicts(AXES.depth, rows.slice(0, 1)), [], 'nothing is told of one point');
});

test('a device that is lost ends it, after what was measured before is told', async () => {
  const args = words('bench scaling --points 1,4,20,32 --json');
  const lose = (gpu: GPUDevice) => gpu.destroy();
  const { out, refusal } = await withDevices(lose, () => called(args, '.'));
  assert.match(refusal, /^device lost on /);
  assert.equal(JSON.parse(out).scaling, { batch: [] });
  assert.equal(Object.keys(JSON.parse(out).missing), ['lenet5 at 1 images a batch']);
});

test.run();
