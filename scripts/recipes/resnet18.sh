#!/bin/sh
# ResNet-18 on CIFAR-10
# as:        DeVries & Taylor 2017 without their cutout: a stem for 32x32 images, Nesterov's momentum, 200 epochs; the rate falls along a cosine, where
#            theirs falls to a fifth after 60, 120 and 160
# published: 95.28 % test accuracy, mean of five runs (DeVries & Taylor 2017, arXiv 1708.04552, table 1: an error of 4.72 %)
# measured:  not measured, no GPU at hand
set -e
cd "$(dirname "$0")/../.."
exec npx descent train resnet18 --dataset cifar10 --val-split 0 \
  --epochs 200 --batch-size 128 --optimizer nesterov --lr 0.1 --weight-decay 5e-4 --schedule cosine \
  --augment crop:4,flip "$@"
