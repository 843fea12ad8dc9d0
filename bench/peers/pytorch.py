"""PyTorch, eager: on the processor (channels last, oneDNN's layout), or with `cuda` / `cuda-amp` on the card (TF32 off / autocast to half)."""
import json
import resource
import sys
import time

import torch
import torch.nn.functional as F
from torch import nn

problem, variant = json.loads(sys.argv[1]), sys.argv[2]
network, n = problem['network'], problem['batch']
device = torch.device('cpu' if variant == 'cpu' else 'cuda')
amp = variant == 'cuda-amp'
torch.set_num_threads(problem['threads'])
torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32 = False
torch.backends.cudnn.benchmark = True
torch.manual_seed(1)


class Block(nn.Module):
    def __init__(self, c, out, stride):
        super().__init__()
        self.conv1, self.bn1 = nn.Conv2d(c, out, 3, stride, 1, bias=False), nn.BatchNorm2d(out)
        self.conv2, self.bn2 = nn.Conv2d(out, out, 3, 1, 1, bias=False), nn.BatchNorm2d(out)
        self.stride, self.extra = stride, out - c

    def forward(self, x):
        y = self.bn2(self.conv2(F.relu(self.bn1(self.conv1(x)), inplace=True)))
        side = x[:, :, ::self.stride, ::self.stride] if self.stride > 1 else x
        return F.relu(y + (F.pad(side, (0, 0, 0, 0, 0, self.extra)) if self.extra else side), inplace=True)


def build(ops, c, h, w):
    layers = []
    for op in ops:
        kind, out = op['op'], op.get('out')
        if kind == 'conv':
            layers.append(nn.Conv2d(c, out, op['k'], op['stride'], op['pad'], bias=op['bias']))
            c, h, w = out, h + 2 * op['pad'] - op['k'] + 1, w + 2 * op['pad'] - op['k'] + 1
        elif kind == 'block':
            layers.append(Block(c, out, op['stride']))
            c, h, w = out, h // op['stride'], w // op['stride']
        elif kind == 'norm':
            layers.append(nn.BatchNorm2d(c))
        elif kind == 'relu':
            layers.append(nn.ReLU(inplace=True))
        elif kind == 'pool':
            layers.append(nn.MaxPool2d(2))
            h, w = h // 2, w // 2
        elif kind == 'mean':
            layers.append(nn.AdaptiveAvgPool2d(1))
            h = w = 1
        elif kind == 'dense':
            layers += [nn.Flatten(), nn.Linear(c * h * w, out)]
            c, h, w = out, 1, 1
    return nn.Sequential(*layers)


labels = torch.arange(n) % 10
size = network['shape'][0] * network['shape'][1] * network['shape'][2]
x = (torch.cos((labels[:, None] + 1) * torch.arange(size) * 0.1) + 2 * torch.rand(n, size) - 1).view(n, *network['shape'])
x, labels = x.to(device, memory_format=torch.channels_last), labels.to(device)
model = build(network['ops'], *network['shape']).to(device, memory_format=torch.channels_last)
optimizer = torch.optim.SGD(model.parameters(), network['lr'], momentum=0.9)
scaler = torch.cuda.amp.GradScaler(enabled=amp)


def step():
    optimizer.zero_grad(set_to_none=True)
    with torch.autocast(device.type, enabled=amp):
        loss = F.cross_entropy(model(x), labels)
    scaler.scale(loss).backward()
    scaler.step(optimizer)
    scaler.update()
    return loss


def blas():
    """Dense layers are as fast as the BLAS that is linked: Debian's reference one costs LeNet-5 half of its speed."""
    if torch.backends.mkl.is_available():
        return 'MKL'
    try:
        with open('/proc/self/maps') as maps:
            loaded = maps.read()
    except OSError:
        return 'unknown BLAS'
    return 'OpenBLAS' if 'openblas' in loaded else 'reference BLAS (libopenblas0-openmp is faster)'


def send(message):
    print(json.dumps(message), flush=True)


send({'ready': {'version': torch.__version__, 'adapter': f"{problem['threads']} threads, {blas()}" if variant == 'cpu' else torch.cuda.get_device_name()}})
for line in iter(sys.stdin.readline, ''):
    command = json.loads(line)
    ms, cpu, losses, left = [], [], [], command['run']
    while left > 0:
        count = min(command['burst'], left)
        start, before = time.perf_counter(), time.process_time()
        for _ in range(count):
            loss = step()
        losses.append(loss.item())  # waits for the card
        ms.append((time.perf_counter() - start) * 1000 / count)
        cpu.append((time.process_time() - before) * 1000 / count)
        left -= count
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == 'darwin' else 1024)
    send({'ms': ms, 'cpu': cpu, 'losses': losses, 'peak': peak})
