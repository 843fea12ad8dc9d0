import * as assert from 'uvu/assert';
import { bytesOf, type Split } from '../../datasets/dataset.ts';

const bytes = (labels: Uint16Array) => Buffer.from(labels.buffer, labels.byteOffset, labels.byteLength);

/** Fails without printing thousands of numbers. */
export function same(a: Split, b: Split): void {
  assert.is(a.n, b.n);
  assert.ok(Buffer.compare(bytesOf(a.images), bytesOf(b.images)) === 0, 'images differ');
  assert.ok(Buffer.compare(bytes(a.labels), bytes(b.labels)) === 0, 'labels differ');
}
