/** Where the boxes of a net stand: row by row as they are computed, branches in rows of their own, unfolded groups as frames around theirs. */
import type { NetNode } from './tree.ts';

export interface Rect {
  readonly x: number;
  readonly y: number;
  readonly w: number;
  readonly h: number;
}
/** A box, or the frame of an unfolded group. */
export interface Placed extends Rect {
  readonly node: NetNode;
  readonly level: number;
  readonly isOpen: boolean;
  /** Its place among its siblings, from 1, and how many they are. */
  readonly index: number;
  readonly of: number;
}
/** From the box or frame whose values it takes, the one before it or another, or from the frame around it where they are its input. */
export interface Link {
  readonly from: Rect;
  readonly to: Rect;
  readonly kind: 'next' | 'join' | 'input';
}
export interface Layout {
  /** In the order in which they are computed; a frame before what is in it. */
  readonly placed: readonly Placed[];
  readonly links: readonly Link[];
  readonly height: number;
}

/** Pixels between boxes, of a frame's title, and the least width of a box. */
const GAP = 18;
export const TITLE = 34;
const LEAST = 150;
/** A frame's margin, at its left with the line along which its input comes. */
const MARGIN = { left: 18, right: 8, bottom: 10 } as const;

/** Places `nodes` in `width` pixels, boxes `height` high; `open` are the keys of unfolded groups. */
export function layoutOf(nodes: readonly NetNode[], open: ReadonlySet<string>, width: number, height: number): Layout {
  const placed: Placed[] = [];
  const links: Link[] = [];

  /** Places the parts of a group, below `top`; where they end. */
  function flow(parts: readonly NetNode[], frame: Placed | undefined, left: number, top: number, room: number): number {
    const columns = Math.max(1, Math.floor((room + GAP) / (LEAST + GAP)));
    const w = (room - GAP * (columns - 1)) / columns;
    const sources = sourcesOf(parts, frame?.node.path ?? '');
    const rects = new Map<NetNode, Rect>();
    let [column, y] = [0, top];
    const wrap = () => {
      if (column > 0) y += height + GAP;
      column = 0;
    };
    parts.forEach((node, i) => {
      const { inner, isFromOutside } = sources.get(node)!;
      const follows = followsOn(inner, parts[i - 1]);
      if (i > 0 && !follows && inner.size + Number(isFromOutside) > 0) wrap(); // a branch, or where branches join
      const isOpen = open.has(node.key) && node.children.length > 0;
      if (isOpen || column === columns) wrap();
      const facts = { node, level: frame ? frame.level + 1 : 1, isOpen, index: i + 1, of: parts.length };
      let rect: Placed;
      if (isOpen) {
        rect = { ...facts, x: left, y, w: room, h: 0 };
        placed.push(rect);
        const end = flow(node.children, rect, left + MARGIN.left, y + TITLE, room - MARGIN.left - MARGIN.right) + MARGIN.bottom;
        Object.assign(rect, { h: end - y }); // the links of its parts hold this very object
        y = end + GAP;
      } else {
        rect = { ...facts, x: left + column * (w + GAP), y, w, h: height };
        placed.push(rect);
        column++;
      }
      rects.set(node, rect);
    });
    for (const [i, node] of parts.entries()) {
      const to = rects.get(node)!;
      const { inner, isFromOutside } = sources.get(node)!;
      const kind = followsOn(inner, parts[i - 1]) ? 'next' : 'join';
      // once all stand: of names that mix, as a file may have them, one part may take values of another that comes later
      for (const source of inner) links.push({ from: rects.get(source)!, to, kind });
      if (isFromOutside && frame) links.push({ from: frame, to, kind: 'input' });
    }
    wrap();
    return y - GAP;
  }

  const end = flow(nodes, undefined, 0, 0, width);
  return { placed, links, height: Math.max(0, end) };
}

/** Whether all values that a part takes are of the one before it. */
const followsOn = (inner: ReadonlySet<NetNode>, before: NetNode | undefined): boolean =>
  inner.size === 1 && before !== undefined && inner.has(before);

/** Of each part of a group: the parts whose values it takes, and whether it takes some from outside of the group. */
function sourcesOf(parts: readonly NetNode[], path: string): Map<NetNode, { inner: Set<NetNode>; isFromOutside: boolean }> {
  const home = new Map(parts.flatMap(node => node.layers.map(l => [l.name, node] as const)));
  return new Map(
    parts.map(node => {
      const from = node.layers.flatMap(l => l.from).map(name => home.get(name));
      const inner = new Set(from.filter(other => other !== undefined && other !== node));
      const isFirst = path !== '' && node === parts[0];
      return [node, { inner: inner as Set<NetNode>, isFromOutside: isFirst || from.includes(undefined) }];
    }),
  );
}
