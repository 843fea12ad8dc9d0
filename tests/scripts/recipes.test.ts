/** Each recipe is a command that the command line understands, and long ones go on where they stopped. */
import { execFileSync } from 'node:child_process';
import { chmodSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { localRecipe } from '../../cli/run/session.ts';
import { parseConfig } from '../../train/config/config.ts';
import { OPTIONS } from '../../train/config/options.ts';
import { scratchFolders } from '../support/process/scratch.ts';

const test = suite('recipes');
const folder = new URL('../../scripts/recipes/', import.meta.url);
const scratch = scratchFolders(test);

for (const file of readdirSync(folder).sort()) {
  test(file, () => {
    const text = readFileSync(new URL(file, folder), 'utf8');
    assert.match(text, /^# published: .*\d %.*\n# measured: /m, 'names the published figure and has a place for what was measured');
    assert.match(text, /^# published: .*\((?:arXiv \d|[A-Z][^)]* \d{4}).*\)$/m, 'and the source of that');
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

const resumable = readdirSync(folder).filter(file => readFileSync(new URL(file, folder), 'utf8').includes('resumable.sh'));
test('a long recipe trains into its folder, goes on with the run that lies there, and measures it by six views', async () => {
  assert.equal(resumable, ['airbench-muon.sh', 'airbench.sh', 'resnet20-onecycle.sh']);
  const base = await scratch();
  const npx = join(base, 'npx');
  writeFileSync(npx, '#!/bin/sh\necho "$*"\n');
  chmodSync(npx, 0o755);
  for (const file of resumable) {
    const run = join(base, file);
    const said = (words: string[], RUN = run): string[] => {
      const env = { ...process.env, PATH: `${base}${delimiter}${process.env.PATH}`, RUN };
      return execFileSync(fileURLToPath(new URL(file, folder)), words, { env, encoding: 'utf8' })
        .trim()
        .split('\n');
    };
    const [begun, measured, ...rest] = said(['--seed', '3']);
    assert.match(begun!, /^descent train \w.* --seed 3 --out /);
    assert.ok(begun!.endsWith(`--out ${run}`), begun);
    assert.equal([measured, rest], [`descent eval ${run} --tta flip+flip+shifts --tta-mean logits`, []]);
    assert.match(said([], '')[1]!, `descent eval runs/${file.replace('.sh', '')} `);
    mkdirSync(run);
    writeFileSync(join(run, 'config.json'), '{}');
    assert.equal(said([]), [`descent train --resume ${run}`, measured]);
  }
});

test.run();
