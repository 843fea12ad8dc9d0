/** Pictures as files. */
import { createRequire } from 'node:module';
import { dirname, extname, join } from 'node:path';
import { check } from '../engine/check.ts';
import { absent } from '../engine/node/optional.ts';
import { checkWritable, writeWhole } from '../train/run/node/files.ts';

/** Refuses a name that writePicture would not take, or a place where it could not write. */
export function checkPicture(who: string, path: string): void {
  check(
    /^(\.(svg|png))?$/i.test(extname(path)),
    `${who}: '${path}' is no picture's name`,
    'let it end in .svg or .png, or in neither for both',
  );
  for (const file of filesOf(path)) checkWritable(file);
}

/** The files that a picture's name stands for. */
const filesOf = (path: string): string[] => (extname(path) ? [path] : [`${path}.svg`, `${path}.png`]);

/** Writes an SVG text: as it is to .svg, drawn at twice its size to .png, without an ending both. Returns the paths of what was written. */
export async function writePicture(path: string, svg: string): Promise<string[]> {
  const paths = filesOf(path);
  for (const p of paths) writeWhole(p, /\.svg$/i.test(p) ? svg : await png(svg));
  return paths;
}

/** The picture as PNG, `scale` pixels to one of the SVG's. The fonts come along, so that it looks the same everywhere. */
export async function png(svg: string, scale = 2): Promise<Uint8Array> {
  const { Resvg } = await import(/* webpackIgnore: true */ '@resvg/resvg-js').catch(
    absent('@resvg/resvg-js', 'a picture as PNG', 'let its name end in .svg'),
  );
  const find = async () => createRequire(import.meta.url).resolve('dejavu-fonts-ttf/package.json');
  const fonts = join(dirname(await find().catch(absent('dejavu-fonts-ttf', 'a picture as PNG', 'let its name end in .svg'))), 'ttf');
  const picture = new Resvg(svg, {
    fitTo: { mode: 'zoom', value: scale },
    font: {
      loadSystemFonts: false,
      fontFiles: ['DejaVuSans.ttf', 'DejaVuSans-Bold.ttf'].map(name => join(fonts, name)),
      defaultFontFamily: 'DejaVu Sans',
      sansSerifFamily: 'DejaVu Sans',
    },
  });
  return picture.render().asPng();
}
