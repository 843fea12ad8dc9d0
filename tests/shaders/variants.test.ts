/** Every variant of every kernel agrees with the reference, and the table of calls leaves none out. */
import { readdirSync } from 'node:fs';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { calls } from '../../shaders/calls.ts';
import { fitting, isWritten, type Kernel, type Profile } from '../../shaders/kernel/kernel.ts';
import { IMAGINED } from '../../shaders/listing.ts';
import { source } from '../../shaders/kernel/source.ts';
import { testVariants } from '../support/variants.ts';

const test = suite('table of calls');

const PROFILES: readonly Profile[] = Object.values(IMAGINED);

const isKernel = (value: unknown): value is Kernel<any> =>
  typeof value === 'object' && value !== null && 'variants' in value && 'bindings' in value;

test('it has each kernel of several variants, and a call for each of these', async () => {
  const kernels = new Set<Kernel<any>>();
  for (const file of readdirSync('shaders', { recursive: true, encoding: 'utf8' }).filter(f => f.endsWith('.ts'))) {
    for (const value of Object.values((await import(`../../shaders/${file}`)) as object)) if (isKernel(value)) kernels.add(value);
  }
  assert.ok(kernels.size > 40, `${kernels.size} kernels`);
  const missing = [...kernels]
    .filter(k => k.variants.length > 1)
    .flatMap(k => {
      const run = calls.filter(c => c.kernel === k).flatMap(c => PROFILES.flatMap(d => fitting(k, c.params, d).map(v => v.name)));
      return k.variants.filter(v => !run.includes(v.name)).map(v => `${k.name}, ${v.name}`);
    });
  assert.equal(missing, []);
});

test('each call binds what its kernel needs', async () => {
  for (const { kernel, params, why, tensors, values = {} } of calls) {
    const given = tensors(params);
    const what = `${kernel.name}, ${why}`;
    for (const name of [...Object.keys(given), ...Object.keys(values)]) assert.ok(name in kernel.bindings, `${what}: no binding ${name}`);
    for (const [name, access] of Object.entries(kernel.bindings)) {
      assert.ok(access.endsWith('?') || name in given, `${what}: ${name} is not bound`);
    }
    const bound = Object.keys(kernel.bindings).filter(name => name in given);
    for (const d of PROFILES)
      for (const v of fitting(kernel, params, d)) {
        const code = await source(kernel, v, params, d, bound);
        assert.match(code, /fn main/, what);
        for (const name of bound.filter(name => isWritten(kernel.bindings[name]!)))
          assert.ok(code.includes(`${name}[`), `${what}: ${v.name} does not write ${name}`);
      }
  }
});

test.run();

testVariants('variants', { all: false });
