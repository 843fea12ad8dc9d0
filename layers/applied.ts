/** What layers that are given to others make, which a program without types may give uncalled. */
import { check, kindOf } from '../engine/check.ts';
import type { Graph, Layer } from '../engine/graph.ts';
import type { Tensor } from '../engine/tensor.ts';

/** What `layer`, called `name` by `who` takes it, makes of x, in a scope of its own where `isScope`. Throws where it is no layer. */
export function applied(who: string, name: string, layer: Layer, g: Graph, x: Tensor, isScope = false): Tensor {
  const advice = 'give a layer, as relu()';
  check(typeof layer === 'function', `${g.who(who)}: '${name}' is ${kindOf(layer)}`, advice);
  const y = isScope ? g.scope(name, () => layer(g, x)) : layer(g, x);
  check(Array.isArray(y?.shape), `${g.who(who)}: '${name}' returned ${kindOf(y)}, no output`, advice);
  return y;
}

/** What layers of one scope make of x. Throws where two that are not one and the same have a parameter of one name, which would be one. */
export function appliedBeside(who: string, layers: Readonly<Record<string, Layer>> | readonly Layer[], g: Graph, x: Tensor): Tensor[] {
  const owners = new Map<string, Layer>();
  return Object.entries(layers).map(([name, layer]) => {
    const [y, parameters] = g.taking(() => applied(who, name, layer, g, x));
    for (const parameter of parameters) {
      check(
        (owners.get(parameter) ?? layer) === layer,
        `${g.who(who)}: two of its layers have a parameter called ${parameter}`,
        "give them names, as named('a', dense(8))",
        'use one and the same to share it',
      );
      owners.set(parameter, layer);
    }
    return y;
  });
}
