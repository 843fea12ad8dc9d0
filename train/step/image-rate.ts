/** Images per second, by the clock and not by how often one asks. */

/** Milliseconds over which a rate is taken at least, where so many have passed: two lines of metrics may arrive at the same moment. */
const SPAN = 1000;

export interface ImageRate {
  /** Begins anew, as after a pause: `ahead` images were done before it whose number comes with the next ones. */
  restart(ahead?: number): void;
  /** The rate now that so many more images are done. */
  after(images: number): number;
}

/** `now` gives milliseconds. */
export function imageRate(now: () => number = () => performance.now()): ImageRate {
  let total = 0;
  let marks = [{ at: now(), images: 0 }];
  return {
    restart(ahead = 0) {
      marks = [{ at: now(), images: total + ahead }];
    },
    after(images) {
      const at = now();
      total += images;
      marks.push({ at, images: total });
      while (marks[1]!.at <= at - SPAN) marks.shift();
      const [begin] = marks;
      return (1000 * (total - begin!.images)) / Math.max(at - begin!.at, 1e-3);
    },
  };
}
