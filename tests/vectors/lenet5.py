"""LeNet-5 on Fashion-MNIST: starting weights, first gradients, logits and the losses of 20 steps under each optimizer of PyTorch.

Writes lenet5-init.safetensors, lenet5-gradients.safetensors, lenet5.json.
"""
import torch
from torch import nn, optim
import torch.nn.functional as F

from common import fashion_mnist, fill, save, write_json

BATCH, STEPS, ORDERS = 64, 20, 6


class LeNet5(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv1 = nn.Conv2d(1, 6, 5, padding=2)
        self.conv2 = nn.Conv2d(6, 16, 5)
        self.fc1 = nn.Linear(400, 120)
        self.fc2 = nn.Linear(120, 84)
        self.fc3 = nn.Linear(84, 10)
        self.orders = None  # of the terms of each convolution's sums; PyTorch's own without

    def forward(self, x):
        x = F.max_pool2d(F.relu(self.conv(self.conv1, x, 0)), 2)
        x = F.max_pool2d(F.relu(self.conv(self.conv2, x, 1)), 2)
        x = F.relu(self.fc1(x.flatten(1)))
        return self.fc3(F.relu(self.fc2(x)))

    def conv(self, layer, x, i):
        if self.orders is None:
            return layer(x)
        pad, o, h = layer.padding[0], layer.out_channels, x.shape[2] + 2 * layer.padding[0] - 4
        columns = F.unfold(x, 5, padding=pad)[:, self.orders[i]]
        return (layer.weight.reshape(o, -1)[:, self.orders[i]] @ columns).reshape(-1, o, h, h) + layer.bias.reshape(1, o, 1, 1)


def some_order(seed):
    g = torch.Generator().manual_seed(seed)
    return [torch.randperm(n, generator=g) for n in (25, 150)]


# name, hyper-parameters beside lr (under the names of the command line), lr, PyTorch's optimizer.
# NAdam: the per-tensor form of PyTorch before 2.0 multiplies by mu once too often (pytorch/pytorch#92699), the foreach form does not.
RUNS = [
    ('sgd', {}, 0.1, lambda p, lr: optim.SGD(p, lr)),
    ('sgd', {'weight_decay': 5e-4}, 0.1, lambda p, lr: optim.SGD(p, lr, weight_decay=5e-4)),
    ('momentum', {'momentum': 0.9}, 0.05, lambda p, lr: optim.SGD(p, lr, momentum=0.9)),
    ('nesterov', {'momentum': 0.9}, 0.05, lambda p, lr: optim.SGD(p, lr, momentum=0.9, nesterov=True)),
    ('adam', {'beta1': 0.9, 'beta2': 0.999, 'eps': 1e-8}, 1e-3, lambda p, lr: optim.Adam(p, lr)),
    ('adam', {'beta1': 0.9, 'beta2': 0.999, 'eps': 1e-8, 'weight_decay': 5e-4}, 1e-3, lambda p, lr: optim.Adam(p, lr, weight_decay=5e-4)),
    ('amsgrad', {'beta1': 0.9, 'beta2': 0.999, 'eps': 1e-8}, 1e-3, lambda p, lr: optim.Adam(p, lr, amsgrad=True)),
    ('amsgrad', {'beta1': 0.9, 'beta2': 0.9, 'eps': 1e-8}, 1e-3, lambda p, lr: optim.Adam(p, lr, betas=(0.9, 0.9), amsgrad=True)),
    ('adamw', {'beta1': 0.9, 'beta2': 0.999, 'eps': 1e-8, 'weight_decay': 1e-2}, 1e-3, lambda p, lr: optim.AdamW(p, lr)),
    ('adamax', {'beta1': 0.9, 'beta2': 0.999, 'eps': 1e-8}, 2e-3, lambda p, lr: optim.Adamax(p, lr)),
    ('nadam', {'beta1': 0.9, 'beta2': 0.999, 'eps': 1e-8, 'momentum_decay': 4e-3}, 2e-3, lambda p, lr: optim.NAdam(p, lr, foreach=True)),
    ('adagrad', {'eps': 1e-10}, 0.01, lambda p, lr: optim.Adagrad(p, lr)),
    ('adadelta', {'rho': 0.9, 'eps': 1e-6}, 0.5, lambda p, lr: optim.Adadelta(p, lr)),
    ('rmsprop', {'alpha': 0.9, 'eps': 1e-8}, 1e-3, lambda p, lr: optim.RMSprop(p, lr, alpha=0.9)),
    ('rprop', {'eta_minus': 0.5, 'eta_plus': 1.2, 'step_min': 1e-6, 'step_max': 50}, 1e-3, lambda p, lr: optim.Rprop(p, lr)),
    ('asgd', {'lambd': 1e-4, 'alpha': 0.75, 't0': 1e6}, 0.05, lambda p, lr: optim.ASGD(p, lr)),
    ('asgd', {'lambd': 1e-2, 'alpha': 0.75, 't0': 5}, 0.05, lambda p, lr: optim.ASGD(p, lr, lambd=1e-2, t0=5)),
]


def start(dtype):
    return fill(LeNet5()).to(dtype)


def losses(make, lr, dtype, x, y, orders=None):
    """The loss of each step before its update; for asgd also the loss of the averaged weights on the first batch at the end."""
    model = start(dtype)
    model.orders = orders
    optimizer = make(model.parameters(), lr)
    x, out = x.to(dtype), []
    for step in range(STEPS):
        rows = slice(step * BATCH, (step + 1) * BATCH)
        optimizer.zero_grad()
        loss = F.cross_entropy(model(x[rows]), y[rows])
        loss.backward()
        optimizer.step()
        out.append(loss.item())
    if not isinstance(optimizer, optim.ASGD):
        return out, None
    with torch.no_grad():
        for p in model.parameters():
            p.copy_(optimizer.state[p]['ax'])
        return out, F.cross_entropy(model(x[:BATCH]), y[:BATCH]).item()


def lbfgs(dtype, x, y):
    """One iteration a step (max_iter 1 keeps the curvature pairs between calls), the same batch each time; counts the evaluations."""
    model = start(dtype)
    optimizer = optim.LBFGS(model.parameters(), lr=1, max_iter=1, max_eval=100, history_size=10, line_search_fn='strong_wolfe')
    x, out, calls = x.to(dtype), [], []

    def closure():
        calls[-1] += 1
        optimizer.zero_grad()
        loss = F.cross_entropy(model(x), y)
        loss.backward()
        return loss

    for _ in range(STEPS):
        calls.append(0)
        out.append(optimizer.step(closure).item())
    return out, calls


x, y = fashion_mnist('train', BATCH * STEPS)
model = start(torch.float32)
save('lenet5-init.safetensors', model.state_dict())
loss = F.cross_entropy(model(x[:BATCH]), y[:BATCH])
loss.backward()
save('lenet5-gradients.safetensors', {name: p.grad for name, p in model.named_parameters()})
images, labels = fashion_mnist('t10k', 4)
runs = []
for name, options, lr, make in RUNS:
    narrow, average = losses(make, lr, torch.float32, x, y)
    wide, average64 = losses(make, lr, torch.float64, x, y)
    others = [[float('%.8g' % v) for v in losses(make, lr, torch.float32, x, y, some_order(seed))[0]] for seed in range(ORDERS)]
    run = {'name': name, 'options': options, 'lr': lr, 'batch': BATCH, 'losses': narrow, 'losses64': wide, 'losses_reordered': others}
    runs.append(run if average is None else run | {'averaged_loss': average, 'averaged_loss64': average64})
narrow, calls = lbfgs(torch.float32, x[:512], y[:512])
wide, _ = lbfgs(torch.float64, x[:512], y[:512])
runs.append({'name': 'lbfgs', 'options': {'history': 10}, 'lr': 1, 'batch': 512, 'losses': narrow, 'losses64': wide, 'evaluations': calls})
for run in runs:
    spread = max(abs(a - b) / b for losses in [run['losses'], *run.get('losses_reordered', [])] for a, b in zip(losses, run['losses64']))
    print(f"{run['name']:9} {run['losses'][0]:.4f} -> {run['losses'][-1]:.4f}, float32 against float64 {spread:.1e} {run['options']}")
write_json('lenet5.json', {
    'labels': labels.tolist(),
    'logits': model(images).tolist(),
    'logits64': start(torch.float64)(images.double()).tolist(),
    'runs': runs,
})
