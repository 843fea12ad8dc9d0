#!/bin/sh
# ResNet-18 on CIFAR-10
# as:        the modern recipe: 32x32 stem, momentum, cosine, 200 epochs
# published: 95 % test accuracy
# measured:  not measured, no GPU at hand
set -e
cd "$(dirname "$0")/../.."
exec npx descent train resnet18 --dataset cifar10 --val-split 0 \
  --epochs 200 --batch-size 128 --optimizer nesterov --lr 0.1 --weight-decay 5e-4 --schedule cosine \
  --augment crop:4,flip "$@"
