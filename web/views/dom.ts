/** Elements in one line. */
import { inPageWords } from '../words.ts';

type Child = Node | string | undefined | false;

/** An element with properties (or attributes, where the name has a dash or is `class`, `for` or `role`) and children. */
export function el<K extends keyof HTMLElementTagNameMap>(
  tag: K,
  props: Readonly<Record<string, unknown>> = {},
  ...children: Child[]
): HTMLElementTagNameMap[K] {
  const e = document.createElement(tag);
  for (const [name, value] of Object.entries(props)) {
    if (value === undefined) continue;
    if (name.includes('-') || ['class', 'for', 'role', 'list'].includes(name)) e.setAttribute(name, String(value));
    else (e as unknown as Record<string, unknown>)[name] = value;
  }
  e.append(...children.filter((c): c is Node | string => c !== undefined && c !== false));
  return e;
}

export const button = (label: string, onclick: () => unknown, props: Record<string, unknown> = {}): HTMLButtonElement =>
  el('button', {
    type: 'button',
    textContent: label,
    onclick: () => {
      void onclick();
    },
    ...props,
  });

/** A list of choices. */
export function select(
  names: readonly (readonly [value: string, label: string])[],
  value: string,
  props: Record<string, unknown> = {},
): HTMLSelectElement {
  const e = el('select', props, ...names.map(([v, label]) => el('option', { value: v, textContent: label })));
  e.value = value;
  return e;
}

/** A part that a phone shows folded. */
export function fold(title: string, ...children: Child[]): HTMLElement {
  const wide = matchMedia('(min-width: 801px)');
  const e = el('details', { class: 'fold', open: wide.matches }, el('summary', { textContent: title }), ...children);
  wide.addEventListener('change', () => {
    if (wide.matches) e.open = true;
  });
  return e;
}

/**
 * What a line at the top of the page says: an error stays until the next action, information for some seconds, what goes on (`busy`) until
 * something else is said, and what is wrong with the browser (`standing`) until it is closed.
 */
type Notice = 'error' | 'info' | 'busy' | 'standing';

let fading: ReturnType<typeof setTimeout> | undefined;

/** A line at the top of the page, in sight wherever one has scrolled to; empty text takes it away. */
export function notice(text: string, kind: Notice = 'error'): void {
  const e = document.getElementById('notice')!;
  clearTimeout(fading);
  e.hidden = !text;
  e.className = kind === 'standing' ? 'error' : kind;
  e.dataset.kind = kind;
  if (!text) return;
  e.replaceChildren(
    el('span', { textContent: text }),
    button('×', () => notice(''), { 'aria-label': 'Close this message' }),
  );
  if (kind === 'info') fading = setTimeout(fade, Math.max(6000, 70 * text.length));
}

/** Takes the line away unless someone is at it. */
function fade(): void {
  const e = document.getElementById('notice')!;
  if (e.matches(':hover, :focus-within')) fading = setTimeout(fade, 2000);
  else notice('');
}

/** Takes away what was said of the action before: another begins. */
export function passed(): void {
  const { kind } = document.getElementById('notice')!.dataset;
  if (kind === 'error' || kind === 'info') notice('');
}

/** Runs `work`, and says in the page what went wrong. */
export async function told<T>(work: () => Promise<T> | T): Promise<T | undefined> {
  try {
    return await work();
  } catch (error) {
    notice(inPageWords(error as Error));
    return undefined;
  }
}

/** Whether colours are dark now. */
export function isDark(): boolean {
  const { theme } = document.documentElement.dataset;
  return theme ? theme === 'dark' : matchMedia('(prefers-color-scheme: dark)').matches;
}

export const percent = (x: number): string => `${(100 * x).toFixed(1)} %`;
/** With a capital letter in front. */
export const capital = (text: string): string => text.charAt(0).toUpperCase() + text.slice(1);
export const count = (n: number): string => n.toLocaleString('en-US');

/** Asks for files, and says in the page what went wrong with them. */
export function pick(props: Readonly<Record<string, unknown>>, take: (files: readonly File[]) => Promise<unknown>): void {
  const input = el('input', { type: 'file', hidden: true, ...props });
  input.onchange = () => {
    void told(() => (input.files?.length ? take([...input.files]) : undefined));
    input.remove();
  };
  input.oncancel = () => input.remove();
  document.body.append(input); // a browser may forget one that is not on the page
  input.click();
}

/** Gives the user a file. */
export const save = (name: string, content: BlobPart, type: string): void => saveBlob(name, new Blob([content], { type }));

export function saveBlob(name: string, blob: Blob): void {
  const url = URL.createObjectURL(blob);
  el('a', { href: url, download: name }).click();
  setTimeout(() => URL.revokeObjectURL(url), 10_000);
}

/** `draw`, put off by so many milliseconds: what is asked for meanwhile is drawn by the same call. */
export function gathered(draw: () => void, ms: number): () => void {
  let waiting = false;
  return () => {
    if (waiting) return;
    waiting = true;
    setTimeout(() => {
      waiting = false;
      draw();
    }, ms);
  };
}
