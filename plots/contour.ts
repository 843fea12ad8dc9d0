/** Level lines of a function of two variables, by marching squares. */

type Point = readonly [x: number, y: number];

export interface ContourArea {
  readonly x: readonly [number, number];
  readonly y: readonly [number, number];
  readonly level: number;
  /** Squares a side. */ readonly n?: number;
}

/** The lines on which f is `level`, as one list of points with NaN between lines. */
export function contour(
  f: (x: number, y: number) => number,
  { x: [x0, x1], y: [y0, y1], level, n = 96 }: ContourArea,
): Point[] {
  const px = (i: number) => x0 + ((x1 - x0) * i) / n;
  const py = (j: number) => y0 + ((y1 - y0) * j) / n;
  const z = Array.from({ length: n + 1 }, (_, j) =>
    Float64Array.from({ length: n + 1 }, (_, i) => f(px(i), py(j)) - level),
  );
  const above = (i: number, j: number) => z[j]![i]! > 0;
  const share = (a: number, b: number) => a / (a - b);
  // an edge is named by its lower left corner and direction; the point on it is where f crosses the level between its ends
  const places = new Map<string, Point>();
  const links = new Map<string, string[]>();
  const edge = (i: number, j: number, up: boolean): string => {
    const name = `${i},${j},${up ? 'y' : 'x'}`;
    const a = z[j]![i]!;
    if (!places.has(name)) {
      places.set(name, up ? [px(i), py(j + share(a, z[j + 1]![i]!))] : [px(i + share(a, z[j]![i + 1]!)), py(j)]);
    }
    return name;
  };
  for (let j = 0; j < n; j++) {
    for (let i = 0; i < n; i++) {
      const corners = [above(i, j), above(i + 1, j), above(i + 1, j + 1), above(i, j + 1)];
      const crossed = [
        edge.bind(null, i, j, false),
        edge.bind(null, i + 1, j, true),
        edge.bind(null, i, j + 1, false),
        edge.bind(null, i, j, true),
      ]
        .filter((_, k) => corners[k] !== corners[(k + 1) % 4])
        .map(make => make());
      // a saddle: joined by its middle
      if (crossed.length === 4 && z[j]![i]! + z[j]![i + 1]! + z[j + 1]![i]! + z[j + 1]![i + 1]! > 0 === corners[0]) {
        crossed.push(crossed.shift()!);
      }
      for (let k = 0; k < crossed.length; k += 2) {
        for (const [a, b] of [
          [k, k + 1],
          [k + 1, k],
        ] as const) {
          links.set(crossed[a]!, [...(links.get(crossed[a]!) ?? []), crossed[b]!]);
        }
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
