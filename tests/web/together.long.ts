/** Two tabs of Chromium train LeNet-5 together: to the accuracy of one, from the same weights, whoever leaves. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { onPage, type BuiltPage } from '../support/process/browser.ts';

process.env.DESCENT_SHARE = 'here'; // the server passes offers on
const test = suite('training together in the page, at length');
const LENET = { dataset: 'shapes', batchSize: '32', limitTrain: '1920', limitTest: '1000', lr: '0.002', evalEvery: '0' };
const ENDLESS = { ...LENET, epochs: '10000' };
let at: BuiltPage;
/** The tensors of a run, as text. */
const WEIGHTS = 'descent.selected.engine.call("exportWeights", false).then(bytes => [...bytes].join())';

const open = (texts: Record<string, string>) => at.open(`train?${new URLSearchParams(texts)}`);
async function accuracy(of: BuiltPage): Promise<number> {
  await of.until('r.state === "done"');
  await of.press('Test');
  await of.until('r.lastTest');
  return of.page.evaluate('descent.selected.lastTest.accuracy');
}

if (
  onPage(test, 'together.long.ts', built => {
    at = built;
    at.page.context().setDefaultTimeout(600_000); // a run of LeNet-5 on a busy machine
  })
) {
  let one: number;
  test('one tab learns', async () => {
    await open({ ...LENET, epochs: '12' });
    await at.press('Start');
    one = await accuracy(at);
    assert.ok(one > 0.75, `accuracy ${one}`);
  });

  for (const method of ['easgd', 'local']) {
    test(`two tabs reach the accuracy of one by ${method}`, async () => {
      const other = await at.another(600_000);
      await open({ ...LENET, epochs: method === 'easgd' ? '36' : '12' });
      await at.page.getByText('Train together').click();
      await at.page.getByLabel('Method', { exact: true }).selectOption(method);
      await at.press('Share a new run');
      const link = at.page.getByLabel('Link to pass on');
      await link.waitFor();
      await other.page.goto(await link.inputValue());
      await other.until('r.who.length === 2 && r.who[1].exchanged !== undefined');
      const both = await Promise.all([at, other].map(accuracy));
      console.log(`${method}: one tab ${one}, two tabs ${both.join(' and ')}`);
      assert.is(both[0], both[1]);
      assert.ok(both[0]! > one - 0.04, `accuracy of two ${both[0]}, of one ${one}`);
      assert.equal([...at.said, ...other.said], []);
      await other.close();
    });

    test(`by ${method}, who joins late has the host’s weights and step once all rest; the host rests all`, async () => {
      const other = await at.another(600_000);
      await open(ENDLESS);
      await at.page.getByText('Train together').click();
      await at.page.getByLabel('Method', { exact: true }).selectOption(method);
      await at.press('Share a new run');
      await at.until('r.step > 40');
      await other.page.goto(await at.page.getByLabel('Link to pass on').inputValue());
      await other.until('r.step > 40 && r.who.length === 2');
      await at.pause();
      await other.until('r.who[0].state === "rests" && r.who[1].state === "waits"');
      const [a, b] = await Promise.all([at, other].map(of => of.page.evaluate<string>(WEIGHTS)));
      assert.is(a, b);
      const { step } = await at.seen();
      assert.is((await other.seen()).step, step);
      await at.press('Resume');
      await other.until(`r.step > ${step + 40}`);
      await other.press('Pause');
      await at.until('r.who[1].state === "rests"');
      await other.press('Resume');
      await at.until('r.who[1].state === "trains"');
      await other.close();
    });
  }

  test('offers and answers go by text; where the host is gone the other says so and goes on alone', async () => {
    const [host, other] = [await at.another(600_000), await at.another(600_000)];
    await host.open(`train?${new URLSearchParams(ENDLESS)}`);
    await host.share();
    await host.press('Invite by text');
    const offer = host.page.getByLabel('Offer to pass on');
    await offer.waitFor();
    await host.page.waitForFunction('document.querySelector("[aria-label=\'Offer to pass on\']").value');
    await other.open('train');
    await other.page.getByText('Train together').click();
    await other.page.getByLabel('Join', { exact: true }).fill(await offer.inputValue());
    await other.press('Join');
    const answer = other.page.getByLabel('Answer to send back');
    await answer.waitFor();
    await host.page.getByLabel('Answer that came back').fill('answer.what');
    await host.press('Accept the answer');
    await host.notes('the answer is not whole; copy all of its text');
    await host.page.getByLabel('Answer that came back').fill(await answer.inputValue());
    await host.press('Accept the answer');
    await other.until('r.step > 0 && r.who.length === 2 && r.who[1].exchanged !== undefined');
    await host.close();
    await other.notes('the host is gone; the weights of step');
    await other.until('r.state === "paused"');
    const { step } = await other.seen();
    await other.press('Resume');
    await other.until(`r.step > ${step + 20}`);
    await other.close();
  });

  test('a link to nobody says so', async () => {
    await at.page.goto('about:blank');
    await at.page.goto(`${at.address}#train?join=AAAAAAAAAAAA`);
    await at.notes('nobody shares a run under this link');
    await at.page.getByLabel('Join', { exact: true }).fill('hello');
    await at.press('Join');
    await at.notes('Join: this is neither a link to a run nor an offer; paste the whole of it');
  });
}
test.run();
