import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import * as keys from '../../../train/run/state-keys.ts';

const test = suite('state keys');

test('keys are those of the run folders that exist', () => {
  const { ruleState, phaseState, swagPart } = keys;
  assert.equal(
    [ruleState('adam', 'm'), keys.gradients, phaseState(2), swagPart('deviation1'), keys.counters].map(s => s.key('a.b')),
    ['adam.m.a.b', 'gradient.a.b', 'phase 2.a.b', 'swag.deviation1.a.b', 'counter.a.b'],
  );
  assert.equal([keys.SCORES, keys.LOSS_SCALE], ['curriculum.scores', 'loss scale']);
});

test('a section reads back what it wrote, and nothing of its neighbours', () => {
  const [one, eleven] = [keys.swagPart('deviation1'), keys.swagPart('deviation11')];
  const table = { ...one.write({ 'conv.weight': 1, b: 2 }), ...eleven.write({ b: 3 }) };
  assert.equal(one.read(table), { 'conv.weight': 1, b: 2 });
  assert.equal(eleven.read(table), { b: 3 });
  assert.equal(keys.gradients.read(table), {});
});

test.run();
