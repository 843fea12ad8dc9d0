#!/bin/sh
# VGG-16 with batch norm on CIFAR-10
# as:        Liu & Deng 2015 without its dropout, by the rates of He et al. 2015
# published: 93.3 % test accuracy
# measured:  not measured, no GPU at hand
set -e
cd "$(dirname "$0")/../.."
exec npx descent train vgg16-bn --dataset cifar10 --val-split 0 \
  --epochs 200 --batch-size 128 --optimizer momentum --lr 0.05 --weight-decay 5e-4 --schedule cosine \
  --augment crop:4,flip "$@"
