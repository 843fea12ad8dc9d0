/** The title of the tab: how far training is, and which view is shown. */
let progress = '';
let view = '';

const show = (): void => {
  const title = [progress, view, 'Descent'].filter(Boolean).join(' – ');
  if (document.title !== title) document.title = title;
};

/** Tells how far training is; nothing where none is going on. */
export function titled(text: string): void {
  progress = text;
  show();
}

/** Tells which view is shown. */
export function viewed(name: string): void {
  view = name;
  show();
}
