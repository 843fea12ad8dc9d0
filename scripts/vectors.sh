#!/bin/sh
# Makes tests/vectors again with PyTorch (Debian's packages python3-torch, python3-torchvision; report: python3-sklearn); takes about ten minutes.
# Usage: scripts/vectors.sh [lenet5] [ops] [schedules] [models] [finetune] [onnx] [resize] [report] [robust] [winograd]     (default: all)
set -eu
cd "$(dirname "$0")/.."
npx descent data fetch fashion-mnist cifar10
export PYTHONDONTWRITEBYTECODE=1
[ $# -gt 0 ] || set -- lenet5 ops schedules models finetune onnx resize report robust winograd
for name; do
  echo "vectors: $name"
  /usr/bin/python3 "tests/vectors/$name.py"
done
