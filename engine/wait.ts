/** How the host passes the time while the device works. */

/** Takes a nap, lets the event loop turn, and calls `again`. */
type Nap = (again: () => void) => void;
let nap: Nap | undefined, open = 0, napping = false;

/** A browser's event loop sleeps by itself while a promise is open; where WebGPU polls the driver in every turn instead, its front end says how to nap between two polls. */
export function napBetweenPolls(own: Nap): void { nap = own; }

/** Waits for a promise of the device. All waits of the engine go through here. */
export async function waiting<T>(work: Promise<T>): Promise<T> {
  open++;
  if (nap && !napping) {
    napping = true;
    nap(turn);
  }
  try { return await work; } finally { open--; }
}

function turn(): void {
  napping = open > 0;
  if (napping) nap!(turn);
}
