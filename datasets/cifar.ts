/**
 * The binary version of CIFAR-10 and CIFAR-100: records of label bytes and 3072 pixel bytes (red, green, blue planes of 32x32).
 * Source: Krizhevsky 2009, cs.toronto.edu/~kriz/cifar.html
 */
import { check } from '../engine/check.ts';

const PIXELS = 3072;

/**
 * Reads records into `images` [n, 3, 32, 32] and `labels` [n], from sample `at` on, until the file or the room ends; returns where it
 * stopped. A record starts with `labelBytes` bytes, of which the last is the label: 1 in CIFAR-10; 2 in CIFAR-100 (coarse, fine). `bytes`
 * may lie in the memory of `images`, at their place or after it.
 */
export function readCifar(file: string, bytes: Uint8Array, labelBytes: 1 | 2, images: Uint8Array, labels: Uint16Array, at: number): number {
  const record = labelBytes + PIXELS;
  const whole = Math.floor(bytes.length / record);
  check(
    whole * record === bytes.length && whole > 0,
    `${file}: ${bytes.length} bytes seen, a multiple of ${record} expected (${labelBytes} label bytes and ${PIXELS} pixels a record)`,
    'the file is truncated or of another format',
  );
  const end = Math.min(labels.length, at + whole);
  for (let i = at, from = 0; i < end; i++, from += record) {
    labels[i] = bytes[from + labelBytes - 1]!;
    images.set(bytes.subarray(from + labelBytes, from + record), i * PIXELS);
  }
  return end;
}

/** A CIFAR-10 file from decoded pixels: `rgb` is [n, 32, 32, 3] bytes, interleaved; `labels` [n]. */
export function writeCifar10(rgb: Uint8Array, labels: ArrayLike<number>): Uint8Array {
  const record = 1 + PIXELS;
  const plane = PIXELS / 3;
  const out = new Uint8Array(labels.length * record);
  for (let i = 0, from = 0; i < labels.length; i++) {
    out[i * record] = labels[i]!;
    for (let p = i * record + 1; p < i * record + 1 + plane; p++) {
      out[p] = rgb[from++]!;
      out[p + plane] = rgb[from++]!;
      out[p + 2 * plane] = rgb[from++]!;
    }
  }
  return out;
}
