/** A board on which one draws what a net is asked about, light on dark as its images are. */
import { button, el } from '../dom.ts';

/** Pixels of a side of the board, and of its pen. */
const SIDE = 280;
const PEN = 18;
/** The share of a side that what is drawn takes, and the rest is margin: as in MNIST, 20 of 28 pixels. */
const TAKEN = 20 / 28;

/** `done` is called after each stroke with what was drawn, scaled and centred by its mass as MNIST's digits are. */
export function drawing(done: (picture: ImageBitmap) => unknown): HTMLElement {
  const board = el('canvas', {
    width: SIDE,
    height: SIDE,
    class: 'board',
    role: 'img',
    'aria-label': 'Board to draw on with mouse, pen or finger',
  });
  const context = board.getContext('2d', { willReadFrequently: true })!;
  const clear = () => {
    context.fillStyle = '#000';
    context.fillRect(0, 0, SIDE, SIDE);
  };
  clear();
  const at = (event: PointerEvent): [number, number] => {
    const { left, top, width } = board.getBoundingClientRect();
    return [((event.clientX - left) * SIDE) / width, ((event.clientY - top) * SIDE) / width];
  };
  let last: [number, number] | undefined;
  const stroke = (event: PointerEvent) => {
    if (!last) return;
    const next = at(event);
    Object.assign(context, { strokeStyle: '#fff', lineWidth: PEN, lineCap: 'round', lineJoin: 'round' });
    context.beginPath();
    context.moveTo(...last);
    context.lineTo(next[0] + 0.01, next[1]); // a line without a length would leave no dot
    context.stroke();
    last = next;
  };
  board.onpointerdown = event => {
    board.setPointerCapture(event.pointerId);
    last = at(event);
    stroke(event);
  };
  board.onpointermove = stroke;
  board.onpointerup = board.onpointercancel = () => {
    last = undefined;
    void centred(context).then(picture => picture && done(picture));
  };
  return el('div', { class: 'sketch' }, board, button('Clear the board', clear));
}

/** What is on the board in the middle of a square; undefined where nothing is. */
async function centred(context: CanvasRenderingContext2D): Promise<ImageBitmap | undefined> {
  const { data } = context.getImageData(0, 0, SIDE, SIDE);
  let [left, top, right, bottom, mass, x, y] = [SIDE, SIDE, -1, -1, 0, 0, 0];
  for (let i = 0; i < SIDE * SIDE; i++) {
    const light = data[4 * i]!;
    if (!light) continue;
    const [column, row] = [i % SIDE, Math.floor(i / SIDE)];
    [left, right, top, bottom] = [Math.min(left, column), Math.max(right, column), Math.min(top, row), Math.max(bottom, row)];
    mass += light;
    x += light * column;
    y += light * row;
  }
  if (!mass) return undefined;
  const side = Math.max(right - left, bottom - top) + 1;
  const scale = (TAKEN * SIDE) / side;
  const square = new OffscreenCanvas(SIDE, SIDE);
  const to = square.getContext('2d')!;
  to.fillStyle = '#000';
  to.fillRect(0, 0, SIDE, SIDE);
  to.drawImage(context.canvas, SIDE / 2 - (x / mass) * scale, SIDE / 2 - (y / mass) * scale, SIDE * scale, SIDE * scale);
  return createImageBitmap(square);
}
