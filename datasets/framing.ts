/** How pictures of any size become images of one: which part of each is shown, and in how many pixels. */
import { check, say, type Message } from '../engine/check.ts';

/** Throws where the shorter side of resized pictures is less than what is cut out of them. */
export function checkResize(who: Message, resize: number | undefined, [h, w]: readonly [number, number]): void {
  const most = Math.max(h, w);
  check(resize === undefined || resize >= most, say`${who}: ${resize} is less than images of ${h}x${w} take`, `give ${most} or more`);
}

/** A picture resized, and where the window lies that is cut out of it. */
export interface Window {
  readonly width: number;
  readonly height: number;
  readonly left: number;
  readonly top: number;
}

/**
 * torchvision.transforms.Resize(resize) and CenterCrop([h, w]): the shorter side becomes `resize` pixels, the longer one in proportion,
 * rounded down; the window is in the middle.
 */
export function windowOf([width, height]: readonly [number, number], [h, w]: readonly [number, number], resize: number): Window {
  const short = Math.min(width, height);
  const long = (side: number) => Math.max(resize, Math.floor((resize * side) / short));
  const size = { width: long(width), height: long(height) };
  return { ...size, left: halfEven((size.width - w) / 2), top: halfEven((size.height - h) / 2) };
}

/** Rounds as Python does: halves to the even number. */
const halfEven = (x: number): number => (x % 1 === 0.5 ? 2 * Math.round(x / 2) : Math.round(x));
