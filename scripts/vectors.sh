#!/bin/sh
# Makes tests/vectors again with PyTorch. Needs Debian or Ubuntu with python3-torch and python3-torchvision, npm, node_modules; takes a few minutes.
# Usage: scripts/vectors.sh [lenet5] [ops] [schedules] [models]     (default: all)
set -eu
root=$(cd "$(dirname "$0")/.." && pwd)
work=${VECTORS_WORK:-${TMPDIR:-/tmp}/descent-vectors}
mkdir -p "$work"
cd "$work"
if [ ! -d fashion ]; then
  apt-get download dataset-fashion-mnist
  dpkg-deb -x dataset-fashion-mnist_*.deb fashion.part
  mv fashion.part fashion
fi
export FASHION_MNIST="$work/fashion/usr/share/datasets/fashion-mnist"
for name in "${@:-}"; do
  for script in ${name:-lenet5 ops schedules models}; do
    echo "vectors: $script"
    /usr/bin/python3 "$root/tests/vectors/$script.py"
  done
done
