/** What the form says below its fields, and what it asks of a data set. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { checkNoFolder, parseConfig } from '../../train/config/config.ts';
import { KEYS, labelOf, optionOf, type Key } from '../../train/config/options.ts';
import { hintOf } from '../../web/form/form.ts';
import { inPageWords } from '../../web/words.ts';
import { refused } from '../support/refusal.ts';

const test = suite('form');
/** Fields with names and options of their own, each explained by itself (web/form/choices.ts), and the one with a line of its own. */
const SPECS: readonly Key[] = ['dataset', 'optimizer', 'schedule', 'augment'];

for (const key of KEYS.filter(key => optionOf(key).group && !SPECS.includes(key)))
  test(`the hint of ${labelOf(key)} is for the page: no flag, no key, no list of what the field offers`, () => {
    const about = hintOf(key).about!;
    const { choices = [] } = optionOf(key).type;
    assert.not.match(about, /--[a-z]/);
    for (const other of KEYS) if (/[A-Z]/.test(other)) assert.not.match(about, new RegExp(`\\b${other}\\b`));
    assert.not.match(about, /\(default:/);
    assert.not.match(about, /^F\d/);
    const repeated = choices.filter(choice => new RegExp(`\\b${choice}\\b`, 'i').test(about));
    assert.ok(choices.length < 4 || repeated.length < 4, `${about} lists ${repeated.join(', ')}`);
    assert.match(about, /\.$/);
  });

test('what is of a folder of images is refused for a data set that is none', async () => {
  const error = await refused(() => checkNoFolder(parseConfig('mlp', { dataset: 'shapes', imageSize: '64' })));
  assert.is(inPageWords(error), 'Image size of a folder: is of a folder of images, and shapes is none; leave it out');
  checkNoFolder(parseConfig('mlp', { dataset: 'shapes' }));
});
test.run();
