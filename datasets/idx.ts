/**
 * The IDX format of MNIST and Fashion-MNIST: a big-endian header (magic number, sizes), then bytes.
 * Source: LeCun, Cortes, Burges, yann.lecun.com/exdb/mnist
 */
import { check } from '../engine/check.ts';

const hex = (v: number) => `0x${v.toString(16).padStart(8, '0')}`;

/** The sizes of an IDX file of bytes with `rank` dimensions, and its data; `file` is its name in errors. */
function parse(file: string, bytes: Uint8Array, rank: number): { sizes: number[]; data: Uint8Array } {
  const header = 4 + 4 * rank;
  check(
    bytes.length >= header,
    `${file}: ${bytes.length} bytes seen, at least ${header} expected for an IDX header`,
    'the file is truncated',
  );
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const magic = view.getUint32(0);
  const expected = 0x800 + rank;
  const gzipped = magic >>> 16 === 0x1f8b;
  const advice = gzipped ? 'the file is still compressed: gunzip it' : 'this is not an IDX file of bytes, or it is corrupt';
  check(magic === expected, `${file}: magic number ${hex(magic)} seen, ${hex(expected)} expected`, advice);
  const sizes = Array.from({ length: rank }, (_, i) => view.getUint32(4 + 4 * i));
  const total = header + sizes.reduce((a, b) => a * b);
  check(
    bytes.length === total,
    `${file}: ${bytes.length} bytes seen, ${total} expected (${sizes.join(' x ')} after a ${header}-byte header)`,
    `the file is ${bytes.length < total ? 'truncated' : 'corrupt'}`,
  );
  return { sizes, data: bytes.subarray(header) };
}

/** Images of an idx3-ubyte file: `data` is [n, h, w] bytes, a view of `bytes`. */
export function parseIdxImages(file: string, bytes: Uint8Array): { n: number; h: number; w: number; data: Uint8Array } {
  const { sizes, data } = parse(file, bytes, 3);
  const [n, h, w] = sizes;
  return { n: n!, h: h!, w: w!, data };
}

/** Labels [n] of an idx1-ubyte file. */
export function parseIdxLabels(file: string, bytes: Uint8Array): Uint16Array {
  return Uint16Array.from(parse(file, bytes, 1).data);
}
