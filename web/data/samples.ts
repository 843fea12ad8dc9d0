/** Pictures as samples of a class. */
import type { Dataset } from '../../datasets/dataset.ts';
import type { Picture } from '../../datasets/host.ts';
import { bytesOfOpen, withPicture } from '../../datasets/pictures.ts';
import type { Sample } from './lessons.ts';
import { newId } from './new-id.ts';

/** Pixels of a side of what people see. */
const THUMB = 96;

/** A picture, or the present frame of a video, cropped about the middle. Throws where it cannot be read. */
export const sampleOf = (picture: Picture, classId: string, shape: Dataset['shape']): Promise<Sample> =>
  withPicture(picture, undefined, async open => {
    const [bytes, pixels] = await Promise.all([bytesOfOpen(open, shape), open.rgba(THUMB, THUMB)]);
    const canvas = new OffscreenCanvas(THUMB, THUMB);
    canvas.getContext('2d')!.putImageData(new ImageData(Uint8ClampedArray.from(pixels), THUMB, THUMB), 0, 0);
    const thumb = await canvas.convertToBlob({ type: 'image/jpeg', quality: 0.85 });
    return { id: newId(), classId, bytes: Uint8Array.from(bytes), thumb };
  });
