#!/bin/sh
# VGG-16 with batch norm on CIFAR-10
# as:        Liu & Deng 2015 without their dropout and their rates: momentum, 200 epochs, the rate along a cosine
# published: 91.55 % test accuracy (Liu & Deng 2015, their abstract: an error of 8.45 %)
# measured:  not measured, no GPU at hand
set -e
cd "$(dirname "$0")/../.."
exec npx descent train vgg16-bn --dataset cifar10 --val-split 0 \
  --epochs 200 --batch-size 128 --optimizer momentum --lr 0.05 --weight-decay 5e-4 --schedule cosine \
  --augment crop:4,flip "$@"
