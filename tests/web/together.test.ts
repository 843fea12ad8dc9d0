/** Two tabs of Chromium, each in a context of its own, train one net over WebRTC. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { onPage, type BuiltPage } from '../support/process/browser.ts';

process.env.DESCENT_SHARE = 'here'; // the server passes offers on
const test = suite('training together in the page');
const SMALL = {
  model: 'mlp:hidden=8',
  dataset: 'shapes',
  batchSize: '16',
  limitTrain: '320',
  limitTest: '20',
  epochs: '100000',
  evalEvery: '0',
};
let at: BuiltPage;
let other: BuiltPage;

if (
  onPage(test, 'together.test.ts', built => {
    at = built;
  })
) {
  test('a second tab joins by a link, both train by easgd, and who closes is let go', async () => {
    other = await at.another();
    await at.open(`train?${new URLSearchParams(SMALL)}`);
    const link = await at.share();
    await at.until('r.step > 5');
    await other.page.goto(link);
    await other.until('r.step > 0 && r.who.length === 2 && r.own === 2');
    await at.until('r.who.length === 2 && r.who[1].exchanged !== undefined');
    await other.close();
    await at.until('r.who.length === 1');
    const { step } = await at.seen();
    await at.until(`r.step > ${step + 60}`);
  });

  test('who shares a run no more while it trains is told that it goes on', async () => {
    await at.press('Stop sharing');
    await at.page
      .locator('#notice', { hasText: /it is shared no more; the weights of step \d+ stay here, and it goes on alone/ })
      .waitFor();
    const { step } = await at.seen();
    await at.until(`r.state === 'running' && r.step > ${step + 20}`);
  });

  test('the console stays silent', () => assert.equal([...at.said, ...other.said], []));
}
test.run();
