#!/bin/sh
# ResNet-20 on CIFAR-10 in four epochs: the backbone that comes with page and package (models/trained/)
# as:        Smith & Topin 2018 (one cycle), four epochs
# published: no figure for as few; 91.25 % in 165 epochs (He et al. 2015, table 6)
# measured:  81.85 % test accuracy, on llvmpipe (two processor cores)
set -e
cd "$(dirname "$0")/../.."
exec npx descent train resnet20 --dataset cifar10 --val-split 0.02 \
  --epochs 4 --batch-size 128 --optimizer nesterov --lr 0.05 --weight-decay 5e-4 \
  --schedule onecycle:max_lr=0.25 --augment crop:4,flip "$@"
