#!/bin/sh
# ResNet-56 on CIFAR-10
# as:        He et al. 2015, section 4.2: rate 0.1, divided by 10 after 32,000 and 48,000 steps of 64,000
# published: 93.03 % test accuracy (He et al. 2015, table 6: an error of 6.97 %)
# measured:  not measured, no GPU at hand
set -e
cd "$(dirname "$0")/../.."
exec npx descent train resnet56 --dataset cifar10 --val-split 0 \
  --steps 64000 --epochs 165 --batch-size 128 --optimizer momentum --lr 0.1 --weight-decay 1e-4 \
  --schedule multistep:milestones=32000/48000,gamma=0.1 --augment crop:4,flip "$@"
