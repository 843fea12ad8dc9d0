/** Two tabs of Chromium, each in a context of its own, train one net over WebRTC. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { BuiltPage, onPage } from '../support/process/browser.ts';

process.env.DESCENT_SHARE = 'here'; // the server passes offers on
const test = suite('training together in the page');
const SMALL = { dataset: 'shapes', batchSize: '32', limitTrain: '960', limitTest: '200', logEvery: '10', epochs: '10000', evalEvery: '0' };
let at: BuiltPage;
let other: BuiltPage;

/** Another tab, as another machine has it. */
async function another(): Promise<BuiltPage> {
  const context = await at.page.context().browser()!.newContext({ bypassCSP: true });
  context.setDefaultTimeout(120_000);
  return new BuiltPage(await context.newPage(), at.address, at.folder, () => context.close());
}

if (
  onPage(test, 'together.test.ts', built => {
    at = built;
  })
) {
  test('a second tab joins by a link, both train by easgd, and who closes is let go', async () => {
    other = await another();
    await at.open(`train?${new URLSearchParams(SMALL)}`);
    await at.page.getByText('Train together').click();
    await at.press('Share a new run');
    await at.until('r.step > 5');
    const link = at.page.getByLabel('Link to pass on');
    await link.waitFor();
    await other.page.goto(await link.inputValue());
    await other.until('r.step > 0 && r.who.length === 2');
    await at.until('r.who.length === 2 && r.who[1].exchanged !== undefined');
    await other.close();
    await at.until('r.who.length === 1');
    const { step } = await at.seen();
    await at.until(`r.step > ${step + 60}`);
  });

  test('the console stays silent', () => assert.equal([...at.said, ...other.said], []));
}
test.run();
