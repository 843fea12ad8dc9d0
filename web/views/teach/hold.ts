/** A button that works as long as it is held: by mouse, finger or pen, by Space or Enter; a press that lets go at once does it once. */
import { button } from '../dom.ts';

export function holdButton(label: string, begin: () => void, end: () => void): HTMLButtonElement {
  const e = button(label, () => undefined, { class: 'hold' });
  let held = false;
  const hold = () => {
    if (held || e.disabled) return;
    held = true;
    e.dataset.held = '';
    begin();
  };
  const release = () => {
    if (!held) return;
    held = false;
    delete e.dataset.held;
    end();
  };
  e.onpointerdown = event => {
    if (event.button !== 0) return;
    e.setPointerCapture(event.pointerId); // held also where the pointer slides off it
    hold();
  };
  e.onpointerup = e.onpointercancel = e.onlostpointercapture = e.onblur = release;
  e.oncontextmenu = event => event.preventDefault(); // a long touch asks for it
  const isKey = (event: KeyboardEvent) => event.key === ' ' || event.key === 'Enter';
  e.onkeydown = event => {
    if (!isKey(event)) return;
    event.preventDefault(); // no click follows
    hold();
  };
  e.onkeyup = event => {
    if (!isKey(event)) return;
    event.preventDefault();
    release();
  };
  // a voice or a switch clicks without a pointer that could be held
  e.onclick = ({ detail }) => {
    if (detail > 0) return;
    hold();
    release();
  };
  return e;
}
