"""Gradients by the inputs of a small conv net in evaluation, and its adversarial examples without random starts. Float64.

Writes robust.json.
"""
import torch
from torch import nn
import torch.nn.functional as F

from common import fill, uniform, write_json

SHAPE, CLASSES = (3, 2, 5, 5), 3
EPSILON, STEPS, SIZE = 0.1, 5, 0.04
MEAN, STD = (0.4, 0.6), (0.25, 0.5)


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv1, self.bn1 = nn.Conv2d(2, 4, 3, padding=1), nn.BatchNorm2d(4)
        self.conv2, self.bn2 = nn.Conv2d(4, 5, 3, stride=2), nn.BatchNorm2d(5)
        self.fc = nn.Linear(20, CLASSES)

    def forward(self, x):
        mean, std = (torch.tensor(v, dtype=torch.float64).reshape(1, 2, 1, 1) for v in (MEAN, STD))
        x = F.relu(self.bn1(self.conv1((x - mean) / std)))
        x = F.relu(self.bn2(self.conv2(x)))
        return self.fc(x.flatten(1))


def margin(logits, labels):
    own = logits.gather(1, labels[:, None])[:, 0]
    other = logits.scatter(1, labels[:, None], float('-inf')).max(1).values
    return (other - own).mean()


def gradient(net, loss, x, labels):
    x = x.clone().requires_grad_(True)
    loss(net(x), labels).backward()
    return x.grad


def projected(moved, x):
    return torch.clamp(torch.min(torch.max(moved, x - EPSILON), x + EPSILON), 0, 1)


def main():
    net = fill(Net()).double().eval()
    x = torch.from_numpy((uniform('inputs', 150) + 1) / 2).reshape(SHAPE)
    labels = torch.arange(3) % CLASSES
    record = {'shape': SHAPE, 'epsilon': EPSILON, 'steps': STEPS, 'size': SIZE, 'mean': MEAN, 'std': STD}
    for name, loss in (('cross-entropy', F.cross_entropy), ('margin', margin)):
        g = gradient(net, loss, x, labels)
        assert g.abs().min() > 1e-5, 'a sign hangs on rounding'
        fgsm = projected(x + EPSILON * g.sign(), x)
        at = x
        for _ in range(STEPS):
            g_at = gradient(net, loss, at, labels)
            assert g_at.abs().min() > 1e-6, 'a sign hangs on rounding'
            at = projected(at + SIZE * g_at.sign(), x)
        record[name] = {'gradient': g.flatten().tolist(), 'fgsm': fgsm.flatten().tolist(), 'pgd': at.flatten().tolist()}
    record['logits'] = net(x).flatten().tolist()
    write_json('robust.json', record)


main()
