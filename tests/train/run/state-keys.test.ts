import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import * as keys from '../../../train/run/state-keys.ts';

const test = suite('state keys');

test('keys are those of the run folders that exist', () => {
  const { ruleState, phaseState, swagPart } = keys;
  assert.equal(
    [ruleState('adam', 'm'), keys.gradients, phaseState(2), swagPart('deviation1')].map(s => s.key('a.b')),
    ['adam.m.a.b', 'gradient.a.b', 'phase 2.a.b', 'swag.deviation1.a.b'],
  );
  assert.equal([keys.SCORES, keys.LOSS_SCALE], ['curriculum.scores', 'loss scale']);
  assert.equal([keys.checkpointState.key('a.b'), keys.best.key('a.b')], ['checkpoint state.a.b', 'checkpoint best.a.b']);
  assert.equal(keys.writeCounters({ steps: 7, held: 2 }), { 'counter.steps': '7', 'counter.held': '2', step: '7' });
});

test('counters are read back, and of an older file that has the steps alone', () => {
  const counters = { steps: 7, held: 2, without: 4, swag: 3 };
  assert.equal(keys.readCounters(keys.writeCounters(counters)), counters);
  assert.equal(keys.readCounters({ step: '7' }), { steps: 7 });
});

test('a section reads back what it wrote, and nothing of its neighbours', () => {
  const [one, eleven] = [keys.swagPart('deviation1'), keys.swagPart('deviation11')];
  const table = { ...one.write({ 'conv.weight': 1, b: 2 }), ...eleven.write({ b: 3 }) };
  assert.equal(one.read(table), { 'conv.weight': 1, b: 2 });
  assert.equal(eleven.read(table), { b: 3 });
  assert.equal(keys.gradients.read(table), {});
});

test.run();
