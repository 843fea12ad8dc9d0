"""Losses of 20 steps of vgg-small on real CIFAR-10 images (x/255, file order), in float32 and float64.

Writes winograd.json: what a trajectory by Winograd's tiles is held beside.
"""
import torch
from torch import nn
import torch.nn.functional as F

from common import cifar10, fill, write_json

BATCH, STEPS, LR, MOMENTUM = 16, 20, 0.0005, 0.9


class VggSmall(nn.Module):
    """Two stages of two 3x3 convolutions, 32 and 64 channels, with ReLU and pooling; two dense layers."""

    def __init__(self):
        super().__init__()
        self.conv1, self.conv2 = nn.Conv2d(3, 32, 3, padding=1), nn.Conv2d(32, 32, 3, padding=1)
        self.conv3, self.conv4 = nn.Conv2d(32, 64, 3, padding=1), nn.Conv2d(64, 64, 3, padding=1)
        self.fc1, self.fc2 = nn.Linear(4096, 256), nn.Linear(256, 10)

    def forward(self, x):
        x = F.max_pool2d(F.relu(self.conv2(F.relu(self.conv1(x)))), 2)
        x = F.max_pool2d(F.relu(self.conv4(F.relu(self.conv3(x)))), 2)
        return self.fc2(F.relu(self.fc1(x.flatten(1))))


def losses(dtype, x, y):
    """The loss of each step before its update, by SGD with momentum."""
    model = fill(VggSmall()).to(dtype).train()
    optimizer = torch.optim.SGD(model.parameters(), LR, MOMENTUM)
    out = []
    for step in range(STEPS):
        rows = slice(step * BATCH, (step + 1) * BATCH)
        optimizer.zero_grad()
        loss = F.cross_entropy(model(x[rows].to(dtype)), y[rows])
        loss.backward()
        optimizer.step()
        out.append(loss.item())
    return out


x, y = cifar10('data_batch_1', BATCH * STEPS)
narrow, wide = losses(torch.float32, x, y), losses(torch.float64, x, y)
print([f'{abs(a / b - 1):.0e}' for a, b in zip(narrow, wide)])
write_json('winograd.json', {'model': 'vgg-small', 'lr': LR, 'momentum': MOMENTUM, 'batch': BATCH, 'losses': narrow, 'losses64': wide})
