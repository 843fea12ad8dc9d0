/** How the host passes the time while the device works. */

/** Sleeps for some milliseconds, lets the event loop turn, and calls `again`. */
type Nap = (ms: number, again: () => void) => void;
let nap: Nap | undefined;
let open = 0;
let napping = false;

/** The first nap of a wait, ms; each is then half as long as the wait has lasted, so that little is overslept. */
const SHORT = 0.05;
/** The longest, ms, of a wait of up to 25 ms. */
const LONG = 1;
/** What a poll takes of a step, ms: 0.04 of one of two cores, as measured. Naps of s in a wait of t cost s / 2 and POLL t / s, least at √(2 POLL t). */
const POLL = 0.02;
/** When the wait that lasts began. */
let since = 0;

/** Milliseconds for which polls go on without a nap where an answer is wanted promptly: of a small net it comes in a fifth of that. */
const PROMPT = 1;
let promptUntil = 0;

/**
 * A browser's event loop sleeps by itself while a promise is open; where WebGPU polls the driver in every turn instead, its front end says
 * how to nap between two polls.
 */
export function napBetweenPolls(own: Nap): void {
  nap = own;
}

/**
 * Waits for a promise of the device. All waits of the engine go through here. `promptly` is for answers to single calls, where a nap would
 * double the time; a training step lasts long, and there polling takes a core from the driver.
 */
export async function waiting<T>(work: Promise<T>, promptly = false): Promise<T> {
  if (!open++) since = performance.now();
  if (promptly) promptUntil = performance.now() + PROMPT;
  if (nap && !napping) {
    napping = true;
    nap(pause(), turn);
  }
  try {
    return await work;
  } finally {
    open--;
    since = performance.now();
    if (promptly) promptUntil = 0;
  }
}

/** Milliseconds of the next nap. */
function pause(): number {
  const now = performance.now();
  if (now < promptUntil) return 0;
  const waited = now - since;
  return Math.min(SHORT + waited / 2, Math.max(LONG, Math.sqrt(2 * POLL * waited)));
}

function turn(): void {
  napping = open > 0;
  if (napping) nap!(pause(), turn);
}
