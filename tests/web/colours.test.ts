/** Colours of runs, racers and classes stand out from their ground and from each other, to whoever sees fewer. */
import { readFileSync } from 'node:fs';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { CASING, CLASSES, GROUNDS, luminance, RUNS, racerRgb, type Rgb } from '../../web/views/colours.ts';

const test = suite('colours');

const rgbOf = (hex: string): Rgb => {
  const all = hex.length === 4 ? hex.replace(/\w/g, '$&$&') : hex;
  return [1, 3, 5].map(at => Number.parseInt(all.slice(at, at + 2), 16)) as unknown as Rgb;
};
const contrast = (a: Rgb, b: Rgb) => {
  const [low, high] = [luminance(a), luminance(b)].sort((x, y) => x - y) as [number, number];
  return (high + 0.05) / (low + 0.05);
};
const cards = [...readFileSync(new URL('../../web/style.css', import.meta.url), 'utf8').matchAll(/--card: (#\w+);/g)].map(m =>
  rgbOf(m[1]!),
);
for (const [i, theme] of (['light', 'dark'] as const).entries()) {
  test(`colours stand out from their ground by 3 : 1, ${theme}`, () => {
    assert.is(contrast([255, 255, 255], [0, 0, 0]), 21);
    assert.equal(cards.length, 3); // the dark theme stands twice: as chosen, and as the system's
    assert.equal(cards[2], cards[1]);
    const checked: [what: string, colour: Rgb, grounds: Rgb[]][] = [
      ...RUNS[theme].map((hex): [string, Rgb, Rgb[]] => [`run ${hex}`, rgbOf(hex), [cards[i]!]]),
      ...Array.from({ length: 18 }, (_, r): [string, Rgb, Rgb[]] => [`racer ${r}`, racerRgb(r, theme), [cards[i]!, rgbOf(CASING[theme])]]),
      ...CLASSES.map((rgb, c): [string, Rgb, Rgb[]] => [`class ${c}`, rgb, [[GROUNDS[theme], GROUNDS[theme], GROUNDS[theme]]]]),
    ];
    for (const [what, colour, grounds] of checked)
      for (const ground of grounds)
        assert.ok(contrast(colour, ground) >= 3, `${what} has ${contrast(colour, ground).toFixed(2)} on ${ground.join(' ')}`);
  });
}

/** What is left of linear RGB for who lacks the red or the green cones (Machado, Oliveira, Fernandes 2009, severity 1). */
const SIGHT: Readonly<Record<string, readonly (readonly number[])[]>> = {
  all: [
    [1, 0, 0],
    [0, 1, 0],
    [0, 0, 1],
  ],
  'no red': [
    [0.152286, 1.052583, -0.204868],
    [0.114503, 0.786281, 0.099216],
    [-0.003882, -0.048116, 1.051998],
  ],
  'no green': [
    [0.367322, 0.860646, -0.227968],
    [0.280085, 0.672501, 0.047413],
    [-0.01182, 0.04294, 0.968881],
  ],
};
const times = (m: readonly (readonly number[])[], v: readonly number[]) => m.map(row => row.reduce((sum, x, k) => sum + x * v[k]!, 0));
/** OKLab (Ottosson 2020) of a colour as it is seen. */
function oklab(rgb: Rgb, sight: string): number[] {
  const linear = rgb.map(v => luminance([v, v, v]));
  const lms = times(
    [
      [0.4122214708, 0.5363325363, 0.0514459929],
      [0.2119034982, 0.6806995451, 0.1073969566],
      [0.0883024619, 0.2817188376, 0.6299787005],
    ],
    times(SIGHT[sight]!, linear).map(v => Math.min(1, Math.max(0, v))),
  );
  return times(
    [
      [0.2104542553, 0.793617785, -0.0040720468],
      [1.9779984951, -2.428592205, 0.4505937099],
      [0.0259040371, 0.7827717662, -0.808675766],
    ],
    lms.map(Math.cbrt),
  );
}
for (const theme of ['light', 'dark'] as const)
  for (const sight of Object.keys(SIGHT)) {
    test(`colours of runs differ, ${theme}, to who sees ${sight}`, () => {
      const seen = RUNS[theme].map(hex => oklab(rgbOf(hex), sight));
      seen.forEach((a, i) =>
        seen.slice(0, i).forEach((b, j) => {
          const distance = Math.hypot(...a.map((v, k) => v - b[k]!));
          assert.ok(distance > 0.11, `runs ${j + 1} and ${i + 1}: ${distance.toFixed(3)}`);
        }),
      );
    });
  }

test.run();
