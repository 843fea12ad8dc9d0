"""One small case for each operation and variant: outputs and gradients by PyTorch in float64 from inputs that are exact in float32.

Writes ops.json. An input holds offset + scale * u, u from the generator under the name '<case>/<input>', rounded to float32; the gradients
are those of sum(dy * y), dy generated under '<case>/dy' (of the loss itself where y is a scalar).
"""
import numpy as np
import torch
import torch.nn.functional as F

from common import uniform, write_json

cases = []


def generated(case, name, shape, scale=1, offset=0):
    u = uniform(f'{case}/{name}', int(np.prod(shape, dtype=np.int64)))
    return torch.from_numpy((offset + scale * u).astype(np.float32).astype(np.float64).reshape(shape))


def case(op, name, inputs, f, options=None, given=None):
    """inputs: name -> shape or (shape, scale, offset); f(**tensors) -> y or a dict of outputs whose first is differentiated."""
    specs = {k: v if isinstance(v, tuple) else (v, 1, 0) for k, v in inputs.items()}
    tensors = {k: generated(name, k, shape, scale, offset).requires_grad_() for k, (shape, scale, offset) in specs.items()}
    outputs = f(**tensors)
    outputs = outputs if isinstance(outputs, dict) else {'y': outputs}
    y = next(iter(outputs.values()))
    (y if y.dim() == 0 else y * generated(name, 'dy', list(y.shape))).sum().backward()
    cases.append({
        'op': op, 'name': name, 'options': options or {},
        'inputs': {k: {'shape': shape, 'scale': scale, 'offset': offset} for k, (shape, scale, offset) in specs.items()},
        'given': given or {},
        'outputs': {k: {'shape': list(v.shape), 'data': v.detach().flatten().tolist()} for k, v in outputs.items()},
        'gradients': {k: t.grad.flatten().tolist() for k, t in tensors.items() if t.grad is not None},
    })


def conv(name, x, o, k, stride=1, padding=0, dilation=1, groups=1, bias=True):
    options = {'stride': stride, 'pad': padding, 'dilation': dilation, 'groups': groups}
    inputs = {'x': x, 'weight': [o, x[1] // groups, *(k if isinstance(k, list) else [k, k])]} | ({'bias': [o]} if bias else {})
    case('conv2d', f'conv2d {name}', inputs,
         lambda x, weight, bias=None: F.conv2d(x, weight, bias, stride, padding, dilation, groups), options)


conv('plain 3x3', [2, 3, 6, 5], 4, 3)
conv('pad 1', [2, 3, 5, 6], 4, 3, padding=1)
conv('pad 2 5x5', [1, 2, 6, 6], 3, 5, padding=2)
conv('1x1 without bias', [2, 4, 4, 3], 5, 1, bias=False)
conv('stride 2', [2, 3, 7, 6], 2, 3, stride=2)
conv('stride 2 pad 1', [2, 3, 8, 7], 2, 3, stride=2, padding=1)
conv('stride 2 1x1', [1, 4, 6, 7], 3, 1, stride=2)
conv('dilation 2', [1, 2, 7, 8], 3, 3, dilation=2)
conv('dilation 2 pad 2 stride 2', [1, 2, 8, 7], 2, 3, stride=2, padding=2, dilation=2)
conv('groups 2', [1, 4, 5, 5], 6, 3, padding=1, groups=2)
conv('groups of one channel', [1, 4, 5, 5], 4, 3, padding=1, groups=4)
conv('groups stride dilation', [1, 4, 9, 8], 4, 3, stride=2, padding=1, dilation=2, groups=2)

conv('one row of taps', [1, 3, 4, 8], 2, [1, 5], padding=[0, 2])
conv('rows and columns differ', [1, 2, 8, 7], 3, [3, 2], stride=[2, 1], padding=[1, 0], dilation=[1, 2])
conv('same', [1, 2, 5, 6], 3, 4, padding='same')
conv('same, dilated', [1, 2, 5, 6], 3, [3, 2], padding='same', dilation=[2, 1])
case('conv2d', 'conv2d padded above and left', {'x': [1, 2, 5, 6], 'weight': [3, 2, 3, 3], 'bias': [3]},
     lambda x, weight, bias: F.conv2d(F.pad(x, (2, 0, 1, 0)), weight, bias, 2), {'stride': 2, 'pad': {'top': 1, 'left': 2}})
case('conv1d', 'conv1d', {'x': [2, 4, 9], 'weight': [6, 2, 3], 'bias': [6]},
     lambda x, weight, bias: F.conv1d(x, weight, bias, 2, 1, 2, 2), {'stride': 2, 'pad': 1, 'dilation': 2, 'groups': 2})


def transposed(name, x, o, k, stride=1, pad=0, output_pad=0, groups=1, dilation=1):
    case('convTranspose2d', f'convTranspose2d {name}', {'x': x, 'weight': [x[1], o // groups, *k], 'bias': [o]},
         lambda x, weight, bias: F.conv_transpose2d(x, weight, bias, stride, pad, output_pad, groups, dilation),
         {'stride': stride, 'pad': pad, 'outputPad': output_pad, 'groups': groups, 'dilation': dilation})


transposed('stride 1', [1, 3, 4, 5], 2, [3, 3], pad=1)
transposed('stride 2', [1, 3, 3, 4], 2, [4, 4], stride=2, pad=1)
transposed('rows and columns differ', [1, 4, 3, 4], 2, [3, 2], stride=[2, 1], pad=[1, 0], output_pad=[1, 0], groups=2, dilation=[1, 2])
case('rnn', 'rnn', {'x': [3, 5, 4], 'weight_ih_l0': [6, 4], 'weight_hh_l0': [6, 6], 'bias_ih_l0': [6], 'bias_hh_l0': [6]},
     lambda x, **weights: torch.rnn_tanh(x, x.new_zeros(1, 3, 6), tuple(weights.values()), True, 1, 0.0, True, False, True)[1][0])

for name, x, k, stride, pad in [
    ('2', [2, 2, 4, 6], 2, 2, 0), ('3 stride 2', [2, 2, 7, 6], 3, 2, 0),
    ('3 stride 2 pad 1', [2, 2, 7, 8], 3, 2, 1), ('2 stride 3', [1, 2, 8, 8], 2, 3, 0),
]:
    options = {'k': k, 'stride': stride, 'pad': pad}
    case('maxPool', f'maxPool {name}', {'x': x}, lambda x: F.max_pool2d(x, k, stride, pad), options)
    case('avgPool', f'avgPool {name}', {'x': x}, lambda x: F.avg_pool2d(x, k, stride, pad), options)
for name, k, stride, pad, dilation, ceil in [
    ('taps apart', 2, 1, 1, 3, False), ('rows and columns differ', [3, 2], [2, 1], [1, 0], [1, 2], False), ('rounded up', 3, 2, 1, 1, True),
]:
    case('maxPool', f'maxPool {name}', {'x': [1, 2, 6, 8]}, lambda x: F.max_pool2d(x, k, stride, pad, dilation, ceil),
         {'k': k, 'stride': stride, 'pad': pad, 'dilation': dilation, 'ceil': ceil})
for name, k, stride, pad, include in [
    ('rounded up', 3, 2, 0, True), ('rounded up over the padding', [3, 2], [3, 3], 1, True), ('rounded up, inside', [3, 2], [3, 3], 1, False),
]:
    case('avgPool', f'avgPool {name}', {'x': [1, 2, 6, 8]}, lambda x: F.avg_pool2d(x, k, stride, pad, True, include),
         {'k': k, 'stride': stride, 'pad': pad, 'ceil': True, 'countIncludePad': include})
case('maxPool1d', 'maxPool1d', {'x': [2, 2, 9]}, lambda x: F.max_pool1d(x, 3, 2, 1, 2), {'k': 3, 'stride': 2, 'pad': 1, 'dilation': 2})
case('avgPool1d', 'avgPool1d', {'x': [2, 2, 9]}, lambda x: F.avg_pool1d(x, 3, 2, 1, True, False),
     {'k': 3, 'stride': 2, 'pad': 1, 'ceil': True, 'countIncludePad': False})
case('adaptiveMaxPool', 'adaptiveMaxPool to 2x3', {'x': [1, 2, 5, 7]}, lambda x: F.adaptive_max_pool2d(x, (2, 3)), {'oh': 2, 'ow': 3})
case('adaptiveAvgPool', 'adaptiveAvgPool to 5x4, more rows than there are', {'x': [1, 2, 3, 8]}, lambda x: F.adaptive_avg_pool2d(x, (5, 4)),
     {'oh': 5, 'ow': 4})
for mode in ('constant', 'reflect', 'replicate', 'circular'):
    case(mode, f'{mode} pad', {'x': [1, 2, 4, 3]}, lambda x: F.pad(x, (1, 2, 0, 3), mode), {'pad': {'left': 1, 'right': 2, 'top': 0, 'bottom': 3}})
case('multiply', 'multiply by a gate', {'x': [2, 3, 2, 2], 'other': [2, 3, 1, 1]}, lambda x, other: x * other)
case('add', 'add both repeated', {'x': [2, 1, 3], 'other': [4, 1]}, lambda x, other: x + other)
case('avgPool', 'avgPool without the padding', {'x': [2, 2, 7, 8]},
     lambda x: F.avg_pool2d(x, 3, 2, 1, count_include_pad=False), {'k': 3, 'stride': 2, 'pad': 1, 'countIncludePad': False})
case('globalAvgPool', 'globalAvgPool', {'x': [2, 3, 5, 4]}, lambda x: F.adaptive_avg_pool2d(x, 1))
case('adaptiveAvgPool', 'adaptiveAvgPool to 3x2', {'x': [1, 2, 7, 5]}, lambda x: F.adaptive_avg_pool2d(x, (3, 2)), {'oh': 3, 'ow': 2})
for k, out in [(2, 5), (3, 4)]:
    name = f'fractionalMaxPool {k} to {out}'
    samples = (generated(name, 'samples', [2, 2, 2]) + 1) / 2  # [n, c, (columns, rows)] in [0, 1)
    case('fractionalMaxPool', name, {'x': [2, 2, 8, 7]},
         lambda x: F.fractional_max_pool2d(x, k, out, _random_samples=samples),
         {'k': k, 'oh': out, 'ow': out}, {'samples': samples.flatten().tolist()})

affine = lambda *shape: {'weight': (list(shape), 0.5, 1), 'bias': (list(shape), 0.5, 0)}


def batch_norm(x, x2, weight, bias, running_mean, running_var):
    mean, var = running_mean.detach().clone(), running_var.detach().clone()
    first = F.batch_norm(x, mean, var, weight, bias, True, 0.1, 1e-5)
    second = F.batch_norm(x2, mean, var, weight, bias, True, 0.1, 1e-5)
    evaluated = F.batch_norm(x, mean, var, weight, bias, False, 0.1, 1e-5)
    return {'y2': second, 'y': first, 'running_mean': mean, 'running_var': var, 'eval': evaluated}


def batch_norm_fixed(x, weight, bias, running_mean, running_var):
    return F.batch_norm(x, running_mean.detach(), running_var.detach(), weight, bias, False, 0.1, 1e-5)


statistics = {'running_mean': ([3], 0.5, 0), 'running_var': ([3], 0.5, 1)}
pair = {'x': ([4, 3, 2, 3], 1, 0.5), 'x2': ([4, 3, 2, 3], 2, -0.5)}
case('batchNorm', 'batchNorm two steps', pair | affine(3) | statistics, batch_norm, {'eps': 1e-5, 'momentum': 0.1, 'training': True})
case('batchNorm', 'batchNorm evaluation', {'x': [2, 3, 2, 3]} | affine(3) | statistics,
     batch_norm_fixed, {'eps': 1e-5, 'momentum': 0.1, 'training': False})
case('layerNorm', 'layerNorm of rows', {'x': [3, 10]} | affine(10),
     lambda x, weight, bias: F.layer_norm(x, [10], weight, bias), {'eps': 1e-5})
case('layerNorm', 'layerNorm of images', {'x': [2, 3, 4, 3]} | affine(3, 4, 3),
     lambda x, weight, bias: F.layer_norm(x, [3, 4, 3], weight, bias), {'eps': 1e-5})
for groups in (1, 2, 6):
    case('groupNorm', f'groupNorm {groups}', {'x': [2, 6, 3, 3]} | affine(6),
         lambda x, weight, bias: F.group_norm(x, groups, weight, bias), {'groups': groups, 'eps': 1e-5})
case('instanceNorm', 'instanceNorm', {'x': [2, 3, 4, 3]}, lambda x: F.instance_norm(x), {'eps': 1e-5})
case('instanceNorm', 'instanceNorm affine', {'x': [2, 3, 4, 3]} | affine(3),
     lambda x, weight, bias: F.instance_norm(x, weight=weight, bias=bias), {'eps': 1e-5})
for size, alpha, beta, k in [(5, 1e-4, 0.75, 2), (3, 0.5, 0.75, 1), (4, 1, 0.5, 1)]:
    case('lrn', f'lrn over {size}', {'x': ([2, 7, 2, 2], 2, 0)},
         lambda x: F.local_response_norm(x, size, alpha, beta, k), {'size': size, 'alpha': alpha, 'beta': beta, 'k': k})

for name, f, options in [
    ('relu', F.relu, {}), ('leakyRelu', lambda x: F.leaky_relu(x, 0.1), {'slope': 0.1}), ('elu',
     lambda x: F.elu(x, 1.5), {'alpha': 1.5}), ('sigmoid', torch.sigmoid, {}),
    ('tanh', torch.tanh, {}), ('softplus', F.softplus, {}), ('gelu', F.gelu, {}), ('geluTanh', lambda x: F.gelu(x, approximate='tanh'), {}),
    ('celu', lambda x: F.celu(x, 1.5), {'alpha': 1.5}), ('relu6', F.relu6, {}), ('hardsigmoid', F.hardsigmoid, {}), ('hardswish', F.hardswish, {}),
    ('silu', F.silu, {}), ('mish', F.mish, {}),
]:
    case(name, name, {'x': ([40], 6, 0)}, lambda x: f(x), options)
case('prelu', 'prelu', {'x': [2, 6], 'weight': [1]}, lambda x, weight: F.prelu(x, weight))
case('prelu', 'prelu of channels', {'x': [2, 3, 2, 2], 'weight': [3]}, lambda x, weight: F.prelu(x, weight))
case('logSoftmax', 'logSoftmax', {'x': ([4, 7], 5, 0)}, lambda x: F.log_softmax(x, 1))
case('softmax', 'softmax', {'x': ([4, 7], 5, 0)}, lambda x: F.softmax(x, 1))

labels = torch.tensor([3, 0, 9, 3, 7])
logits = {'logits': ([5, 10], 4, 0)}
given = {'labels': labels.tolist()}
case('crossEntropy', 'crossEntropy', logits, lambda logits: F.cross_entropy(logits, labels), {'smoothing': 0}, given)
case('crossEntropy', 'crossEntropy label smoothing', logits,
     lambda logits: F.cross_entropy(logits, labels, label_smoothing=0.1), {'smoothing': 0.1}, given)
case('nll', 'nll', logits, lambda logits: F.nll_loss(logits, labels), {}, given)
soft = F.softmax(generated('crossEntropy soft', 'targets', [5, 10], 3), 1).float().double()
case('crossEntropy', 'crossEntropy soft', logits,
     lambda logits: F.cross_entropy(logits, soft), {'smoothing': 0}, {'targets': soft.flatten().tolist()})
case('crossEntropy', 'crossEntropy soft and smoothed', logits,
     lambda logits: F.cross_entropy(logits, soft, label_smoothing=0.1), {'smoothing': 0.1}, {'targets': soft.flatten().tolist()})
case('crossEntropy', 'crossEntropy of large logits', {'logits': ([5, 10], 200, 0)},
     lambda logits: F.cross_entropy(logits, labels), {'smoothing': 0}, given)
case('hinge', 'hinge (10 x MultiMarginLoss)', logits, lambda logits: 10 * F.multi_margin_loss(logits, labels), {'margin': 1}, given)
targets = (generated('logistic', 'targets', [5, 10]) + 1) / 2
case('bceWithLogits', 'bceWithLogits', logits,
     lambda logits: F.binary_cross_entropy_with_logits(logits, targets), {}, {'targets': targets.flatten().tolist()})
case('mse', 'mse', logits, lambda logits: F.mse_loss(logits, targets), {}, {'targets': targets.flatten().tolist()})
case('mae', 'mae', logits, lambda logits: F.l1_loss(logits, targets), {}, {'targets': targets.flatten().tolist()})

weight = torch.tensor([0.25, 1, 2, 0.5, 0, 3, 1, 1.5, 4, 0.125], dtype=torch.float64)  # exact in float32
partly = torch.tensor([3, -100, 9, -100, 7])  # the second and fourth row have no label
for name, y, w, smoothing in [
    ('weighted', labels, weight, 0), ('weighted, smoothed', labels, weight, 0.1), ('ignore_index', partly, None, 0),
    ('ignore_index, smoothed', partly, None, 0.1), ('weighted, ignore_index, smoothed', partly, weight, 0.1),
]:
    case('crossEntropy', f'crossEntropy {name}', logits,
         lambda logits: F.cross_entropy(logits, y, w, label_smoothing=smoothing), {'smoothing': smoothing},
         {'labels': y.tolist()} | ({} if w is None else {'classWeights': w.tolist()}))
weighted = given | {'classWeights': weight.tolist()}
case('crossEntropy', 'crossEntropy soft, weighted', logits, lambda logits: F.cross_entropy(logits, soft, weight), {'smoothing': 0},
     {'targets': soft.flatten().tolist(), 'classWeights': weight.tolist()})
case('nll', 'nll weighted, ignore_index', logits, lambda logits: F.nll_loss(logits, partly, weight), {},
     {'labels': partly.tolist(), 'classWeights': weight.tolist()})
case('hinge', 'hinge weighted', logits, lambda logits: 10 * F.multi_margin_loss(logits, labels, weight=weight), {'margin': 1}, weighted)
case('bceWithLogits', 'bceWithLogits weighted', logits,
     lambda logits: F.binary_cross_entropy_with_logits(logits, targets, weight), {},
     {'targets': targets.flatten().tolist(), 'classWeights': weight.tolist()})


def jensen_shannon(a, b, c):
    p = [F.softmax(v, 1) for v in (a, b, c)]
    log_m = (sum(p) / 3).log()
    return sum(F.kl_div(log_m, q, reduction='batchmean') for q in p) / 3


case('jensenShannon', 'jensenShannon', {k: ([4, 6], 3, 0) for k in 'abc'}, jensen_shannon)

write_json('ops.json', {'cases': cases})
