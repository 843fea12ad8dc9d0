/** Pictures as files. */
import { createRequire } from 'node:module';
import { dirname, extname, join } from 'node:path';
import { check } from '../engine/check.ts';
import { writeWhole } from '../train/node/files.ts';

/** Writes an SVG text to `path`, as it is to .svg and drawn at twice its size to .png. */
export async function writePicture(path: string, svg: string): Promise<void> {
  const kind = extname(path).toLowerCase();
  check(kind === '.svg' || kind === '.png', `${path}: a picture's name must end in .svg or .png; give one that does`);
  writeWhole(path, kind === '.svg' ? svg : await png(svg));
}

/** The picture as PNG, `scale` pixels to one of the SVG's. The fonts come along, so that it looks the same everywhere. */
export async function png(svg: string, scale = 2): Promise<Uint8Array> {
  const { Resvg } = await import('@resvg/resvg-js'); // a native module, loaded only by those who draw
  const fonts = join(dirname(createRequire(import.meta.url).resolve('dejavu-fonts-ttf/package.json')), 'ttf');
  return new Resvg(svg, {
    fitTo: { mode: 'zoom', value: scale },
    font: { loadSystemFonts: false, fontFiles: ['DejaVuSans.ttf', 'DejaVuSans-Bold.ttf'].map(name => join(fonts, name)), defaultFontFamily: 'DejaVu Sans', sansSerifFamily: 'DejaVu Sans' },
  }).render().asPng();
}
