/** Folders of pictures of one colour, by class. */
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import sharp from 'sharp';

/** A picture of 50 x 40 pixels. */
export const picture = (background: string | { r: number; g: number; b: number }) =>
  sharp({ create: { width: 50, height: 40, channels: 3, background } });

/** Writes `count` images of one colour a class: red grows with the number. */
export async function paint(root: string, name: string, count: number, green: number, type: 'png' | 'jpg' = 'png'): Promise<void> {
  await mkdir(join(root, name), { recursive: true });
  for (let i = 0; i < count; i++) await picture({ r: 10 * i, g: green, b: 0 }).toFile(join(root, name, `${i}.${type}`));
}
