"""What the vector scripts share: the weight generator (twin of weights.ts), safetensors by hand, the data files.

Every script here runs with Debian's python3-torch and writes small results beside itself; `npm test` needs only those results.
"""
import json
import os
import struct

import numpy as np
import torch

HERE = os.path.dirname(os.path.abspath(__file__))
torch.set_num_threads(1)
torch.use_deterministic_algorithms(True)


def fnv1a(name):
    """32-bit FNV-1a of the UTF-8 bytes."""
    h = 0x811C9DC5
    for byte in name.encode():
        h = ((h ^ byte) * 0x01000193) & 0xFFFFFFFF
    return h


def pcg(x):
    """The PCG-RXS-M-XS 32-bit hash (O'Neill 2014; Jarzynski & Olano 2020) of a uint32 array."""
    x = x * np.uint32(747796405) + np.uint32(2891336453)
    x = ((x >> ((x >> np.uint32(28)) + np.uint32(4))) ^ x) * np.uint32(277803737)
    return (x >> np.uint32(22)) ^ x


def uniform(name, count):
    """u[i] in [-1, 1) with 24 bits, exact in float32: pcg(pcg(i) ^ fnv1a(name)) >> 8, over 2^23, less 1. Float64."""
    i = np.arange(count, dtype=np.uint32)
    return (pcg(pcg(i) ^ np.uint32(fnv1a(name))) >> np.uint32(8)).astype(np.float64) / 8388608 - 1


def weights(name, shape):
    """The value of the parameter or buffer `name`; the rules by name and rank stand in README.md. Float32 tensor."""
    u = uniform(name, int(np.prod(shape, dtype=np.int64)))
    fan_in = int(np.prod(shape[1:], dtype=np.int64)) if len(shape) > 1 else 1
    if len(shape) > 1:
        w = u * np.sqrt(6 / fan_in)
    elif name.endswith('running_var'):
        w = 1 + 0.1 * np.abs(u)
    elif name.endswith('weight'):
        w = 1 + 0.1 * u
    else:
        w = 0.1 * u
    return torch.from_numpy(w.astype(np.float32).reshape(shape))


def fill(model):
    """Gives every parameter and float buffer of `model` its generated value; returns the model."""
    with torch.no_grad():
        for name, t in model.state_dict().items():
            if t.is_floating_point():
                t.copy_(weights(name, tuple(t.shape)))
    return model


def save(file, tensors):
    """safetensors: u64 length, JSON header padded with spaces to 8 bytes, data in the order given. Float32 and int64."""
    header, blobs, at = {}, [], 0
    for name, t in tensors.items():
        t = t.detach().contiguous()
        raw = t.numpy().tobytes()
        dtype = {torch.float32: 'F32', torch.int64: 'I64'}[t.dtype]
        header[name] = {'dtype': dtype, 'shape': list(t.shape), 'data_offsets': [at, at + len(raw)]}
        blobs.append(raw)
        at += len(raw)
    text = json.dumps(header, separators=(',', ':')).encode()
    text += b' ' * (-len(text) % 8)
    with open(os.path.join(HERE, file), 'wb') as f:
        f.write(struct.pack('<Q', len(text)) + text + b''.join(blobs))


def rounded(value, digits):
    if isinstance(value, float):
        return float(f'%.{digits}g' % value)
    if isinstance(value, (list, tuple)):
        return [rounded(v, digits) for v in value]
    if isinstance(value, dict):
        return {k: rounded(v, digits) for k, v in value.items()}
    return value


def write_json(file, records, digits=9):
    """A JSON object whose values stand one a line (arrays of records: one record a line), floats to `digits` significant digits."""
    line = lambda v: json.dumps(rounded(v, digits), separators=(',', ':'))
    body = []
    for key, value in records.items():
        if isinstance(value, list) and value and isinstance(value[0], dict):
            body.append(f'{json.dumps(key)}: [\n  ' + ',\n  '.join(line(v) for v in value) + '\n]')
        else:
            body.append(f'{json.dumps(key)}: {line(value)}')
    with open(os.path.join(HERE, file), 'w') as f:
        f.write('{\n' + ',\n'.join(body) + '\n}\n')


def data_file(*path):
    """A file of the data sets' cache, filled by `npx descent data fetch fashion-mnist cifar10`."""
    cache = os.environ.get('XDG_CACHE_HOME') or os.path.expanduser('~/.cache')
    return os.path.join(os.environ.get('DATA_DIR') or os.path.join(cache, 'descent'), *path)


def idx(path, count):
    """The first `count` items of an IDX file of bytes."""
    with open(path, 'rb') as f:
        _, _, kind, rank = f.read(4)
        assert kind == 8, f'{path}: not an IDX file of bytes'
        shape = struct.unpack(f'>{rank}I', f.read(4 * rank))
        size = int(np.prod(shape[1:], dtype=np.int64))
        return np.frombuffer(f.read(count * size), np.uint8).reshape((count,) + shape[1:])


def fashion_mnist(part, count):
    """Images [count, 1, 28, 28] as x/255 and labels, in file order; part: 'train' or 't10k'."""
    x = idx(data_file('fashion-mnist', f'{part}-images-idx3-ubyte'), count)
    y = idx(data_file('fashion-mnist', f'{part}-labels-idx1-ubyte'), count)
    return torch.from_numpy(x.astype(np.float32) / np.float32(255)).unsqueeze(1), torch.from_numpy(y.astype(np.int64))


def cifar10(part, count):
    """Images [count, 3, 32, 32] as x/255 and labels, in file order; part: 'data_batch_1' or 'test_batch'."""
    with open(data_file('cifar10', f'{part}.bin'), 'rb') as f:
        rows = np.frombuffer(f.read(count * 3073), np.uint8).reshape(count, 3073)
    x = rows[:, 1:].reshape(count, 3, 32, 32)
    return torch.from_numpy(x.astype(np.float32) / np.float32(255)), torch.from_numpy(rows[:, 0].astype(np.int64))
