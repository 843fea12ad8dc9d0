/** Reads the safetensors format (see safetensors.ts), and takes no file at its word. */
import { DescentError, kindOf, show } from '../../engine/check.ts';
import { product } from '../../shaders/kernel/shape.ts';
import type { Tensors } from './safetensors.ts';

/** What a file holds: tensors as float32, and the strings of its `__metadata__`. */
export interface Safetensors {
  tensors: Tensors;
  metadata: Record<string, string>;
}

interface Entry {
  dtype: string;
  shape: number[];
  data_offsets: [begin: number, end: number];
}

/** Bytes of a header, as the format's own reader bounds them. */
const MOST_HEADER = 100_000_000;

/** The dtypes that are read: bytes an element, and how they become float32. Bits of F32 pass unchanged. */
const DTYPES: Readonly<Record<string, { size: number; read: (bytes: ArrayBuffer) => Float32Array }>> = {
  F32: { size: 4, read: b => new Float32Array(b) },
  F16: { size: 2, read: b => Float32Array.from(new Uint16Array(b), halfValue) },
  BF16: { size: 2, read: b => new Float32Array(Uint32Array.from(new Uint16Array(b), x => x << 16).buffer) },
  F64: { size: 8, read: b => Float32Array.from(new Float64Array(b)) },
  I64: { size: 8, read: b => new Float32Array(Array.from(new BigInt64Array(b), Number)) }, // beside weights: num_batches_tracked of batch norm
};

/** The value of an IEEE half-precision number. */
export function halfValue(bits: number): number {
  const sign = bits >> 15 ? -1 : 1;
  const exponent = (bits >> 10) & 31;
  const fraction = bits & 1023;
  if (exponent === 31) return fraction ? NaN : sign * Infinity;
  return sign * (exponent ? 2 ** (exponent - 25) * (1024 + fraction) : 2 ** -24 * fraction);
}

/**
 * Reads a safetensors file; `file` is its name in messages. Every claim of the header is checked against the bytes:
 * a file that decodes has no holes, no overlaps and nothing beyond its tensors, of which some are no integers.
 */
export function decodeSafetensors(bytes: Uint8Array, file = 'weights'): Safetensors {
  const damaged = 'the file is damaged or no safetensors file: fetch or write it again';
  const fail = (problem: string, advice = damaged): never => {
    throw new DescentError(`${file}: ${problem}`, advice);
  };
  if (!(bytes instanceof Uint8Array)) fail(`got ${kindOf(bytes)}`, 'give a Uint8Array');
  if (bytes.length < 8) fail(`${bytes.length} bytes are too few for a safetensors header`);
  const length = Number(new DataView(bytes.buffer, bytes.byteOffset).getBigUint64(0, true));
  if (length > bytes.length - 8) {
    const [other, advice] = foreign(bytes) ?? [];
    if (other) fail(`is ${other}, not safetensors`, advice);
  }
  if (length > MOST_HEADER) fail(`the header claims ${length} bytes, more than the ${MOST_HEADER} that the format allows`);
  if (length > bytes.length - 8) {
    fail(`the header claims ${length} bytes, the file has ${bytes.length - 8} after its first 8`);
  }

  const { entries, metadata } = readHeader(bytes.subarray(8, 8 + length), fail);
  const data = bytes.subarray(8 + length);
  const tensors: [string, Tensors[string]][] = entries.map(([name, entry]) => {
    const { dtype, shape, data_offsets } = entry;
    const [begin, end] = data_offsets;
    const type = Object.hasOwn(DTYPES, dtype)
      ? DTYPES[dtype]!
      : fail(`tensor '${name}' has dtype ${dtype}`, `convert it to one of ${Object.keys(DTYPES).join(', ')}`);
    if (end > data.length) {
      fail(`tensor '${name}' ends at byte ${end} of the data, which has ${data.length}`, 'the file is cut short: fetch or write it again');
    }
    const [needed, given] = [product(shape) * type.size, end - begin];
    if (needed !== given) fail(`tensor '${name}' ${show(shape)} of ${dtype} needs ${needed} bytes, its offsets give ${given}`);
    return [name, { shape, data: type.read(new Uint8Array(data.subarray(begin, end)).buffer) }];
  });

  checkCoverage(entries, data.length, fail);
  const isWhole = ([, { dtype }]: [string, Entry]) => dtype === 'I64';
  if (entries.length && entries.every(isWhole)) fail('its tensors are integers alone, which are no weights', 'convert weights to F32');
  return { tensors: Object.fromEntries(tensors), metadata };
}

/** What bytes are that begin as a file of another kind does, and what to do. */
function foreign(bytes: Uint8Array): [what: string, advice: string] | undefined {
  const start = String.fromCharCode(...bytes.subarray(0, 99));
  const weights = /^PK.*\.npy/s.test(start) ? 'numpy' : /^(\x80|PK)/.test(start) ? 'torch.save' : /^\x89HDF/.test(start) && 'HDF5';
  if (weights) return [`a file of ${weights}`, 'write it with safetensors.torch.save_file(model.state_dict(), ...)'];
  if (/^(\x89PNG|\xff\xd8\xff|GIF8|RIFF.{4}WEBP)/s.test(start)) return ['a picture', 'give a file of weights'];
  const [words] = /^[\n\r\t -~]{40}/.exec(start.replace(/^\xef\xbb\xbf/, '').padEnd(40)) ?? [];
  if (!words) return undefined;
  const text = /^\s*<(!doctype html|html)\b/i.test(words) ? 'a web page' : `a text that begins with ${JSON.stringify(words.trim())}`;
  return [text, 'look at what lies there: a host may answer with a page or a text in place of a file that it does not have'];
}

/** Fails where two tensors overlap, or some of the `length` bytes of data belong to none. */
function checkCoverage(entries: readonly [string, Entry][], length: number, fail: (problem: string) => never): void {
  const ranges = entries.map(([name, { data_offsets }]) => ({ name, begin: data_offsets[0], end: data_offsets[1] }));
  ranges.sort((a, b) => a.begin - b.begin || a.end - b.end);
  let covered = 0;
  let last = '';
  for (const { name, begin, end } of ranges) {
    if (begin < covered) fail(`tensor '${name}' at bytes ${begin} to ${end} overlaps '${last}', which ends at ${covered}`);
    if (begin > covered) fail(`${begin - covered} bytes before tensor '${name}' belong to no tensor`);
    covered = end;
    last = name;
  }
  if (covered !== length) fail(`${length - covered} bytes after the last tensor '${last}' belong to no tensor`);
}

function readHeader(bytes: Uint8Array, fail: (problem: string) => never): { entries: [string, Entry][]; metadata: Record<string, string> } {
  let text = '';
  let header: unknown;
  try {
    text = new TextDecoder('utf-8', { fatal: true }).decode(bytes);
    header = JSON.parse(text);
  } catch {
    fail('the header is not valid JSON');
  }
  if (!isObject(header)) return fail('the header is not a JSON object');
  const twice = firstRepeated(topLevelKeys(text));
  if (twice !== undefined) fail(`tensor '${twice}' is listed twice`);

  const { __metadata__: metadata = {}, ...rest } = header;
  if (!isStrings(metadata)) return fail('__metadata__ is not a table of strings');
  const entries = Object.entries(rest).map(([name, e]): [string, Entry] => {
    if (!isObject(e) || typeof e.dtype !== 'string' || !isSizes(e.shape)) return fail(`tensor '${name}' has no valid dtype and shape`);
    if (!isRange(e.data_offsets)) {
      return fail(`tensor '${name}' has offsets ${JSON.stringify(e.data_offsets) ?? 'none'}, which are no range of bytes`);
    }
    return [name, { dtype: e.dtype, shape: e.shape, data_offsets: e.data_offsets }];
  });
  return { entries, metadata };
}

const isObject = (x: unknown): x is Record<string, unknown> => typeof x === 'object' && x !== null && !Array.isArray(x);
const isStrings = (x: unknown): x is Record<string, string> => isObject(x) && Object.values(x).every(v => typeof v === 'string');
const isSizes = (x: unknown): x is number[] => Array.isArray(x) && x.every(n => Number.isSafeInteger(n) && n >= 0);
const isRange = (x: unknown): x is Entry['data_offsets'] => isSizes(x) && x.length === 2 && x[0]! <= x[1]!;

function firstRepeated(names: string[]): string | undefined {
  const seen = new Set<string>();
  return names.find(name => seen.size === seen.add(name).size);
}

/** The keys of valid JSON's outermost object, repeated ones included (JSON.parse keeps the last and drops the rest). */
function topLevelKeys(json: string): string[] {
  const keys: string[] = [];
  let depth = 0;
  let string = '';
  for (let at = 0; at < json.length; at++) {
    const c = json[at]!;
    if (c === '"') {
      const start = at;
      for (at++; json[at] !== '"'; at++) if (json[at] === '\\') at++;
      string = json.slice(start, at + 1);
    } else if (c === '{' || c === '[') depth++;
    else if (c === '}' || c === ']') depth--;
    else if (c === ':' && depth === 1) keys.push(JSON.parse(string) as string);
  }
  return keys;
}
