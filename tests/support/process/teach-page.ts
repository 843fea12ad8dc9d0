/** The view Teach as a visitor uses it, before a camera that shows RED or BLUE (fake-camera.ts). */
import type { Locator, Page } from 'playwright-core';

export type Thing = 'red' | 'blue';

export class TeachPage {
  #page: Page;
  #address: string;

  /** `address` is that of the built page. */
  constructor(page: Page, address: string) {
    this.#page = page;
    this.#address = address;
  }

  /** A fresh visit; how much of the page moves by itself is measured from now on. */
  async open(): Promise<void> {
    await this.#page.addInitScript(`globalThis.shift = 0; new PerformanceObserver(list => {
      for (const entry of list.getEntries()) if (!entry.hadRecentInput) shift += entry.value;
    }).observe({ type: 'layout-shift', buffered: true });`);
    await this.#page.goto(`${this.#address}#teach`);
    await this.card('Class 2').waitFor();
  }

  shift(): Promise<number> {
    return this.#page.evaluate('shift');
  }

  card(name: string): Locator {
    return this.#page.locator('.class', { has: this.#page.getByRole('button', { name: `Remove ${name}`, exact: true }) });
  }

  async rename(from: string, to: string): Promise<void> {
    const name = this.card(from).getByLabel('Name of the class');
    await name.fill(to);
    await name.press('Enter');
  }

  /** Drops a file on a class, or beside all, with others that are no pictures. */
  async drop(name: string | undefined, file: string, bytes: Uint8Array, ...others: readonly string[]): Promise<void> {
    const on = name === undefined ? this.#page.locator('.stage') : this.card(name);
    await on.evaluate(
      (element, [called, content, type, names]) => {
        const dataTransfer = new DataTransfer();
        dataTransfer.items.add(new File([Uint8Array.from(atob(content), c => c.charCodeAt(0))], called, { type }));
        for (const other of names) dataTransfer.items.add(new File(['words'], other));
        element.dispatchEvent(new DragEvent('drop', { dataTransfer, bubbles: true }));
      },
      [file, Buffer.from(bytes).toString('base64'), file.endsWith('.png') ? 'image/png' : '', others] as const,
    );
  }

  /** Waits until the camera sees a thing. */
  async sees(thing: Thing): Promise<void> {
    await this.#page.waitForFunction(
      `(() => {
        const context = new OffscreenCanvas(8, 8).getContext('2d');
        context.drawImage(document.querySelector('.stage video'), 0, 0, 8, 8);
        const [red, , blue] = context.getImageData(0, 0, 1, 1).data;
        return (red > blue) === ${thing === 'red'};
      })()`,
      undefined,
      { polling: 30 },
    );
  }

  /** Holds the button of a class by the mouse until there are so many samples more. */
  async hold(name: Thing, samples: number): Promise<void> {
    const page = this.#page;
    const button = page.getByRole('button', { name: `Hold to capture ${name}` });
    await button.hover();
    await this.#until(
      name,
      samples,
      () => page.mouse.down(),
      () => page.mouse.up(),
    );
  }

  async holdKey(name: Thing, samples: number): Promise<void> {
    const page = this.#page;
    await page.getByRole('button', { name: `Hold to capture ${name}` }).focus();
    await this.#until(
      name,
      samples,
      () => page.keyboard.down(' '),
      () => page.keyboard.up(' '),
    );
  }

  /** Holds it by a finger. */
  async touch(name: Thing, samples: number): Promise<void> {
    const button = this.#page.getByRole('button', { name: `Hold to capture ${name}` });
    await button.scrollIntoViewIfNeeded();
    const { x, y, width, height } = (await button.boundingBox())!;
    const cdp = await this.#page.context().newCDPSession(this.#page);
    const touch = (type: 'touchStart' | 'touchEnd', touchPoints: { x: number; y: number }[]) => async () =>
      void (await cdp.send('Input.dispatchTouchEvent', { type, touchPoints }));
    await this.#until(name, samples, touch('touchStart', [{ x: x + width / 2, y: y + height / 2 }]), touch('touchEnd', []));
  }

  /** Waits until the net says that this is the likeliest. */
  async answers(thing: Thing): Promise<void> {
    await this.#page.waitForFunction(`[...document.querySelectorAll('.bars li')].some(bar =>
      bar.firstChild.textContent === '${thing}' && Number(bar.style.getPropertyValue('--share')) > 0.5)`);
  }

  /** Has the browser refuse the camera by an error of this name. Returns what ends it. */
  async withoutCamera(error: string): Promise<() => Promise<void>> {
    await this.#page.evaluate(`navigator.mediaDevices.getUserMedia = async () => { throw new DOMException('', '${error}'); }`);
    return () => this.#page.evaluate('void delete navigator.mediaDevices.getUserMedia');
  }

  async #until(name: Thing, samples: number, begin: () => Promise<void>, end: () => Promise<void>): Promise<void> {
    const number = async () => Number.parseInt((await this.card(name).locator('.count').textContent())!, 10);
    const before = await number();
    await begin();
    while ((await number()) < before + samples) await this.#page.waitForTimeout(30);
    await end();
  }
}
