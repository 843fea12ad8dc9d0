/** Every tile on every shape that it fits: a software adapter takes a second to compile each; run with --long. */
import { suite } from 'uvu';
import { CASES, tilesAgree } from './tiles.ts';

const test = suite('tiled, all that fit');

for (const c of CASES) test(`${c.kernel.name}, ${c.why}`, () => tilesAgree(c, true));

test.run();
