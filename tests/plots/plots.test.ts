import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import sharp from 'sharp';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { curves } from '../../train/study/curves.ts';
import { draw } from '../../plots/chart.ts';
import type { Panel } from '../../plots/panel.ts';
import { checkPicture, png, writePicture } from '../../cli/pictures.ts';
import type { MetricsLine } from '../../train/step/metrics.ts';

const plots = suite('plots');

const axis = { label: 'x', min: 0, max: 10 };
const share = { label: 'y', min: 0, max: 1, percent: true };
const line = (points: readonly (readonly [number, number])[], more = {}): Panel => ({
  kind: 'line',
  x: axis,
  y: share,
  series: [{ name: 'a', points }],
  ...more,
});
/** The corners of each drawn line of this colour. */
const paths = (svg: string, colour: string): [number, number][][] =>
  [...svg.matchAll(/<path d="([^"]+)"[^>]*>/g)]
    .filter(([tag]) => tag.includes(`stroke="${colour}"`) && tag.includes('fill="none"'))
    .map(([, d]) => [...d!.matchAll(/[ML]?(-?[\d.]+) (-?[\d.]+)/g)].map(([, x, y]) => [Number(x), Number(y)]));
const BLUE = '#0072b2';
const ORANGE = '#d55e00';

plots('the ground of a panel is drawn from its lower left corner, light where values are low, and not where there is none', () => {
  const svg = draw([
    line([[0, 0]], { y: { ...share, percent: false }, ground: { columns: 2, rows: 2, values: [0, 1, 2, NaN], colours: 'rising' } }),
  ]);
  const squares = [...svg.matchAll(/<path d="M([\d.]+) ([\d.]+)[^>]*fill="(rgb\([^"]+\)|#\w{6})"/g)]
    .map(([, x, y, fill]) => ({ x: Number(x), y: Number(y), fill: fill! }))
    .filter(({ fill }) => fill.startsWith('rgb'));
  assert.is(squares.length, 3);
  const [first, right, above] = squares;
  assert.ok(first!.x < right!.x && first!.y === right!.y, 'columns go to the right');
  assert.ok(above!.y < first!.y && above!.x === first!.x, 'rows go up');
  const dark = squares.map(({ fill }) => fill.match(/\d+/g)!.reduce((sum, c) => sum - Number(c), 0));
  assert.ok(dark[0]! < dark[1]! && dark[1]! < dark[2]!, String(dark));
});

plots('a band is the shade between its two lines, in the colour of its series', () => {
  const band = [
    [0, 0, 0.5],
    [10, 0.5, 1],
  ] as const;
  const points = band.map(([x, low, high]) => [x, (low + high) / 2] as const);
  const svg = draw([{ kind: 'line', x: axis, y: share, series: [{ name: 'a', points, band }] }]);
  assert.is(svg.match(new RegExp(`<polygon points="([^"]+)" fill="${BLUE}"`))![1]!.split(' ').length, 8);
});

plots('a line passes through its points', () => {
  const svg = draw(
    [
      line([
        [0, 0],
        [5, 0.5],
        [10, 1],
      ]),
    ],
    { width: 400, height: 200 },
  );
  const [[a, b, c] = []] = paths(svg, BLUE);
  assert.equal([c![0] - a![0], a![1] - c![1]], [400, 200]); // from corner to corner of the drawing area
  assert.equal([b![0] - a![0], a![1] - b![1]], [200, 100]);
});

plots('a logarithmic axis gives each decade the same width, and leaves out what has no logarithm', () => {
  const svg = draw(
    [
      {
        kind: 'line',
        x: { label: 'x', log: true },
        y: share,
        series: [
          {
            name: 'a',
            points: [
              [-1, 0.5],
              [0, 0.5],
              [0.001, 0],
              [0.1, 0],
              [10, 0],
            ],
          },
        ],
      },
    ],
    { width: 400 },
  );
  const xs = paths(svg, BLUE)
    .flat()
    .map(p => p[0]);
  assert.is(xs.length, 3);
  assert.equal([Math.round(xs[1]! - xs[0]!), Math.round(xs[2]! - xs[1]!)], [200, 200]);
  for (const tick of ['1e-3', '0.1', '10']) assert.ok(svg.includes(`>${tick}</text>`), tick);
});

plots('a point that is not finite breaks the line', () => {
  const parts = paths(
    draw([
      line([
        [0, 0],
        [2, 1],
        [4, NaN],
        [6, Infinity],
        [8, 1],
        [10, 0],
      ]),
    ]),
    BLUE,
  ).filter(p => p.length);
  assert.not(/NaN|Infinity/.test(draw([line([[0, NaN]])])));
  assert.is(parts.flat().length, 4);
});

plots('a name has one colour in all panels; muted lines have no legend', () => {
  const series = (name: string) => ({
    name,
    points: [
      [0, 0],
      [10, 1],
    ] as const,
  });
  const svg = draw([
    { kind: 'line', x: axis, y: share, series: [series('a'), series('b'), { ...series('contour'), muted: true }] },
    { kind: 'line', x: axis, y: share, series: [series('b')] },
  ]);
  const long = (colour: string) => paths(svg, colour).filter(p => Math.abs(p.at(-1)![1] - p[0]![1]) > 100).length;
  assert.equal([long(BLUE), long(ORANGE), long('#b0b0b0')], [1, 2, 1]);
  assert.not(svg.includes('>contour</text>'));
});

plots('a bar is as long as its value says', () => {
  const svg = draw(
    [{ kind: 'bar', y: share, categories: ['sgd', 'a very long name of an optimizer'], series: [{ name: 'x', values: [0.25, 0.5] }] }],
    { width: 400 },
  );
  const widths = [...svg.matchAll(/<path d="M[\d.]+ [\d.]+l([\d.]+) 0l[^"]+" fill="#0072b2"/g)].map(([, w]) => Number(w));
  assert.equal(widths, [100, 200]);
  assert.ok(svg.includes('>25%</text>') && svg.includes('a very long name of an optimizer'));
});

plots('bars begin at 0 where their axis says no ends, so that twice the value is twice as long', () => {
  const svg = draw([{ kind: 'bar', y: { label: 'value' }, categories: ['a', 'b'], series: [{ name: 'x', values: [20, 40] }] }]);
  const [short, long] = [...svg.matchAll(/<path d="M[\d.]+ [\d.]+l([\d.]+) 0l[^"]+" fill="#0072b2"/g)].map(([, w]) => Number(w));
  assert.is(Number((long! / short!).toFixed(2)), 2);
});

plots('a whisker reaches a deviation to both sides of the end of its bar, which then has no number', () => {
  const series = ['a', 'b'].map((name, k) => ({ name, values: [0.5, 0.25], deviations: [0.1, 0.05 * k] }));
  const svg = draw([{ kind: 'bar', y: share, categories: ['cat', 'dog'], series }], { width: 400 });
  const bars = [...svg.matchAll(/<path d="M([\d.]+) ([\d.]+)l([\d.]+) 0l0 ([\d.]+)[^"]+" fill="#(?:0072b2|d55e00)"/g)].map(m =>
    m.slice(1).map(Number),
  );
  const lines = [...svg.matchAll(/<path d="M([\d.]+) ([\d.]+)L([\d.]+) ([\d.]+)"[^>]* stroke-width="1.2"/g)].map(m =>
    m.slice(1).map(Number),
  );
  assert.is(bars.length, 4);
  const [x, y, , height] = bars[0]!;
  assert.equal(lines[0], [x! + 160, y! + height! / 2, x! + 240, y! + height! / 2]);
  assert.not(svg.includes('>25%</text>'));
});

plots('points are coloured by time, from dark to light, and a bar says what the ends are', () => {
  const points = [0, 5, 10].map(x => [x, 0.5] as const);
  const svg = draw([{ kind: 'line', x: axis, y: share, series: [{ name: 'a', points, shades: [0, 0.5, 1] }], shaded: ['epoch 0', '200'] }]);
  const colours = [...svg.matchAll(/<path d="M1 0A1 1[^>]* fill="(rgb\([^"]+\)|#\w{6})"/g)].map(m => m[1]);
  assert.is(new Set(colours).size, 3, String(colours));
  assert.ok(svg.includes('>epoch 0</text>') && svg.includes('>200</text>'));
});

plots('a logarithmic axis over many powers has ticks all along', () => {
  const far = { label: 'distance', log: true, min: 1e-12, max: 10 };
  const svg = draw([{ kind: 'line', x: axis, y: far, series: [{ name: 'a', points: [[0, 1] as const, [10, 1e-11] as const] }] }]);
  const labels = ['1', '0.01', '1e-4', '1e-6', '1e-8', '1e-10', '1e-12'];
  assert.equal(
    labels.filter(label => !svg.includes(`>${label}</text>`)),
    [],
  );
});

plots('a free logarithmic axis over many powers has ticks all along, too', () => {
  const [x, y] = [{ label: 'step' }, { label: 'error', log: true }];
  const svg = draw([{ kind: 'line', x, y, series: [{ name: 'a', points: [[0, 2e4] as const, [9, 3e-13] as const, [5, 0] as const] }] }]);
  const labels = ['1e-12', '1e-9', '1e-6', '1e-3', '1', '1000'];
  for (const label of labels) assert.ok(svg.includes(`>${label}</text>`), label);
  const [[, top], [, bottom]] = paths(svg, BLUE).find(p => p.length === 2) as [[number, number], [number, number]];
  assert.ok(bottom - top > 230, `${bottom - top} of 260 pixels`);
});

plots('where all values along x are whole numbers, so are the ticks', () => {
  const ticks = (...at: number[]) => {
    const series = [{ name: 'a', points: at.map(x => [x, 0.5] as const) }];
    const svg = draw([{ kind: 'line', x: { label: 'layer', min: 1, max: 4 }, y: share, series }]);
    return [...svg.matchAll(/>([\d.]+)<\/text>/g)].map(([, label]) => Number(label));
  };
  assert.equal(ticks(1, 2, 4), [1, 2, 3, 4]);
  assert.equal(ticks(1, 2.5, 4), [1, 1.5, 2, 2.5, 3, 3.5, 4]);
});

plots('a mark stands where it belongs however small its value, with its word', () => {
  const svg = draw(
    [
      {
        kind: 'line',
        x: { label: 'rate', log: true, min: 1e-6, max: 1 },
        y: share,
        series: [
          {
            name: 'a',
            points: [
              [1e-6, 0],
              [1, 1],
            ],
          },
        ],
        marks: [{ x: 1e-3, label: 'proposed' }],
      },
    ],
    { width: 400 },
  );
  const [a] = paths(svg, BLUE)[0]!;
  const [mark] = paths(svg, '#1a1a1a').filter(
    p => p.length === 2 && p[0]![0] === p[1]![0] && Math.abs(p[0]![1] - p[1]![1]) > 100 && p[0]![0] > a![0] + 5,
  );
  assert.ok(Math.abs(mark![0]![0] - a![0] - 200) <= 1, `${mark![0]![0] - a![0]}`); // sharp edges: half pixels
  assert.ok(svg.includes('>proposed</text>'));
});

const lines: MetricsLine[] = Array.from({ length: 1000 }, (_, i) => ({
  step: i + 1,
  epoch: (i + 1) / 500,
  loss: 2 - i / 1000,
  accuracy: i / 1000,
  lr: 0.1,
  images_per_s: 1,
}));
const evaluation = (epoch: number): MetricsLine => ({ split: 'val', step: epoch * 500, epoch, loss: 1, accuracy: 0.5 });

plots('curves show training and validation, thinned to what the eye can follow', () => {
  const svg = curves([...lines, evaluation(1), evaluation(2)], 'lenet5 on shapes');
  for (const word of ['lenet5 on shapes', 'Loss', 'Accuracy', 'training', 'validation', 'epoch']) {
    assert.ok(svg.includes(`>${word}</text>`), word);
  }
  assert.not(svg.includes('>test</text>'));
  assert.equal(
    paths(svg, BLUE)
      .map(p => p.length)
      .filter(n => n > 2),
    [200, 200],
  );
  assert.is(svg, curves([...lines, evaluation(1), evaluation(2)], 'lenet5 on shapes'));
});

plots('the short line after an epoch is averaged with its neighbour, by steps', () => {
  const at = (step: number, loss: number): MetricsLine => ({ step, epoch: step / 43, loss, accuracy: 0, lr: 0.1, images_per_s: 1 });
  // 20, 20, 3 + 17, 3 steps: means 1, 1, 0.85; the last are too few
  const svg = curves([at(20, 1), at(40, 1), at(43, 0), at(60, 1), at(63, 2)]);
  const [drawn] = paths(svg, BLUE).filter(p => p.length > 2);
  const [a, , c] = drawn!;
  assert.is(drawn!.length, 3);
  const foot = Math.max(
    ...paths(svg, '#d9d9d9')
      .flat()
      .map(p => p[1]),
  );
  assert.ok(Math.abs((foot - c![1]) / (foot - a![1]) - 0.85) < 0.01, `${(foot - c![1]) / (foot - a![1])}`);
});

plots('curves of a run that has hardly begun, diverged or is empty are still pictures', () => {
  for (const some of [[], lines.slice(0, 1), [evaluation(1)], [{ ...lines[0]!, loss: NaN, accuracy: 0 }]]) {
    const svg = curves(some);
    assert.match(svg, /^<svg .*<\/svg>\s*$/s);
    assert.not.match(svg, /NaN|undefined|Infinity/);
  }
});

plots('a PNG is the SVG at twice its size, on white, with letters', async () => {
  const dir = mkdtempSync(join(tmpdir(), 'descent-plots-'));
  try {
    const svg = draw([
      line([
        [0, 0],
        [10, 1],
      ]),
    ]);
    const [, width, height] = /width="(\d+)" height="(\d+)"/.exec(svg)!;
    await writePicture(join(dir, 'a.png'), svg);
    await writePicture(join(dir, 'a.svg'), svg);
    assert.is(readFileSync(join(dir, 'a.svg'), 'utf8'), svg);
    const { data, info } = await sharp(join(dir, 'a.png')).removeAlpha().raw().toBuffer({ resolveWithObject: true });
    assert.equal([info.width, info.height], [2 * Number(width), 2 * Number(height)]);
    assert.equal([...data.subarray(0, 3)], [255, 255, 255]);
    const wordless = await sharp(await png(svg.replace(/<text.*?<\/text>/gs, '')))
      .removeAlpha()
      .raw()
      .toBuffer();
    assert.ok(data.filter((v, i) => v !== wordless[i]).length > 500, 'no font was found: the text left no trace');
    assert.throws(
      () => checkPicture('--out', join(dir, 'a.pdf')),
      (e: Error) => /a\.pdf' is no picture's name; let it end in \.svg or \.png/.test(e.message),
    );
  } finally {
    rmSync(dir, { recursive: true });
  }
});

plots('a matrix has a row for each category, its counts in its squares, the darkest where all of a row are', () => {
  const counts = [7, 0, 0, 3, 4, 0, 0, 0, 0];
  const svg = draw([{ kind: 'matrix', x: { label: 'answer' }, y: { label: 'label' }, categories: ['cat', 'dog', 'none'], counts }]);
  for (const word of ['cat', 'dog', 'none', 'answer', '7', '3', '4']) assert.match(svg, `>${word}</text>`);
  const fills = [...svg.matchAll(/<path d="[^"]+" fill="(#\w+|rgb\([^)]+\))"[^>]*stroke/g)].map(m => m[1]);
  assert.ok(fills.includes(BLUE) || fills.includes('rgb(0,114,178)'), fills.join(' '));
});

plots('a matrix of 1,000 categories draws the squares that are not 0, since a million are more than a reader of SVG takes', () => {
  const categories = Array.from({ length: 1000 }, (_, i) => `c${i}`);
  const counts = new Uint32Array(1e6);
  counts[5] = 1;
  counts[999_999] = 3;
  const svg = draw([{ kind: 'matrix', x: { label: 'answer' }, y: { label: 'label' }, categories, counts }]);
  assert.is([...svg.matchAll(/fill="(#0072b2|rgb\(0,114,178\))"/gi)].length, 2);
  assert.ok(svg.length < 1e5, `${svg.length} characters`);
});

plots.run();
