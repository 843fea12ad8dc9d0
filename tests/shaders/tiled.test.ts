import { suite } from 'uvu';
import { CASES, tilesAgree } from '../support/tiles.ts';

const test = suite('tiled');

for (const c of CASES.filter(c => c.tiles.length)) {
  test(`${c.kernel.name}, ${c.why}: ${c.tiles.join(', ')}`, () => tilesAgree(c));
  test(`${c.kernel.name}, ${c.why}: ${c.tiles[0]}, staged in f16`, () => tilesAgree(c, { half: true }));
}

test.run();
