/** Drawings to learn from, and where the page shows what it found. */
export const KINDS = ['disc', 'cross'];
const between = (a: number, b: number): number => a + Math.random() * (b - a);

/** A drawing of a kind, somewhere on a canvas of 24x24 in some colour. */
export function drawing(kind: string): HTMLCanvasElement {
  const canvas = Object.assign(document.createElement('canvas'), { width: 24, height: 24 });
  const context = canvas.getContext('2d')!;
  context.fillStyle = `hsl(${between(0, 360)} 60% 85%)`;
  context.fillRect(0, 0, 24, 24);
  context.translate(between(9, 15), between(9, 15));
  context.fillStyle = `hsl(${between(0, 360)} 70% 30%)`;
  const r = between(4, 8);
  if (kind === 'disc') {
    context.arc(0, 0, r, 0, 7);
    context.fill();
  } else {
    context.rotate(between(0, 2));
    context.fillRect(-r, -1.5, 2 * r, 3);
    context.fillRect(-1.5, -r, 3, 2 * r);
  }
  return canvas;
}

export const labels = Array.from({ length: 400 }, (_, i) => KINDS[i % KINDS.length]!);
export const drawings = labels.map(drawing);

const element = (id: string): HTMLElement => document.getElementById(id)!;
export const showLoss = (text: string): void => element('loss').replaceChildren(text);
export const onPress = (id: string, work: () => unknown): void => element(id).addEventListener('click', work);
export function showAnswer(image: HTMLCanvasElement, { label, probability }: { label: string; probability: number }): void {
  const item = document.createElement('li');
  item.append(image, ` ${label} ${Math.round(100 * probability)}%`);
  element('answers').append(item);
}
