/** Level lines of a function of two variables, by marching squares. */

type Point = readonly [x: number, y: number];
/** A side of a square: its lower left corner, and whether it goes up. */
type Side = readonly [i: number, j: number, up: boolean];

export interface ContourArea {
  readonly x: readonly [number, number];
  readonly y: readonly [number, number];
  readonly level: number;
  /** Squares a side. */
  readonly n?: number;
}

/** The lines on which f is `level`, as one list of points with NaN between lines. */
export function contour(f: (x: number, y: number) => number, { x: [x0, x1], y: [y0, y1], level, n = 96 }: ContourArea): Point[] {
  const px = (i: number) => x0 + ((x1 - x0) * i) / n;
  const py = (j: number) => y0 + ((y1 - y0) * j) / n;
  const row = (j: number) => Float64Array.from({ length: n + 1 }, (_, i) => f(px(i), py(j)) - level);
  const z = Array.from({ length: n + 1 }, (_, j) => row(j));
  const above = (i: number, j: number) => z[j]![i]! > 0;
  const share = (a: number, b: number) => a / (a - b);
  // the point on a side is where f crosses the level between its ends
  const places = new Map<string, Point>();
  const links = new Map<string, string[]>();
  const crossing = (...[i, j, up]: Side): string => {
    const name = `${i},${j},${up ? 'y' : 'x'}`;
    const a = z[j]![i]!;
    if (!places.has(name)) {
      places.set(name, up ? [px(i), py(j + share(a, z[j + 1]![i]!))] : [px(i + share(a, z[j]![i + 1]!)), py(j)]);
    }
    return name;
  };
  for (let j = 0; j < n; j++) {
    for (let i = 0; i < n; i++) {
      // around the square: corner k lies before side k
      const corners = [above(i, j), above(i + 1, j), above(i + 1, j + 1), above(i, j + 1)];
      const sides: readonly Side[] = [
        [i, j, false],
        [i + 1, j, true],
        [i, j + 1, false],
        [i, j, true],
      ];
      const crossed = sides.filter((_, k) => corners[k] !== corners[(k + 1) % 4]).map(side => crossing(...side));
      const middle = z[j]![i]! + z[j]![i + 1]! + z[j + 1]![i]! + z[j + 1]![i + 1]!;
      const isSaddle = crossed.length === 4;
      if (isSaddle && middle > 0 === corners[0]) crossed.push(crossed.shift()!); // joined by its middle
      for (let k = 0; k < crossed.length; k += 2) {
        const a = crossed[k]!;
        const b = crossed[k + 1]!;
        links.set(a, [...(links.get(a) ?? []), b]);
        links.set(b, [...(links.get(b) ?? []), a]);
      }
    }
  }

  const out: Point[] = [];
  const seen = new Set<string>();
  const follow = (start: string) => {
    if (seen.has(start)) return;
    if (out.length) out.push([out.at(-1)![0], NaN]);
    for (let at: string | undefined = start; at !== undefined; at = links.get(at)!.find(next => !seen.has(next))) {
      seen.add(at);
      out.push(places.get(at)!);
    }
    if (links.get(start)!.length === 2) out.push(places.get(start)!); // closed
  };
  for (const [name, next] of links) if (next.length === 1) follow(name);
  for (const name of links.keys()) follow(name);
  return out;
}
