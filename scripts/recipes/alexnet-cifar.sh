#!/bin/sh
# AlexNet's convolutions on CIFAR-10
# as:        no paper's: the 32x32 variant with one dense layer of the repository pytorch-classification (Yang 2017), 2.47 M parameters. It has 164
#            epochs at a rate of 0.1, a tenth after 81 and 122; these are fewer, from 0.01 along a cosine
# published: 77.2 % test accuracy (Yang 2017, the table in the README of that repository: an error of 22.78 %)
# measured:  not measured, no GPU at hand
set -e
cd "$(dirname "$0")/../.."
exec npx descent train alexnet-cifar --dataset cifar10 --val-split 0 \
  --epochs 100 --batch-size 128 --optimizer momentum --lr 0.01 --weight-decay 5e-4 --schedule cosine \
  --augment crop:4,flip "$@"
