/** The rows of `descent bench kernels` name calls that exist. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { rows } from '../../bench/rows.ts';
import { DEFAULT_PROFILE, fitting } from '../../shaders/kernel/kernel.ts';
import { source } from '../../shaders/kernel/source.ts';

const test = suite('bench rows');

for (const lanes of [8, 0]) {
  const profile = { ...DEFAULT_PROFILE, lanes, subgroups: true };
  test(`each row binds what its kernel needs, and every variant has its code, ${lanes ? 'on a software adapter' : 'on a GPU'}`, async () => {
    for (const { kernel, params, label, tensors } of rows(profile)) {
      const bound = Object.keys(kernel.bindings).filter(name => name in tensors);
      const what = `${kernel.name} ${label}`;
      for (const name of Object.keys(tensors)) assert.ok(name in kernel.bindings, `${what}: no binding ${name}`);
      for (const [name, access] of Object.entries(kernel.bindings)) {
        assert.ok(access.endsWith('?') || name in tensors, `${what}: ${name} is not bound`);
      }
      const variants = fitting(kernel, params, profile);
      assert.ok(variants.length, what);
      for (const v of variants) assert.match(await source(kernel, v, params, profile, bound), /fn main/, what);
    }
  });
}

test.run();
