"""Logits, losses and gradient norms of the image models with generated weights, on real CIFAR-10 images (x/255, file order).

Writes models.json. The layouts are torchvision's or stand here in full. With names as arguments those alone are made again.
"""
import json
import os
import sys

import torch
from torch import nn
import torch.nn.functional as F
import torchvision.models as zoo

from common import HERE, cifar10, fill, write_json


class Flat(nn.Module):
    """features, then one linear classifier on what they leave, 1x1 images of `width` channels."""

    def __init__(self, features, width):
        super().__init__()
        self.features, self.classifier = features, nn.Linear(width, 10)

    def forward(self, x):
        return self.classifier(self.features(x).flatten(1))


def alexnet_cifar():
    """AlexNet for 32x32 images: the five convolutions with a stem of stride 4 and 2x2 pooling, one linear layer. 2.47 M parameters."""
    relu, pool = (lambda: nn.ReLU()), (lambda: nn.MaxPool2d(2))
    return Flat(nn.Sequential(
        nn.Conv2d(3, 64, 11, stride=4, padding=5), relu(), pool(),
        nn.Conv2d(64, 192, 5, padding=2), relu(), pool(),
        nn.Conv2d(192, 384, 3, padding=1), relu(),
        nn.Conv2d(384, 256, 3, padding=1), relu(),
        nn.Conv2d(256, 256, 3, padding=1), relu(), pool(),
    ), 256)


class Block(nn.Module):
    def __init__(self, c, o, stride):
        super().__init__()
        self.conv1 = nn.Conv2d(c, o, 3, stride, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(o)
        self.conv2 = nn.Conv2d(o, o, 3, 1, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(o)
        self.stride, self.extra = stride, o - c

    def forward(self, x):
        y = self.bn2(self.conv2(F.relu(self.bn1(self.conv1(x)))))
        s = self.stride
        return F.relu(y + F.pad(x[:, :, ::s, ::s], (0, 0, 0, 0, self.extra // 2, self.extra // 2)))


class ResNetCifar(nn.Module):
    """He et al. 2015, section 4.2, with option A shortcuts: 6 blocks + 2 layers."""

    def __init__(self, blocks=3):
        super().__init__()
        self.conv1 = nn.Conv2d(3, 16, 3, 1, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(16)
        stage = lambda c, o, stride: nn.Sequential(Block(c, o, stride), *[Block(o, o, 1) for _ in range(blocks - 1)])
        self.layer1, self.layer2, self.layer3 = stage(16, 16, 1), stage(16, 32, 2), stage(32, 64, 2)
        self.fc = nn.Linear(64, 10)

    def forward(self, x):
        x = self.layer3(self.layer2(self.layer1(F.relu(self.bn1(self.conv1(x))))))
        return self.fc(x.mean((2, 3)))


class RnnRows(nn.Module):
    """torch.nn.RNN over the rows of an image, all channels of a row side by side; a linear classifier on its last state."""

    def __init__(self):
        super().__init__()
        self.rnn, self.fc = nn.RNN(96, 64, batch_first=True), nn.Linear(64, 10)

    def forward(self, x):
        return self.fc(self.rnn(x.transpose(1, 2).flatten(2))[1][0])


def small_stem(model):
    """The 32x32 stem of a torchvision ResNet: a 3x3 convolution of stride 1, no pooling."""
    model.conv1, model.maxpool = nn.Conv2d(3, 64, 3, 1, 1, bias=False), nn.Identity()
    return model


def striding(model):
    """A net whose first convolution keeps the size of 32x32 images."""
    model.features[0][0].stride = (1, 1)
    return model


def undropped(model):
    """A net without dropout, where its constructor takes no number for it."""
    for layer in model.modules():
        if isinstance(layer, nn.Dropout):
            layer.p = 0
    return model


times = lambda k: lambda x: x.repeat_interleave(k, 2).repeat_interleave(k, 3)
double = times(2)
same = lambda x: x
MODELS = [  # name, stem, model, the input made from 32x32 images; further options, and of how many images
    ('alexnet-cifar', None, alexnet_cifar, same),
    ('rnn-rows', None, RnnRows, same),
    ('vgg11-bn', None, lambda: Flat(zoo.vgg11_bn(weights=None).features, 512), same),
    ('resnet20', None, ResNetCifar, same),
    ('resnet18', '32x32', lambda: small_stem(zoo.resnet18(num_classes=10)), same),
    ('resnet18', 'imagenet', lambda: zoo.resnet18(num_classes=10), double),
    ('resnet50', '32x32', lambda: small_stem(zoo.resnet50(num_classes=10)), same),
    ('resnet50', 'imagenet', lambda: zoo.resnet50(num_classes=10), double),
    ('mobilenet-v2', '32x32', lambda: striding(zoo.mobilenet_v2(num_classes=10, dropout=0)), same, 'dropout=0'),
    ('efficientnet-b0', 'imagenet', lambda: undropped(zoo.efficientnet_b0(num_classes=10, stochastic_depth_prob=0)), double, 'dropout=0,drop=0'),
    ('densenet121', 'imagenet', lambda: zoo.densenet121(num_classes=10), double),
    ('squeezenet1_1', None, lambda: zoo.squeezenet1_1(num_classes=10, dropout=0), double, 'dropout=0'),
    ('inception-v3', None, lambda: zoo.inception_v3(num_classes=10, dropout=0, init_weights=False, aux_logits=False), times(4), 'dropout=0', 4),
    ('inception-v3', None, lambda: zoo.inception_v3(num_classes=10, dropout=0, init_weights=False), times(10), 'dropout=0', 4),
]


def trained(build, x, y):
    """Logits and loss in training mode, the norm of each gradient, the norms of the running statistics after it."""
    model = fill(build()).to(x.dtype).train()
    logits = model(x)
    loss = 0
    if isinstance(logits, tuple):  # an auxiliary head, with the share that torchvision's recipe gives it
        logits, auxiliary = logits
        loss = 0.4 * F.cross_entropy(auxiliary, y)
    loss = loss + F.cross_entropy(logits, y)
    loss.backward()
    running = {name: b for name, b in model.named_buffers() if name.endswith(('running_mean', 'running_var'))}
    return {
        'logits': logits.tolist(), 'loss': loss.item(),
        'gradient_norms': {name: p.grad.norm().item() for name, p in model.named_parameters()},
        'running_norms': {name: b.norm().item() for name, b in running.items()},
    }


def followed(dtype, gains):
    """The losses of 8 steps of SGD on resnet20 before each update, and the logits of 4 test images in evaluation mode after them."""
    model = fill(ResNetCifar())
    with torch.no_grad():
        for name, p in model.named_parameters():
            p.mul_(gains['conv'] if p.dim() == 4 else gains['fc.weight'] if name == 'fc.weight' else 1)
    model = model.to(dtype).train()
    optimizer = torch.optim.SGD(model.parameters(), 0.1, momentum=0.9, weight_decay=1e-4)
    x, y = cifar10('data_batch_1', 8 * 32)
    losses = []
    for step in range(8):
        rows = slice(32 * step, 32 * step + 32)
        optimizer.zero_grad()
        loss = F.cross_entropy(model(x[rows].to(dtype)), y[rows])
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    with torch.no_grad():
        return losses, model.eval()(cifar10('test_batch', 4)[0].to(dtype)).tolist()


# repeat_interleave has no deterministic form here; on one CPU thread all is deterministic anyway
torch.use_deterministic_algorithms(False)
spread = lambda a, b: ((torch.tensor(a) - torch.tensor(b)).abs().max() / torch.tensor(b).abs().max()).item()
images, labels = cifar10('test_batch', 8)
wanted = sys.argv[1:]
known = json.load(open(os.path.join(HERE, 'models.json'))) if wanted else None
records, runs = [], []
for name, stem, build, prepare, *more in MODELS:
    options, count = (*more, None, None)[:2]
    n = count or 8
    x = prepare(images[:n])
    if wanted and name not in wanted:
        records.append(next(r for r in known['models'] if (r['name'], r['stem'], r['input']) == (name, stem, list(x.shape[1:]))))
        continue
    model = fill(build()).eval()
    record = {'name': name, 'stem': stem} | ({'options': options} if options else {}) | ({'images': n} if count else {})
    record |= {'input': list(x.shape[1:]), 'parameters': sum(p.numel() for p in model.parameters())}
    with torch.no_grad():
        record['logits'] = model(x[:4]).tolist()
        record['logits64'] = model.double()(x[:4].double()).tolist()
    narrow, wide = trained(build, x, labels[:n]), trained(build, x.double(), labels[:n])
    records.append(record | {
        'train_logits': narrow['logits'], 'train_logits64': wide['logits'], 'train_loss64': wide['loss'],
        'gradient_norms64': wide['gradient_norms'], 'running_norms64': wide['running_norms'],
    })
    most = max(wide['gradient_norms'].values())
    worst = max(abs(narrow['gradient_norms'][k] - v) / max(v, 1e-3 * most) for k, v in wide['gradient_norms'].items())
    if worst > 5e-3:  # a norm that the next batch norm takes back again, as before depthwise convolutions
        records[-1]['gradient_drift'] = worst
    print(f"{name} {stem or ''}: {record['parameters']} parameters, loss {wide['loss']:.4f}; float32 against float64: "
          f"eval {spread(record['logits'], record['logits64']):.0e}, train {spread(narrow['logits'], wide['logits']):.0e}, "
          f"gradient norms {worst:.0e}")
for gains in () if wanted else ({'conv': 4, 'fc.weight': 0.125}, {'conv': 1, 'fc.weight': 1}):
    losses, after = followed(torch.float32, gains)
    losses64, after64 = followed(torch.float64, gains)
    print(gains, [f'{abs(a / b - 1):.0e}' for a, b in zip(losses, losses64)], f'logits after {spread(after, after64):.0e}')
    runs.append({
        'name': 'resnet20', 'optimizer': 'momentum', 'options': {'momentum': 0.9, 'weight_decay': 1e-4}, 'lr': 0.1, 'batch': 32,
        'gains': gains, 'losses': losses, 'losses64': losses64, 'logits_after': after, 'logits_after64': after64,
    })
write_json('models.json', {'labels': labels.tolist(), 'models': records, 'runs': known['runs'] if wanted else runs})
