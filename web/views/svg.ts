/** Elements of drawings in one line. */

type Child = Node | string | undefined | false;

/** An SVG element with attributes, those that are defined, and children. */
export function svg<K extends keyof SVGElementTagNameMap>(
  tag: K,
  attributes: Readonly<Record<string, string | number | undefined>> = {},
  ...children: Child[]
): SVGElementTagNameMap[K] {
  const e = document.createElementNS('http://www.w3.org/2000/svg', tag);
  for (const [name, value] of Object.entries(attributes)) if (value !== undefined) e.setAttribute(name, String(value));
  e.append(...children.filter((c): c is Node | string => c !== undefined && c !== false));
  return e;
}
