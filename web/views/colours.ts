/** Colours of runs, racers and classes: each stands out from what it is drawn on, by WCAG 2.2's 3 : 1 for graphics. */
import { isDark } from './dom.ts';

export type Rgb = readonly [r: number, g: number, b: number];
/** A line of a canvas and the same in a style sheet. */
export interface Stroke {
  readonly dash: readonly number[];
  readonly style: 'solid' | 'dashed' | 'dotted';
}
const STROKES: readonly Stroke[] = [
  { dash: [], style: 'solid' },
  { dash: [9, 5], style: 'dashed' },
  { dash: [2, 4], style: 'dotted' },
];

/**
 * Of runs, blue, amber, purple, green, indigo, olive, light and red in turn. Any two differ by 0.11 in OKLab also to who sees no red or
 * no green (Machado 2009): those of like hue then differ in lightness.
 */
export const RUNS = {
  light: ['#1d7ea5', '#c58216', '#800e6c', '#2fa189', '#4f3de9', '#875018', '#648dee', '#570f1f'],
  dark: ['#89a8f2', '#a56312', '#c3399c', '#63e39b', '#9e41ea', '#b3ae14', '#d7f3f1', '#e35f7c'],
} as const;
const theme = (): 'light' | 'dark' => (isDark() ? 'dark' : 'light');
/** How many runs have a colour of their own. */
export const COLOURS = RUNS.light.length;
export const runColour = (hue: number): string => RUNS[theme()][hue % COLOURS]!;

/** What lies under the line of a racer, wider than it: the landscape is of all shades. */
export const CASING = { light: '#ffffff', dark: '#000000' } as const;
/** Luminances of racers in turn: neighbours in the list differ in lightness, hues go round by the golden angle. */
const RACERS = { light: [0.18, 0.05, 0.28], dark: [0.36, 0.18, 0.62] } as const;
export const racerRgb = (i: number, of: 'light' | 'dark'): Rgb => withLuminance(Math.round(i * 137.5 + 210) % 360, RACERS[of][i % 3]!);
export const racerColour = (i: number): string => `rgb(${racerRgb(i, theme()).join(' ')})`;
export const casing = (): string => CASING[theme()];
/** Three racers are solid, three dashed, three dotted, and so on: their colours alone are too many to tell apart. */
export const strokeOf = (i: number): Stroke => STROKES[Math.floor(i / 3) % 3]!;

/** The colours of the two classes of points in the plane, whose ground is GROUNDS. */
export const CLASSES: readonly [Rgb, Rgb] = [
  [218, 112, 20],
  [30, 120, 200],
];
export const GROUNDS = { light: 250, dark: 24 } as const;
export const classGround = (): number => GROUNDS[theme()];

/** Relative luminance of WCAG: 0 black, 1 white. */
export function luminance(rgb: Rgb): number {
  const [r, g, b] = rgb.map(v => (v <= 10 ? v / 255 / 12.92 : ((v / 255 + 0.055) / 1.055) ** 2.4)) as [number, number, number];
  return 0.2126 * r + 0.7152 * g + 0.0722 * b;
}

/** The saturated colour of a hue, in degrees, with a luminance; by bisection of its HSL lightness. */
function withLuminance(hue: number, wanted: number): Rgb {
  let low = 0;
  let high = 1;
  for (let i = 0; i < 20; i++) {
    const middle = (low + high) / 2;
    if (luminance(rgbOf(hue, 0.78, middle)) < wanted) low = middle;
    else high = middle;
  }
  return rgbOf(hue, 0.78, low);
}

function rgbOf(hue: number, saturation: number, lightness: number): Rgb {
  const chroma = saturation * Math.min(lightness, 1 - lightness);
  const channel = (n: number) => {
    const k = (n + hue / 30) % 12;
    return Math.round(255 * (lightness - chroma * Math.max(-1, Math.min(k - 3, 9 - k, 1))));
  };
  return [channel(0), channel(8), channel(4)];
}
