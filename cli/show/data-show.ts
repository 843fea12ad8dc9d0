/** `descent data show`: augmented images as a person sees them, made by the kernel that trains. */
import { openDataset } from '../../datasets/node/open.ts';
import { counted } from '../../engine/counted.ts';
import { check } from '../../engine/check.ts';
import { Device } from '../../engine/device.ts';
import { openAdapter } from '../../engine/node/adapters.ts';
import { absent } from '../../engine/node/optional.ts';
import { parseAugment } from '../../train/config/augment.ts';
import { OPTIONS } from '../../train/config/options.ts';
import { checkWritable, writeWhole } from '../../train/run/node/files.ts';
import { checkImages } from '../../train/data/augmentation.ts';
import { parseNumber } from '../../engine/spec.ts';
import { seenBytes } from '../../train/study/seen.ts';
import { print } from '../output.ts';

export interface ShowOptions {
  augment?: string;
  imageSize?: string;
  resize?: string;
  skipBroken?: boolean;
  out: string;
  rows: string;
  columns: string;
  seed?: string;
  zoom?: string;
  adapter?: string;
  dataDir?: string;
  json?: boolean;
  quiet?: boolean;
}

export async function dataShow(name: string, options: ShowOptions): Promise<void> {
  const whole = (who: string, text: string, max: number) => parseNumber(who, text, { integer: true, min: 1, max });
  const rows = whole('--rows', options.rows, 100);
  const columns = whole('--columns', options.columns, 100);
  const seed = OPTIONS.seed.type.parse('--seed', options.seed ?? '0');
  check(options.out.endsWith('.png'), `--out: ${options.out} is no .png file`, 'give a name that ends in .png');
  checkWritable(options.out);
  const augment = options.augment === undefined ? undefined : parseAugment(options.augment);
  const { dataDir, quiet, imageSize, skipBroken } = options;
  const resize = options.resize === undefined ? undefined : whole('--resize', options.resize, 4096);
  const asked = options.zoom === undefined ? undefined : whole('--zoom', options.zoom, 64);
  const dataset = await openDataset(name, { dataDir, quiet, imageSize, resize, skipBroken, limitTest: 1 });
  const [c, h, w] = dataset.shape;
  check(
    dataset.dtype !== 'float32' && (c === 1 || c === 3),
    `data show: the samples of ${name} are no images`,
    'those have 1 or 3 channels of bytes',
  );
  if (augment) checkImages(augment, dataset);
  const n = Math.min(rows, dataset.train.n);
  const device = await Device.open(await openAdapter(options.adapter));
  try {
    const pictures = await seenBytes(device, dataset, { n, seed, epochs: [0] });
    if (augment) {
      const epochs = Array.from({ length: columns }, (_, epoch) => epoch);
      pictures.push(...(await seenBytes(device, dataset, { n, seed, epochs, augment })));
    }
    const zoom = asked ?? Math.max(1, Math.round(64 / w));
    await writeSheet(options.out, pictures, { n, c, h, w, zoom });
    const { out: file, augment: chain } = options;
    const each = augment ? `, each as it is and in ${counted(columns, 'epoch')} of ${chain}` : '';
    if (options.json) print(JSON.stringify({ pictures: [file], rows: n, columns: pictures.length, augment: chain }));
    else print(options.quiet ? file : `${file}: ${counted(n, 'image')} of ${dataset.name}${each}`);
  } finally {
    device.close();
  }
}

/** Columns of pictures side by side on white, one image a row. */
async function writeSheet(
  path: string,
  columns: readonly Uint8Array[],
  { n, c, h, w, zoom }: { n: number; c: number; h: number; w: number; zoom: number },
): Promise<void> {
  const gap = 2;
  const cellW = w * zoom + gap;
  const cellH = h * zoom + gap;
  const width = columns.length * cellW + gap;
  const height = n * cellH + gap;
  const pixels = new Uint8Array(width * height * 3).fill(255);
  const put = (image: Uint8Array, left: number, top: number) => {
    for (let i = 0; i < h * w * zoom * zoom; i++) {
      const [x, y] = [i % (w * zoom), Math.floor(i / (w * zoom))];
      for (let k = 0; k < 3; k++) {
        const from = (Math.min(k, c - 1) * h + Math.floor(y / zoom)) * w + Math.floor(x / zoom);
        pixels[((top + y) * width + left + x) * 3 + k] = image[from]!;
      }
    }
  };
  const size = c * h * w;
  for (const [column, images] of columns.entries())
    for (let row = 0; row < n; row++) put(images.subarray(row * size, (row + 1) * size), gap + column * cellW, gap + row * cellH);
  const { default: sharp } = await import('sharp').catch(absent('sharp', 'drawing a contact sheet'));
  const sheet = sharp(pixels, { raw: { width, height, channels: 3 } });
  writeWhole(path, await sheet.png().toBuffer());
}
