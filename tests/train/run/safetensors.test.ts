import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { DescentError } from '../../../engine/check.ts';
import { decodeSafetensors } from '../../../train/run/read-safetensors.ts';
import { encodeSafetensors, type Tensors } from '../../../train/run/safetensors.ts';
import { refusal } from '../../support/refusal.ts';

const safetensors = suite('safetensors');

/** A file from its header, given as text or object, and its data bytes. */
function file(header: unknown, data: ArrayLike<number> = [], claimed?: number): Uint8Array {
  const text = new TextEncoder().encode(typeof header === 'string' ? header : JSON.stringify(header));
  const bytes = new Uint8Array(8 + text.length + data.length);
  new DataView(bytes.buffer).setBigUint64(0, BigInt(claimed ?? text.length), true);
  bytes.set(text, 8);
  bytes.set(data, 8 + text.length);
  return bytes;
}
const f32 = (shape: number[], begin: number, end: number) => ({ dtype: 'F32', shape, data_offsets: [begin, end] });
const bytesOf = (array: ArrayBufferView) => new Uint8Array(array.buffer, array.byteOffset, array.byteLength);

safetensors('writes the published layout, byte for byte', () => {
  const bytes = encodeSafetensors({ t: { shape: [1, 2], data: Float32Array.of(1, -2) } }, { format: 'pt' });
  const header = '{"__metadata__":{"format":"pt"},"t":{"dtype":"F32","shape":[1,2],"data_offsets":[0,8]}}'; // 87 characters, padded to 88
  assert.is(Buffer.from(bytes).toString('latin1'), `\x58\0\0\0\0\0\0\0${header} \0\0\x80\x3f\0\0\0\xc0`);
});

safetensors('returns what was written: names, order, shapes, bits, metadata', () => {
  const nan = new Float32Array(Uint32Array.of(0x7fc12345, 0x80000000, 1).buffer); // a NaN with payload, -0, the least subnormal
  const tensors: Tensors = {
    'conv1.weight': { shape: [1, 3], data: nan },
    'é "quoted" \\': { shape: [2], data: Float32Array.of(3, 4) },
    __proto__x: { shape: [], data: Float32Array.of(7) },
    empty: { shape: [0, 5], data: new Float32Array() },
  };
  const back = decodeSafetensors(encodeSafetensors(tensors, { model: 'lenet5' }), 'x');
  assert.equal(back.metadata, { model: 'lenet5' });
  assert.equal(Object.keys(back.tensors), Object.keys(tensors));
  for (const [name, { shape, data }] of Object.entries(tensors)) {
    assert.equal(back.tensors[name]!.shape, shape);
    assert.equal(bytesOf(back.tensors[name]!.data), bytesOf(data), name);
  }
});

safetensors('reads from any place in memory and any order of tensors', () => {
  const bytes = file({ b: f32([1], 4, 8), a: f32([1], 0, 4) }, bytesOf(Float32Array.of(1, 2)));
  const shifted = new Uint8Array(bytes.length + 3);
  shifted.set(bytes, 3);
  for (const view of [shifted.subarray(3), Buffer.from(bytes), Buffer.from(shifted).subarray(3)]) {
    // a Buffer's slice copies nothing
    const { tensors } = decodeSafetensors(view, 'x');
    assert.equal([tensors.a!.data, tensors.b!.data], [Float32Array.of(1), Float32Array.of(2)]);
  }
});

const halves = [
  [0x3c00, 1],
  [0xc000, -2],
  [0x7bff, 65504],
  [0x0001, 2 ** -24],
  [0x0400, 2 ** -14],
  [0x3555, 0.333251953125],
  [0x7c00, Infinity],
  [0xfc00, -Infinity],
  [0x7e00, NaN],
  [0x8000, -0],
] as const;
for (const [dtype, data, want] of [
  ['F16', Uint16Array.from(halves, h => h[0]), halves.map(h => h[1])],
  ['BF16', Uint16Array.of(0x3f80, 0xc040, 0x7f80), [1, -3, Infinity]],
  ['F64', Float64Array.of(0.1, -1e300), [Math.fround(0.1), -Infinity]],
  ['I64', BigInt64Array.of(-5n, 391n), [-5, 391]],
] as const) {
  safetensors(`reads ${dtype} as float32`, () => {
    const x = { dtype, shape: [data.length], data_offsets: [0, data.byteLength] };
    const weight = f32([0], data.byteLength, data.byteLength); // integers stand beside weights
    const { tensors } = decodeSafetensors(file({ x, weight }, bytesOf(data)), 'x');
    assert.equal([...tensors.x!.data], [...want]);
  });
}

const bad: [why: string, bytes: Uint8Array, message: RegExp][] = [
  ['an empty file', new Uint8Array(), /^w\.safetensors: 0 bytes are too few/],
  ['a header length beyond the file', file('{}', [], 1000), /^w\.safetensors: the header claims 1000 bytes, the file has 2 /],
  ['an absurd header length', new Uint8Array(16).fill(255), /^w\.safetensors: the header claims 18446744073709552000 bytes/],
  ['no JSON', file('{"x":'), /the header is not valid JSON/],
  ['no UTF-8', file('{" ":1}').fill(0xff, 9, 10), /the header is not valid JSON/],
  ['a list', file('[]'), /not a JSON object/],
  [
    'arrays of numpy',
    Uint8Array.from(Buffer.from('PK\x03\x04\0\0\x08\x08 conv1.npy')),
    /is a file of numpy, not safetensors; write it with/,
  ],
  [
    'weights of Keras',
    Uint8Array.from(Buffer.from('\x89HDF\r\n\x1a\n and more', 'latin1')),
    /is a file of HDF5, not safetensors; write it with/,
  ],
  [
    'a pickle of PyTorch',
    Uint8Array.from(Buffer.from('PK\x03\x04\0\0\x08\x08 archive/data.pkl')),
    /is a file of torch\.save, not safetensors; write it with/,
  ],
  [
    "a host's page",
    new TextEncoder().encode('\ufeff\n<!DOCTYPE html><html><head><title>App</title>'),
    /^w\.safetensors: is a web page, not safetensors; look at what lies there: a host may answer with a page/,
  ],
  [
    "a host's words",
    new TextEncoder().encode('404: Not Found'),
    /^w\.safetensors: is a text that begins with "404: Not Found", not safetensors; look at what lies there/,
  ],
  [
    'a pointer of Git LFS',
    new TextEncoder().encode('version https://git-lfs.github.com/spec/v1\noid sha256:0'),
    /^w\.safetensors: is a text that begins with "version https:\/\/git-lfs\.github\.com\/spec\/", not/,
  ],
  [
    'a picture',
    Uint8Array.from(Buffer.from('\x89PNG\r\n\x1a\n\0\0\0\rIHDR', 'latin1')),
    /^w\.safetensors: is a picture, not safetensors; give a file of weights$/,
  ],
  ['no dtype', file({ x: { shape: [1], data_offsets: [0, 4] } }, [0, 0, 0, 0]), /tensor 'x' has no valid dtype and shape/],
  ['a tensor that is a number', file({ x: 4 }), /tensor 'x' has no valid dtype and shape/],
  ['a negative size', file({ x: f32([-1], 0, 4) }, [0, 0, 0, 0]), /tensor 'x' has no valid dtype and shape/],
  [
    'another dtype',
    file({ x: { dtype: 'U8', shape: [4], data_offsets: [0, 4] } }, [0, 0, 0, 0]),
    /tensor 'x' has dtype U8; convert it to one of F32, F16, BF16, F64, I64/,
  ],
  [
    'integers alone',
    file({ x: { dtype: 'I64', shape: [1], data_offsets: [0, 8] } }, new Uint8Array(8)),
    /^w\.safetensors: its tensors are integers alone, which are no weights; convert weights to F32$/,
  ],
  ['a dtype named like a method', file({ x: { dtype: 'toString', shape: [1], data_offsets: [0, 4] } }, [0, 0, 0, 0]), /dtype toString/],
  ['offsets backwards', file({ x: f32([1], 4, 0) }, [0, 0, 0, 0]), /tensor 'x' has offsets \[4,0\]/],
  ['offsets below 0', file({ x: f32([1], -4, 0) }, [0, 0, 0, 0]), /tensor 'x' has offsets \[-4,0\]/],
  [
    'offsets beyond the data',
    file({ x: f32([2], 0, 8) }, [0, 0, 0, 0]),
    /tensor 'x' ends at byte 8 of the data, which has 4; the file is cut short/,
  ],
  [
    'offsets that lie about the size',
    file({ x: f32([3], 0, 8) }, new Uint8Array(8)),
    /tensor 'x' \[3\] of F32 needs 12 bytes, its offsets give 8/,
  ],
  [
    'a shape whose product overflows',
    file({ x: f32([2 ** 53 - 1, 2 ** 53 - 1], 0, 8) }, new Uint8Array(8)),
    /tensor 'x' .* needs 3.2\d*e\+32 bytes/,
  ],
  [
    'overlapping tensors',
    file({ x: f32([2], 0, 8), y: f32([2], 4, 12) }, new Uint8Array(12)),
    /tensor 'y' at bytes 4 to 12 overlaps 'x', which ends at 8/,
  ],
  ['the same bytes twice', file({ x: f32([2], 0, 8), y: f32([2], 0, 8) }, new Uint8Array(8)), /tensor 'y' at bytes 0 to 8 overlaps 'x'/],
  ['a hole', file({ x: f32([1], 0, 4), y: f32([1], 8, 12) }, new Uint8Array(12)), /4 bytes before tensor 'y' belong to no tensor/],
  ['bytes after the last tensor', file({ x: f32([1], 0, 4) }, new Uint8Array(6)), /2 bytes after the last tensor 'x'/],
  [
    'a name listed twice',
    file(
      '{"x":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}, "\\u0078":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}',
      new Uint8Array(4),
    ),
    /tensor 'x' is listed twice/,
  ],
  ['metadata that is no string', file({ __metadata__: { step: 3 } }), /__metadata__ is not a table of strings/],
];
for (const [why, bytes, message] of bad) {
  safetensors(`refuses ${why}`, () => {
    try {
      decodeSafetensors(bytes, 'w.safetensors');
    } catch (error) {
      assert.instance(error, DescentError);
      assert.match((error as Error).message, message);
      assert.not.match((error as Error).message, /\n/);
      return;
    }
    assert.unreachable('it was accepted');
  });
}

safetensors('what a file cannot hold is not written, and what is no file is not read', async () => {
  const tensor = 'give { shape, data: Float32Array } of as many values';
  const shape = [2];
  const cases: readonly [tensors: unknown, metadata: unknown, message: string][] = [
    [{ a: { shape, data: Float64Array.of(1, 2) } }, {}, `safetensors: 'a' is no tensor of float32; ${tensor}`],
    [{ a: { shape, data: [1, 2] } }, {}, `safetensors: 'a' is no tensor of float32; ${tensor}`],
    [{ a: { shape, data: Float32Array.of(1) } }, {}, `safetensors: 'a' is no tensor of float32; ${tensor}`],
    [{ a: Float32Array.of(1) }, {}, `safetensors: 'a' is no tensor of float32; ${tensor}`],
    [{ __metadata__: { shape: [1], data: Float32Array.of(1) } }, {}, "safetensors: '__metadata__' is no name of a tensor; give another"],
    [{}, { shape: [3, 32, 32] }, 'metadata: shape is of the class Array; give a text, of what is none its JSON'],
    [{}, { step: 3 }, 'metadata: step is 3; give a text, of what is none its JSON'],
  ];
  for (const [tensors, metadata, message] of cases) {
    assert.is(await refusal(() => encodeSafetensors(tensors as Tensors, metadata as Record<string, string>)), message);
  }
  const { buffer } = encodeSafetensors({});
  const read = () => decodeSafetensors(buffer as unknown as Uint8Array, 'net.safetensors');
  assert.is(await refusal(read), 'net.safetensors: got of the class ArrayBuffer; give a Uint8Array');
  assert.is(await refusal(() => encodeSafetensors(null as unknown as Tensors)), 'safetensors: got null; give tensors by name');
  assert.match(await refusal(() => decodeSafetensors(new Uint8Array(3))), /^weights: 3 bytes are too few/);
});

safetensors('refuses every truncation of a good file', () => {
  const bytes = encodeSafetensors({ a: { shape: [2, 2], data: Float32Array.of(1, 2, 3, 4) }, b: { shape: [1], data: Float32Array.of(5) } });
  for (let n = 0; n < bytes.length; n++) {
    assert.throws(
      () => decodeSafetensors(bytes.subarray(0, n), 'x'),
      (e: Error) => e instanceof DescentError,
      `${n} bytes`,
    );
  }
});

safetensors.run();
