/** Each recipe is a command that the command line understands. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { readdirSync, readFileSync } from 'node:fs';
import { localRecipe } from '../../cli/run/session.ts';
import { parseConfig } from '../../train/config/config.ts';
import { OPTIONS } from '../../train/config/options.ts';

const test = suite('recipes');
const folder = new URL('../../scripts/recipes/', import.meta.url);

for (const file of readdirSync(folder).sort()) {
  test(file, () => {
    const text = readFileSync(new URL(file, folder), 'utf8');
    assert.match(text, /^# published: .*\d %.*\n# measured: /m, 'names the published figure and has a place for what was measured');
    const [model, ...words] = /descent train (\w[^]*?) "\$@"/.exec(text)![1]!.replaceAll('\\\n', ' ').trim().split(/\s+/);
    const given: Record<string, string> = {};
    for (let i = 0; i < words.length; i += 2) {
      const key = Object.entries(OPTIONS).find(([, { flags }]) => flags.split(' ')[0] === words[i])?.[0];
      assert.ok(key, `${words[i]} is no option of descent train`);
      given[key!] = words[i + 1]!.replace(/^'(.*)'$/, '$1');
    }
    assert.is(localRecipe(parseConfig(model!, given)).config.model, model);
  });
}

test.run();
