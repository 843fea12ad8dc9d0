#!/bin/sh
# AlexNet's convolutions on CIFAR-10
# as:        the 32x32 variant with one dense layer, common on GitHub since 2017
# published: about 77 % test accuracy
# measured:  not measured, no GPU at hand
set -e
cd "$(dirname "$0")/../.."
exec npx descent train alexnet-cifar --dataset cifar10 --val-split 0 \
  --epochs 100 --batch-size 128 --optimizer momentum --lr 0.01 --weight-decay 5e-4 --schedule cosine \
  --augment crop:4,flip "$@"
