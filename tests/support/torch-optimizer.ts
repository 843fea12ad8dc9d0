import { rules } from '../../optim/index.ts';
import { optimizer, type Optimizer } from '../../optim/optimizer.ts';
import { weightDecay } from '../../optim/pieces.ts';

/** The optimizer that PyTorch makes of `options`, where `weight_decay` is an L2 penalty unless the rule has one of its own. */
export function torchOptimizer(name: string, options: Readonly<Record<string, number>>): Optimizer {
  const rule = rules[name]!;
  const { weight_decay: l2, ...others } = options;
  if (l2 === undefined || 'weight_decay' in rule.hyper) return optimizer(rule, options);
  return optimizer(rule, others, [weightDecay(l2)]);
}
