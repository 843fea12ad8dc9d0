"""Fine-tuning: features of images under torchvision's nets, and steps with a new classifier, frozen layers and parameter groups.

Writes finetune.json. Weights are generated (see common.py), images bytes made by the same generator, normalised as for ImageNet; all is
computed in float64. Frozen layers are in evaluation mode without gradients. With names as arguments those alone are made again.
"""
import fnmatch
import json
import os
import sys

import numpy as np
import torch
import torch.nn.functional as F
import torchvision.models as zoo
from torch import nn

from common import HERE, fill, uniform, weights, write_json

CLASSES = 5
MEAN, STD = [0.485, 0.456, 0.406], [0.229, 0.224, 0.225]


class Small(nn.Module):
    """Two units of convolution, batch norm, relu and pooling, and a linear layer; on images of 32x32."""

    def __init__(self, classes=1000):
        super().__init__()
        unit = lambda c, o: nn.ModuleDict({'conv': nn.Conv2d(c, o, 3, padding=1, bias=False), 'bn': nn.BatchNorm2d(o)})
        self.layer1, self.layer2, self.fc = unit(3, 4), unit(4, 6), nn.Linear(24, classes)

    def forward(self, x):
        for unit in (self.layer1, self.layer2):
            x = F.max_pool2d(F.relu(unit['bn'](unit['conv'](x))), 4)
        return self.fc(x.flatten(1))


def undropped(model):
    for layer in model.modules():
        if isinstance(layer, nn.Dropout):
            layer.p = 0
    return model


CASES = [
    # name, model as the command line calls it, side, images, build, classifier, options
    ('small sgd', 'small', 32, 8, lambda: Small(), 'fc',
     {'freeze': 'layer1', 'optimizer': 'momentum', 'lr': 0.1, 'weightDecay': 0.01, 'lrOf': 'layer*=0.1', 'weightDecayOf': '*.bias=0,*.bn=0'}),
    ('small adamw', 'small', 32, 8, lambda: Small(), 'fc',
     {'freeze': 'layer1,layer2.bn.running_*', 'optimizer': 'adamw', 'lr': 0.01, 'weightDecay': 0.1, 'lrOf': 'layer2=0.25,fc.bias=2', 'weightDecayOf': 'fc=0.5'}),
    ('resnet18', 'resnet18:stem=imagenet', 64, 4, lambda: zoo.resnet18(), 'fc', {'freeze': 'conv1,bn1,layer*'}),
    ('resnet18 last stage', 'resnet18:stem=imagenet', 64, 8, lambda: zoo.resnet18(), 'fc',
     {'freeze': 'conv1,bn1,layer1,layer2,layer3', 'lr': 0.1, 'lrOf': 'layer4=0.1', 'weightDecay': 1e-3, 'weightDecayOf': '*.bias=0'}),
    ('resnet34', 'resnet34:stem=imagenet', 64, 4, lambda: zoo.resnet34(), 'fc', {'freeze': 'conv1,bn1,layer*'}),
    ('resnet50', 'resnet50:stem=imagenet', 64, 4, lambda: zoo.resnet50(), 'fc', {'freeze': 'conv1,bn1,layer*'}),
    ('wide_resnet50_2', 'resnet50:stem=imagenet,width=128', 64, 4, lambda: zoo.wide_resnet50_2(), 'fc', {'freeze': 'conv1,bn1,layer*'}),
    ('googlenet', 'googlenet:stem=imagenet,dropout=0', 64, 4, lambda: undropped(zoo.googlenet(init_weights=False, transform_input=False)), 'fc',
     {'freeze': 'conv*,inception*'}),
    ('alexnet', 'alexnet:dropout=0', 224, 2, lambda: undropped(zoo.alexnet()), 'classifier.6', {'freeze': 'features,classifier.1,classifier.4'}),
    ('vgg11', 'vgg11:dropout=0', 224, 2, lambda: undropped(zoo.vgg11(init_weights=False)), 'classifier.6', {'freeze': 'features,classifier.0,classifier.3'}),
    ('vgg11_bn', 'vgg11-bn:dropout=0', 224, 2, lambda: undropped(zoo.vgg11_bn(init_weights=False)), 'classifier.6',
     {'freeze': 'features,classifier.0,classifier.3'}),
]


def images(name, n, side):
    u = uniform(f'{name}/images', n * 3 * side * side).reshape(n, 3, side, side)
    bytes_ = np.floor((u + 1) * 128)
    x = (bytes_ / 255 - np.reshape(MEAN, (1, 3, 1, 1))) / np.reshape(STD, (1, 3, 1, 1))
    return torch.from_numpy(x)


def named(patterns, name):
    parts = name.split('.')
    inside = ['.'.join(parts[:i + 1]) for i in range(len(parts))]
    return any(fnmatch.fnmatchcase(layer, p) for p in patterns for layer in inside)


def factor(text, name):
    found = 1.0
    for item in filter(None, (text or '').split(',')):
        pattern, value = item.split('=')
        if named([pattern], name):
            found = float(value)
    return found


def case(name, spec, side, n, build, classifier, options):
    model = fill(build())
    file = {key: list(t.shape) for key, t in model.state_dict().items()}
    parent, _, last = classifier.rpartition('.')
    owner = model.get_submodule(parent)
    fresh = nn.Linear(getattr(owner, last).in_features, CLASSES)
    with torch.no_grad():
        for key, t in fresh.named_parameters():
            t.copy_(weights(f'{classifier}.{key}', tuple(t.shape)))
    setattr(owner, last, fresh)
    for head in ('aux1', 'aux2'):
        if hasattr(model, head):
            setattr(model, head, None)
    model = model.double()
    x, y = images(name, n, side), torch.arange(n) % CLASSES
    seen = []
    fresh.register_forward_hook(lambda _, given, __: seen.append(given[0].detach()))
    with torch.no_grad():
        model.eval()(x)
    freeze = options['freeze'].split(',')
    model.train()
    for key, layer in model.named_modules():
        if isinstance(layer, nn.BatchNorm2d) and named(freeze, f'{key}.running_mean'):
            layer.eval()
    lr, decay = options.get('lr', 1e-4), options.get('weightDecay', 0)
    groups = []
    for key, p in model.named_parameters():
        if named(freeze, key):
            p.requires_grad_(False)
            continue
        groups.append({'params': [p], 'lr': lr * factor(options.get('lrOf'), key), 'weight_decay': decay * factor(options.get('weightDecayOf'), key)})
    kind = options.get('optimizer', 'sgd')
    optimizer = torch.optim.AdamW(groups) if kind == 'adamw' else torch.optim.SGD(groups, lr, momentum=0.9 if kind == 'momentum' else 0)
    losses = []
    for _ in range(3):
        optimizer.zero_grad()
        out = model(x)
        loss = F.cross_entropy(out.logits if hasattr(out, 'logits') else out, y)
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    state = model.state_dict()
    watched = [key for key in state if not key.endswith('num_batches_tracked') and not named(freeze, key)]
    after = {key: {'norm': state[key].norm().item(), 'first': state[key].flatten()[:4].tolist()} for key in watched[-24:]}
    own = {key: shape for key, shape in file.items() if key.startswith('aux') or key.endswith('num_batches_tracked')}
    return {
        'name': name, 'model': spec, 'side': side, 'images': n, 'classifier': classifier, 'options': options,
        'beside': {key: own[key] for key in list(own)[:20]},
        'features': [{'norm': row.norm().item(), 'first': row.flatten()[:8].tolist()} for row in seen[0]],
        'losses': losses, 'after': after,
    }


if __name__ == '__main__':
    wanted = sys.argv[1:]
    path = os.path.join(HERE, 'finetune.json')
    known = {c['name']: c for c in json.load(open(path))['cases']} if wanted and os.path.exists(path) else {}
    for entry in CASES:
        if not wanted or entry[0] in wanted:
            known[entry[0]] = case(*entry)
            print(entry[0], known[entry[0]]['losses'], flush=True)
    write_json('finetune.json', {'cases': [known[e[0]] for e in CASES if e[0] in known]}, 8)
