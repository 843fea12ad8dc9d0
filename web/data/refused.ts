/** Which of the files that come at once are pictures, and what is said of those that the page does not take. */
import { DescentError } from '../../engine/check.ts';
import { unreadable } from './pictures.ts';

export interface Named {
  readonly name: string;
  readonly picture: ImageBitmap;
}

/** Files as pictures, and why others are none. */
export async function pictured(files: readonly File[]): Promise<{ readonly pictures: readonly Named[]; readonly wrong: readonly Error[] }> {
  const all = await Promise.all(
    files.map(async file =>
      createImageBitmap(file).then(
        picture => ({ name: file.name, picture }),
        () => refused(file),
      ),
    ),
  );
  return { pictures: all.filter(one => 'picture' in one), wrong: all.filter(one => one instanceof Error) };
}

/** That files are left out, and why the first of them is. */
export const leftOut = (why: readonly string[]): string =>
  `Left out: ${why[0]}${why.length > 1 ? ` (and ${(why.length - 1).toLocaleString('en-US')} more)` : ''}`;

/** Why a file is not taken, and what can be done with it. */
function refused(file: File): DescentError {
  const { name, type } = file;
  const what: readonly (readonly [RegExp, problem: string, ...advice: string[]])[] = [
    [/\.onnx$/i, 'is an ONNX file, which Train does not take', 'load it in Teach, or with descent predict on the command line'],
    [
      /\.(pt|pth)$/i,
      'is a pickle of PyTorch, which can run code',
      'write it as .safetensors, with safetensors.torch.save_file(model.state_dict(), …)',
    ],
    [/\.svg$/i, 'is a drawing without pixels of its own', 'save it as PNG'],
    [/\.html$/i, 'is a web page', 'load it in Teach if that has exported it'],
    [
      /\.[ct]sv$/i,
      'is a table',
      'drop it on Playground if it has x, y and a label or value',
      'train on it by descent train mlp on the command line',
    ],
  ];
  const known = what.find(([ending]) => ending.test(name));
  if (!known && (type.startsWith('image/') || /\.(png|jpe?g|webp|gif|avif|bmp|hei[cf]|tiff?)$/i.test(name))) return unreadable(file);
  const [, problem, ...advice] = known ?? [
    undefined,
    'is nothing that this page takes',
    'drop a picture, weights (.safetensors), runs (.json), the files of a data set or their archive, or a folder of images by class',
  ];
  return new DescentError(`${name}: ${problem}`, ...advice);
}
