/** A Chromium for the tests of the page. */
import { existsSync } from 'node:fs';
import { agreed } from './agree.mjs';
import { asRoot, install } from './apt.mjs';
import { which } from './run.mjs';

const PLACES = [
  '/Applications/Google Chrome.app/Contents/MacOS/Google Chrome',
  '/Applications/Chromium.app/Contents/MacOS/Chromium',
  'C:\\Program Files\\Google\\Chrome\\Application\\chrome.exe',
  'C:\\Program Files (x86)\\Google\\Chrome\\Application\\chrome.exe',
];

/** The path of a Chromium or Chrome: that of DESCENT_BROWSER alone where it is set, else one on PATH or in its system's usual place. */
export function findBrowser() {
  const { DESCENT_BROWSER: named } = process.env;
  if (named) return existsSync(named) ? named : undefined;
  const names = ['chromium', 'google-chrome-stable', 'google-chrome', 'chromium-browser'];
  return names.map(which).find(Boolean) || PLACES.find(existsSync);
}

/** The path of a browser, installed from the system's packages where this process may do so; undefined where there is none. */
export function ensureBrowser({ say, verbose }) {
  const found = findBrowser();
  if (found || process.env.DESCENT_BROWSER || !which('apt-get')) return found;
  const prefix = asRoot();
  if (!prefix || !agreed('browser: there is none; install chromium with apt-get for the tests of the page?')) return undefined;
  say('browser: none yet, installing chromium for the tests of the page');
  install({ packages: ['chromium'] }, prefix, { verbose });
  return findBrowser();
}
