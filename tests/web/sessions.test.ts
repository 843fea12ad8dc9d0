/** Runs of two tabs that train together, their workers' sessions in one process: whoever rests, comes back or loses its device, all go on from the same. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import '../../node.ts';
import { parseConfig } from '../../train/config/config.ts';
import type { Who } from '../../train/distribute/channels/protocol.ts';
import type { RunState } from '../../web/worker/protocol.ts';
import { Session } from '../../web/worker/session.ts';

const test = suite('sessions that train together');
const SMALL = { dataset: 'shapes', batchSize: '16', limitTrain: '320', limitTest: '20', logEvery: '1', epochs: '100000' };
const OPTIONS = { base: 'http://localhost/', evalEvery: 10 };

class Tab {
  readonly session: Session;
  state: RunState = 'building';
  step = 0;
  who: readonly Who[] = [];
  message = '';

  constructor() {
    this.session = new Session(event => {
      if (event.kind === 'state') {
        this.state = event.state;
        this.message = String(event.message ?? '');
      }
      if (event.kind === 'state' || event.kind === 'rewind') this.step = event.step ?? this.step;
      if (event.kind === 'metrics') this.step = Math.max(this.step, ...event.lines.map(line => line.step));
      if (event.kind === 'who') this.who = event.who;
    });
  }
}
async function until(holds: () => boolean): Promise<void> {
  while (!holds()) await new Promise(resolve => setTimeout(resolve, 5));
}

for (const method of ['local:every=5', 'easgd:every=5']) {
  test(`${method}: who joins, rests or loses its device goes on from the host’s weights; who leaves keeps them`, async () => {
    const config = parseConfig('mlp:hidden=8', { ...SMALL, distribute: method });
    const [a, b] = [new Tab(), new Tab()];
    for (const { session } of [a, b]) await session.open(config, OPTIONS, { files: {}, folders: {} });
    const { port1, port2 } = new MessageChannel();
    const bTrains = () => until(() => a.who[1]?.state === 'trains');
    /** Has both train on, and compares them while the host rests. */
    const same = async (when: string) => {
      await bTrains();
      const { step } = b;
      await until(() => b.step >= step + 20);
      await a.session.pause();
      await until(() => a.who[1]!.state === 'waits');
      const [one, other] = [await a.session.exportWeights(false), await b.session.exportWeights(false)];
      assert.ok(Buffer.from(one).equals(Buffer.from(other)), when);
      assert.is(a.step, b.step, when);
      a.session.play();
    };
    a.session.play();
    await until(() => a.step > 10);
    a.session.admit(2, port1);
    b.session.join(port2);
    b.session.play();
    await same('after it joined');
    await bTrains();
    await b.session.pause();
    const { step } = a;
    await until(() => a.who[1]!.state === 'rests' && a.step > step + 10);
    b.session.play();
    await same('after a rest');
    await bTrains();
    await a.session.loseDevice();
    await until(() => a.state === 'running');
    await same('after the host lost its device');
    await bTrains();
    await b.session.leave();
    await until(() => a.who.length === 1);
    for (const { session } of [a, b]) await session.pause();
    assert.equal([a.state, b.state, b.who.length], ['paused', 'paused', 0]);
    await a.session.leave();
  });
}

test('a method that speaks at every step is refused', async () => {
  const opening = new Tab().session.open(parseConfig('mlp:hidden=8', { ...SMALL, distribute: 'downpour' }), OPTIONS, {
    files: {},
    folders: {},
  });
  const message = await opening.catch((error: Error) => error.message);
  assert.is(message, 'distribute downpour: tabs speak too slowly for it; take local or easgd');
});

test.run();
