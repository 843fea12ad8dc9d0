/** How the host passes the time while the device works. */

/** Sleeps for some milliseconds, lets the event loop turn, and calls `again`. */
type Nap = (ms: number, again: () => void) => void;
let nap: Nap | undefined;
let open = 0;
let napping = false;

/** The first nap of a wait and the longest, ms. Each is half as long again as the one before: little is overslept, few polls are made. */
const SHORT = 0.05;
const LONG = 1;
let next = SHORT;

/**
 * A browser's event loop sleeps by itself while a promise is open; where WebGPU polls the driver in every turn instead, its front end says
 * how to nap between two polls.
 */
export function napBetweenPolls(own: Nap): void {
  nap = own;
}

/** Waits for a promise of the device. All waits of the engine go through here. */
export async function waiting<T>(work: Promise<T>): Promise<T> {
  open++;
  if (nap && !napping) {
    napping = true;
    nap((next = SHORT), turn);
  }
  try {
    return await work;
  } finally {
    open--;
    next = SHORT;
  }
}

function turn(): void {
  napping = open > 0;
  if (napping) nap!((next = Math.min(LONG, next * 1.5)), turn);
}
