/** TensorBoard's event files: protobuf messages (tensorflow/core/util/event.proto) in checked records (TFRecord). */
import { BinaryWriter, WireType } from '@bufbuild/protobuf/wire';
import { joined } from '../evaluate/pixels.ts';

/** What is shown at a step under a name. */
export type Summary = { readonly tag: string } & (
  | { readonly scalar: number }
  /** A PNG. */
  | { readonly png: Uint8Array; readonly height: number; readonly width: number }
  | { readonly values: Float32Array }
);

export interface Event {
  /** Seconds since 1970. */
  readonly time: number;
  readonly step: number;
  readonly summaries: readonly Summary[];
}

/** CRC-32C (Castagnoli) by byte. */
const TABLE = Uint32Array.from({ length: 256 }, (_, i) => {
  let crc = i;
  for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >>> 1) ^ 0x82f63b78 : crc >>> 1;
  return crc;
});

/** CRC-32C, rotated and shifted as TFRecord has it, since a checksum of data that holds checksums is weak. */
export function maskedCrc(bytes: Uint8Array): number {
  let crc = 0xffffffff;
  for (const byte of bytes) crc = TABLE[(crc ^ byte) & 255]! ^ (crc >>> 8);
  crc = ~crc >>> 0;
  return (((crc >>> 15) | (crc << 17)) + 0xa282ead8) >>> 0;
}

/** Length, its checksum, the data, its checksum. */
function record(data: Uint8Array): Uint8Array {
  const out = new Uint8Array(data.length + 16);
  const view = new DataView(out.buffer);
  view.setBigUint64(0, BigInt(data.length), true);
  view.setUint32(8, maskedCrc(out.subarray(0, 8)), true);
  out.set(data, 12);
  view.setUint32(12 + data.length, maskedCrc(data), true);
  return out;
}

const message = (write: (w: BinaryWriter) => void): Uint8Array => {
  const w = new BinaryWriter();
  write(w);
  return w.finish();
};
const timed = (w: BinaryWriter, time: number) => w.tag(1, WireType.Bit64).double(time);
const nested = (w: BinaryWriter, field: number, bytes: Uint8Array) => w.tag(field, WireType.LengthDelimited).bytes(bytes);

/** Bins of a histogram. */
const BINS = 30;

function histogram(values: Float32Array): Uint8Array {
  const finite = values.filter(Number.isFinite);
  const least = finite.reduce((a, b) => Math.min(a, b), Infinity);
  const most = finite.reduce((a, b) => Math.max(a, b), -Infinity);
  const width = (most - least) / BINS || 1;
  const counts = new Float64Array(BINS);
  for (const v of finite) counts[Math.min(BINS - 1, Math.floor((v - least) / width))]!++;
  const doubles = (w: BinaryWriter, field: number, list: ArrayLike<number>) =>
    nested(w, field, new Uint8Array(Float64Array.from(list).buffer));
  return message(w => {
    const fields = [least, most, finite.length, finite.reduce((a, b) => a + b, 0), finite.reduce((a, b) => a + b * b, 0)];
    for (const [i, value] of fields.entries()) w.tag(i + 1, WireType.Bit64).double(value);
    doubles(
      w,
      6,
      Array.from({ length: BINS }, (_, i) => least + width * (i + 1)),
    );
    doubles(w, 7, counts);
  });
}

const summary = (given: Summary): Uint8Array =>
  message(w => {
    w.tag(1, WireType.LengthDelimited).string(given.tag);
    if ('scalar' in given) w.tag(2, WireType.Bit32).float(given.scalar);
    else if ('values' in given) nested(w, 5, histogram(given.values));
    else {
      const image = message(i => {
        i.tag(1, WireType.Varint).int32(given.height);
        i.tag(2, WireType.Varint).int32(given.width);
        i.tag(3, WireType.Varint).int32(3); // RGB
        nested(i, 4, given.png);
      });
      nested(w, 4, image);
    }
  });

/** The bytes of an event file. */
export function eventFile(events: readonly Event[]): Uint8Array {
  const version = message(w =>
    timed(w, events[0]?.time ?? 0)
      .tag(3, WireType.LengthDelimited)
      .string('brain.Event:2'),
  );
  const all = events.map(({ time, step, summaries }) =>
    message(w => {
      timed(w, time).tag(2, WireType.Varint).int64(step);
      const values = message(s => summaries.forEach(given => nested(s, 1, summary(given))));
      nested(w, 5, values);
    }),
  );
  return joined([version, ...all].map(record));
}
