/** Light or dark: as the system has it, or as one has chosen, by a button that goes round the three. */
const NEXT = { system: 'light', light: 'dark', dark: 'system' } as const;
type Theme = keyof typeof NEXT;
const SIGNS: Readonly<Record<Theme, string>> = { system: '◐', light: '☀', dark: '☾' };

/** Sets the page's theme, and lets `button` change it. `changed` is called where colours are others from now on. */
export function themed(button: HTMLElement, changed: () => void): void {
  let theme: Theme = 'system';
  try {
    const kept = localStorage.getItem('theme');
    if (kept === 'light' || kept === 'dark') theme = kept;
  } catch {
    /* a browser may refuse storage, to a page in a frame of another site for one */
  }
  const set = () => {
    if (theme === 'system') delete document.documentElement.dataset.theme;
    else document.documentElement.dataset.theme = theme;
    button.textContent = SIGNS[theme];
    const words = theme === 'system' ? 'as the system' : theme;
    button.setAttribute('aria-label', `Theme: ${words}; switch to ${NEXT[theme] === 'system' ? 'that of the system' : NEXT[theme]}`);
    button.title = button.getAttribute('aria-label')!;
  };
  set();
  button.onclick = () => {
    theme = NEXT[theme];
    set();
    changed();
    try {
      localStorage.setItem('theme', theme);
    } catch {
      /* it is the system's again at the next visit */
    }
  };
  matchMedia('(prefers-color-scheme: dark)').addEventListener('change', changed);
}
