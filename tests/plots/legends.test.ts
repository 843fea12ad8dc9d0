import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { draw } from '../../plots/chart.ts';
import type { Panel } from '../../plots/panel.ts';
import { widthOf } from '../../plots/style.ts';

const legends = suite('legends');

const axis = { label: 'x', min: 0, max: 10 };

legends('letters are as wide as the font that comes along has them', () => {
  const font = readFileSync(createRequire(import.meta.url).resolve('dejavu-fonts-ttf/ttf/DejaVuSans.ttf'));
  const word = (at: number) => font.readUInt16BE(at);
  const tables = Object.fromEntries(
    Array.from({ length: word(4) }, (_, i) => [font.toString('latin1', 12 + 16 * i, 16 + 16 * i), font.readUInt32BE(20 + 16 * i)]),
  );
  const format4 = Array.from({ length: word(tables.cmap! + 2) }, (_, i) => tables.cmap! + font.readUInt32BE(tables.cmap! + 8 + 8 * i)).find(
    at => word(at) === 4,
  )!;
  const bytes = word(format4 + 6); // of each of its tables: two a segment
  const glyphOf = (code: number): number => {
    let at = format4 + 14;
    while (word(at) < code) at += 2;
    const [start, delta, offset] = [word(at + bytes + 2), word(at + 2 * bytes + 2), word(at + 3 * bytes + 2)];
    return offset ? word(at + 3 * bytes + 2 + offset + 2 * (code - start)) : (code + delta) & 0xffff;
  };
  const advance = (code: number) => word(tables.hmtx! + 4 * glyphOf(code)) / word(tables.head! + 18);
  for (let code = 32; code < 127; code++) {
    assert.ok(Math.abs(widthOf(String.fromCharCode(code), 100) - 100 * advance(code)) <= 0.5, String.fromCharCode(code));
  }
});

legends('names in a legend end before the next symbol', () => {
  const names = ['mmmmmm MMMM', 'relu, glorot, shortcuts', 'sgd'];
  const svg = draw(
    [{ kind: 'line', x: axis, y: axis, series: names.map(name => ({ name, points: [[0, 0] as const, [9, 1] as const] })) }],
    {
      width: 700,
    },
  );
  const at = names.map(name => {
    const [, x, left] = svg.match(new RegExp(`<text [^>]* x="([\\d.]+)"[^>]*translate\\(([\\d.]+) [^>]*>${name}</text>`))!;
    return Number(x) + Number(left);
  });
  const symbols = [...svg.matchAll(/<path d="M0 5L28 5"[^>]*translate\(([\d.]+) /g)].map(([, x]) => Number(x));
  for (const [i, name] of names.slice(0, -1).entries()) {
    const next = symbols.find(x => x > at[i]!)!;
    assert.ok(
      next - (at[i]! + widthOf(name, 12)) > 8,
      `${name} is ${widthOf(name, 12)} wide from ${at[i]}, and the next begins at ${next}`,
    );
  }
});

legends('a panel of one name has a legend where others have other names, and one name in all has none', () => {
  const named = (svg: string, name: string) => svg.split(`>${name}</text>`).length - 1;
  const of = (name: string): Panel => ({ kind: 'line', x: axis, y: axis, series: [{ name, points: [[0, 0] as const] }] });
  const both = draw([of('train'), of('test')]);
  assert.equal([named(both, 'train'), named(both, 'test')], [1, 1]);
  assert.is(named(draw([of('train'), of('train')]), 'train'), 0);
});

legends.run();
