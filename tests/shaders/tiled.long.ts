/** Every tile on every shape that it fits: a software adapter takes a second to compile each; run with --long. */
import { suite } from 'uvu';
import { CASES, tilesAgree } from '../support/tiles.ts';

const test = suite('tiled, all that fit');

for (const c of CASES) {
  test(`${c.kernel.name}, ${c.why}`, () => tilesAgree(c, { all: true }));
  test(`${c.kernel.name}, ${c.why}, staged in f16`, () => tilesAgree(c, { all: true, half: true }));
}

test.run();
