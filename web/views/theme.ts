/** Light or dark: as the system has it, or as one has chosen, by a button that goes round the three. */
const NEXT = { system: 'light', light: 'dark', dark: 'system' } as const;
type Theme = keyof typeof NEXT;
const SIGNS: Readonly<Record<Theme, string>> = { system: '◐', light: '☀', dark: '☾' };

/** Sets the page's theme, and lets `button` change it. `changed` is called where colours are others from now on. */
export function themed(button: HTMLElement, changed: () => void): void {
  const kept = localStorage.getItem('theme');
  let theme: Theme = kept === 'light' || kept === 'dark' ? kept : 'system';
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
    localStorage.setItem('theme', theme);
    set();
    changed();
  };
  matchMedia('(prefers-color-scheme: dark)').addEventListener('change', changed);
}
