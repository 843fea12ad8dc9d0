/** Event files read back as TensorBoard reads them: records and their checksums, then events. */
import { BinaryReader } from '@bufbuild/protobuf/wire';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { eventFile, maskedCrc } from '../../../train/export/event-file.ts';
import { eventsOf } from '../../../train/export/tensorboard.ts';

const test = suite('event files');

type Fields = Map<number, (number | Uint8Array)[]>;

/** The fields of a message by number. */
function fieldsOf(bytes: Uint8Array): Fields {
  const reader = new BinaryReader(bytes);
  const fields: Fields = new Map();
  while (reader.pos < reader.len) {
    const [field, type] = reader.tag();
    const value = type === 1 ? reader.double() : type === 5 ? reader.float() : type === 2 ? reader.bytes() : Number(reader.int64());
    fields.set(field, [...(fields.get(field) ?? []), value]);
  }
  return fields;
}

const text = (value: unknown) => new TextDecoder().decode(value as Uint8Array);
const doubles = (value: unknown) => [...new Float64Array((value as Uint8Array).slice().buffer)];

/** The events of a file: time, step, version, and by tag the fields of what is shown. */
function read(bytes: Uint8Array) {
  const view = new DataView(bytes.buffer, bytes.byteOffset);
  const events = [];
  for (let at = 0; at < bytes.length; ) {
    const length = Number(view.getBigUint64(at, true));
    const data = bytes.subarray(at + 12, at + 12 + length);
    assert.is(view.getUint32(at + 8, true), maskedCrc(bytes.subarray(at, at + 8)), 'checksum of the length');
    assert.is(view.getUint32(at + 12 + length, true), maskedCrc(data), 'checksum of the data');
    const fields = fieldsOf(data);
    const values = fields.has(5) ? (fieldsOf(fields.get(5)![0] as Uint8Array).get(1) ?? []) : [];
    const shown = values.map(value => fieldsOf(value as Uint8Array)).map(value => [text(value.get(1)![0]), value] as const);
    events.push({ time: fields.get(1)![0], step: fields.get(2)?.[0] ?? 0, version: fields.get(3)?.[0], shown: new Map(shown) });
    at += 16 + length;
  }
  return events;
}

test("the checksum is Castagnoli's, masked as TFRecord masks it", () => {
  const crc = 0xe3069283; // of '123456789', as every table of such checksums has it
  const masked = (((crc >>> 15) | (crc << 17)) + 0xa282ead8) >>> 0;
  assert.is(maskedCrc(new TextEncoder().encode('123456789')), masked);
});

test('scalars, pictures and histograms come back', () => {
  const png = Uint8Array.of(1, 2, 3);
  const values = Float32Array.of(-1, 0, 0.5, 2, NaN);
  const bytes = eventFile([
    { time: 1000.5, step: 3, summaries: [{ tag: 'loss', scalar: 0.25 }] },
    {
      time: 1001,
      step: 2 ** 33,
      summaries: [
        { tag: 'filters', png, height: 4, width: 5 },
        { tag: 'weights', values },
      ],
    },
  ]);
  const [first, second, third] = read(bytes);
  assert.is(text(first!.version), 'brain.Event:2');
  assert.equal([second!.time, second!.step, second!.shown.get('loss')!.get(2)], [1000.5, 3, [0.25]]);
  const image = fieldsOf(third!.shown.get('filters')!.get(4)![0] as Uint8Array);
  assert.equal(
    [third!.step, image.get(1), image.get(2), image.get(3), [...(image.get(4)![0] as Uint8Array)]],
    [2 ** 33, [4], [5], [3], [1, 2, 3]],
  );
  const histogram = fieldsOf(third!.shown.get('weights')!.get(5)![0] as Uint8Array);
  assert.equal(
    [1, 2, 3, 4, 5].map(field => histogram.get(field)![0]),
    [-1, 2, 4, 1.5, 5.25],
  );
  const [limits, counts] = [6, 7].map(field => doubles(histogram.get(field)![0]));
  assert.is(limits!.length, counts!.length);
  assert.is(
    counts!.reduce((a, b) => a + b),
    4,
  );
  assert.ok(Math.abs(limits!.at(-1)! - 2) < 1e-12);
});

test('the metrics of a run are told by part, at the times that its speed tells', () => {
  const line = (step: number) => ({ step, epoch: step / 10, loss: 2 / step, accuracy: 0.1, lr: 0.5, images_per_s: 100 });
  const parts = eventsOf({
    lines: [line(10), { split: 'val', step: 10, epoch: 1, loss: 1.5, accuracy: 0.2 }, line(20)],
    stats: [{ step: 20, layers: [{ name: 'conv1', weight: 3 }] }],
    weights: { 'conv1.weight': { shape: [2], data: Float32Array.of(1, 2) } },
    pictures: [],
    end: 5000,
    batchSize: 50,
  });
  assert.equal(Object.keys(parts), ['train', 'val']);
  assert.equal(
    parts.train!.map(e => [e.step, e.time, e.summaries.map(s => s.tag).join(' ')]),
    [
      [10, 4995, 'loss accuracy lr images_per_s epoch'],
      [20, 5000, 'loss accuracy lr images_per_s epoch'],
      [20, 5000, 'layers/conv1/weight'],
      [20, 5000, 'weights/conv1.weight'],
    ],
  );
  assert.equal(parts.val!, [
    {
      step: 10,
      time: 4995,
      summaries: [
        { tag: 'loss', scalar: 1.5 },
        { tag: 'accuracy', scalar: 0.2 },
        { tag: 'epoch', scalar: 1 },
      ],
    },
  ]);
});

test.run();
