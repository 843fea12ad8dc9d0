/** What some transforms must know of a whole image, as it is stored: its histograms. */
import { kernel } from '../kernel/define.ts';
import { pageBindings, type Pages } from './pages.ts';

/**
 * tables [n, c, TABLE] of the images of a batch. Equalize and autocontrast as in PIL's ImageOps: the cumulated histogram in steps of a
 * 255th of the pixels that are not the brightest; (v - darkest) * 255 / (brightest - darkest); an image of one colour stays as it is.
 */
export const imageTables = kernel({
  name: 'image_tables',
  bindings: { order: 'read u32', tables: 'write', ...pageBindings },
  step: (_: Pages & { n: number }): Record<string, 'u32'> => ({ offset: 'u32' }),
  grid: p => [p.c, p.n, 1],
  code: async p => (await import('./tables-code.ts')).tablesCode(p),
});
