"""Learning rates of PyTorch's schedulers over 100 steps, and a few weights followed under each elementwise optimizer, in float64.

Writes schedules.json and optimizers.json.
"""
import numpy as np
import torch
from torch.optim import lr_scheduler as S

from common import uniform, write_json

STEPS = 100
# falls, stalls with bumps, falls again at 45, by less than a threshold of 1e-2 at 70, rises at 85
LEVEL = lambda i: 1 if i < 45 else 0.5 if i < 70 else 0.496 if i < 85 else 0.6
METRICS = [round(2.5 * 0.9 ** min(i, 15) * LEVEL(i) + 0.05 * (i * 7 % 5 == 0), 6) for i in range(STEPS)]


def rates(make, lr=0.1, plateau=False):
    """The rate (and momentum, where it is cycled) of step t = 0, 1, ...; for plateau the rate after metric t."""
    optimizer = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr, momentum=0.9)
    scheduler = make(optimizer)
    lrs, momenta = [], []
    for t in range(STEPS):
        if plateau:
            scheduler.step(METRICS[t])
        lrs.append(float(optimizer.param_groups[0]['lr']))
        momenta.append(float(optimizer.param_groups[0]['momentum']))
        optimizer.step()
        if not plateau and t + 1 < STEPS:
            scheduler.step()
    return {'lrs': lrs} | ({'momenta': momenta} if len(set(momenta)) > 1 else {})


schedules = []
for name, options, make in [
    ('StepLR', {'step_size': 30, 'gamma': 0.1}, lambda o: S.StepLR(o, 30, 0.1)),
    ('MultiStepLR', {'milestones': [20, 50, 51], 'gamma': 0.5}, lambda o: S.MultiStepLR(o, [20, 50, 51], 0.5)),
    ('ExponentialLR', {'gamma': 0.95}, lambda o: S.ExponentialLR(o, 0.95)),
    ('CosineAnnealingLR', {'T_max': 99, 'eta_min': 0.001}, lambda o: S.CosineAnnealingLR(o, 99, 0.001)),
    ('CosineAnnealingWarmRestarts', {'T_0': 10, 'T_mult': 2, 'eta_min': 0}, lambda o: S.CosineAnnealingWarmRestarts(o, 10, 2)),
    ('CosineAnnealingWarmRestarts', {'T_0': 25, 'T_mult': 1, 'eta_min': 0.01}, lambda o: S.CosineAnnealingWarmRestarts(o, 25, 1, 0.01)),
    ('CyclicLR', {'base_lr': 0.01, 'max_lr': 0.1, 'step_size_up': 15, 'mode': 'triangular'},
     lambda o: S.CyclicLR(o, 0.01, 0.1, 15, mode='triangular', cycle_momentum=False)),
    ('CyclicLR', {'base_lr': 0.01, 'max_lr': 0.1, 'step_size_up': 15, 'mode': 'triangular2'},
     lambda o: S.CyclicLR(o, 0.01, 0.1, 15, mode='triangular2', cycle_momentum=False)),
    ('CyclicLR', {'base_lr': 0.01, 'max_lr': 0.1, 'step_size_up': 15, 'mode': 'exp_range', 'gamma': 0.98},
     lambda o: S.CyclicLR(o, 0.01, 0.1, 15, mode='exp_range', gamma=0.98, cycle_momentum=False)),
    ('OneCycleLR', {'max_lr': 0.1, 'total_steps': 100, 'pct_start': 0.3, 'div_factor': 25, 'final_div_factor': 1e4,
                    'anneal_strategy': 'cos'},
     lambda o: S.OneCycleLR(o, 0.1, STEPS)),
    ('OneCycleLR', {'max_lr': 0.4, 'total_steps': 100, 'pct_start': 0.45, 'div_factor': 10, 'final_div_factor': 100,
                    'anneal_strategy': 'linear'},
     lambda o: S.OneCycleLR(o, 0.4, STEPS, pct_start=0.45, anneal_strategy='linear', div_factor=10, final_div_factor=100)),
    ('LinearLR', {'start_factor': 0.25, 'end_factor': 1, 'total_iters': 40}, lambda o: S.LinearLR(o, 0.25, 1, 40)),
    ('PolynomialLR', {'total_iters': 80, 'power': 2}, lambda o: S.PolynomialLR(o, 80, 2)),
    ('ReduceLROnPlateau', {'factor': 0.2, 'patience': 5, 'threshold': 1e-4, 'cooldown': 0, 'min_lr': 0},
     lambda o: S.ReduceLROnPlateau(o, factor=0.2, patience=5)),
    ('ReduceLROnPlateau', {'factor': 0.5, 'patience': 2, 'threshold': 1e-2, 'cooldown': 4, 'min_lr': 1e-3},
     lambda o: S.ReduceLROnPlateau(o, factor=0.5, patience=2, threshold=1e-2, cooldown=4, min_lr=1e-3)),
]:
    schedules.append({'name': name, 'lr': 0.1, 'options': options} | rates(make, plateau=name == 'ReduceLROnPlateau'))
write_json('schedules.json', {'metrics': METRICS, 'schedules': schedules}, digits=15)

O, WEIGHTS, UPDATES = torch.optim, 12, 30
optimizers = []
for name, lr, options, make in [
    ('sgd', 0.1, {}, lambda p: O.SGD(p, 0.1)),
    ('sgd', 0.1, {'weight_decay': 0.3}, lambda p: O.SGD(p, 0.1, weight_decay=0.3)),
    ('momentum', 0.1, {'momentum': 0.9}, lambda p: O.SGD(p, 0.1, momentum=0.9)),
    ('momentum', 0.1, {'momentum': 0.8, 'weight_decay': 0.3}, lambda p: O.SGD(p, 0.1, momentum=0.8, weight_decay=0.3)),
    ('momentum', 0.1, {'momentum': 0.9, 'dampening': 0.4, 'weight_decay': 0.3},
     lambda p: O.SGD(p, 0.1, momentum=0.9, dampening=0.4, weight_decay=0.3)),
    ('nesterov', 0.1, {'momentum': 0.9}, lambda p: O.SGD(p, 0.1, momentum=0.9, nesterov=True)),
    ('adagrad', 0.01, {'eps': 1e-10}, lambda p: O.Adagrad(p, 0.01)),
    ('adagrad', 0.05, {'eps': 1e-10, 'lr_decay': 0.1, 'initial_accumulator_value': 0.3},
     lambda p: O.Adagrad(p, 0.05, lr_decay=0.1, initial_accumulator_value=0.3)),
    ('adadelta', 1, {'rho': 0.9, 'eps': 1e-6}, lambda p: O.Adadelta(p, 1)),
    ('rmsprop', 1e-3, {'alpha': 0.9, 'eps': 1e-8}, lambda p: O.RMSprop(p, 1e-3, alpha=0.9)),
    ('rmsprop', 0.01, {'alpha': 0.9, 'eps': 1e-8, 'momentum': 0.8}, lambda p: O.RMSprop(p, 0.01, alpha=0.9, momentum=0.8)),
    ('rmsprop', 0.01, {'alpha': 0.9, 'eps': 1e-3, 'centered': 1}, lambda p: O.RMSprop(p, 0.01, alpha=0.9, eps=1e-3, centered=True)),
    ('rmsprop', 0.01, {'alpha': 0.9, 'eps': 1e-3, 'centered': 1, 'momentum': 0.8, 'weight_decay': 0.3},
     lambda p: O.RMSprop(p, 0.01, alpha=0.9, eps=1e-3, centered=True, momentum=0.8, weight_decay=0.3)),
    ('adam', 1e-3, {'beta1': 0.9, 'beta2': 0.999, 'eps': 1e-8}, lambda p: O.Adam(p, 1e-3)),
    ('adam', 0.01, {'beta1': 0.8, 'beta2': 0.95, 'eps': 1e-3, 'weight_decay': 0.3},
     lambda p: O.Adam(p, 0.01, (0.8, 0.95), 1e-3, weight_decay=0.3)),
    ('amsgrad', 0.01, {'beta1': 0.9, 'beta2': 0.8, 'eps': 1e-8}, lambda p: O.Adam(p, 0.01, (0.9, 0.8), amsgrad=True)),
    ('adamax', 2e-3, {'beta1': 0.9, 'beta2': 0.999, 'eps': 1e-8}, lambda p: O.Adamax(p)),
    ('adamax', 0.01, {'beta1': 0.9, 'beta2': 0.8, 'eps': 1e-2}, lambda p: O.Adamax(p, 0.01, (0.9, 0.8), 1e-2)),
    ('nadam', 2e-3, {'beta1': 0.9, 'beta2': 0.999, 'eps': 1e-8, 'momentum_decay': 4e-3}, lambda p: O.NAdam(p, foreach=True)),
    ('adamw', 1e-3, {'beta1': 0.9, 'beta2': 0.999, 'eps': 1e-8, 'weight_decay': 1e-2}, lambda p: O.AdamW(p)),
    ('adamw', 0.05, {'beta1': 0.9, 'beta2': 0.9, 'eps': 1e-8, 'weight_decay': 0.5},
     lambda p: O.AdamW(p, 0.05, (0.9, 0.9), weight_decay=0.5)),
    ('adamw', 0.05, {'beta1': 0.9, 'beta2': 0.8, 'eps': 1e-8, 'weight_decay': 0.5, 'amsgrad': 1},
     lambda p: O.AdamW(p, 0.05, (0.9, 0.8), weight_decay=0.5, amsgrad=True)),
    ('rprop', 1e-3, {'eta_minus': 0.5, 'eta_plus': 1.2, 'step_min': 1e-6, 'step_max': 50}, lambda p: O.Rprop(p, 1e-3)),
    ('rprop', 0.02, {'eta_minus': 0.5, 'eta_plus': 1.2, 'step_min': 0.01, 'step_max': 0.03},
     lambda p: O.Rprop(p, 0.02, step_sizes=(0.01, 0.03))),
    ('asgd', 0.01, {'lambd': 1e-4, 'alpha': 0.75, 't0': 1e6}, lambda p: O.ASGD(p)),
    ('asgd', 0.1, {'lambd': 0.5, 'alpha': 0.75, 't0': 5}, lambda p: O.ASGD(p, 0.1, lambd=0.5, t0=5)),
]:
    w = torch.from_numpy(uniform('weight', WEIGHTS)).requires_grad_()
    optimizer = make([w])
    after = {}
    for t in range(1, UPDATES + 1):
        w.grad = torch.from_numpy(uniform(f'gradient/{t}', WEIGHTS))
        optimizer.step()
        if t in (1, 2, UPDATES):
            after[t] = w.tolist()
    average = {'average': optimizer.state[w]['ax'].tolist()} if name == 'asgd' else {}
    optimizers.append({'name': name, 'lr': lr, 'options': options, 'after': after} | average)
write_json('optimizers.json', {'weights': WEIGHTS, 'updates': UPDATES, 'optimizers': optimizers}, digits=12)
