#!/bin/sh
# ResNet-20 on CIFAR-10 in twelve epochs
# as:        He et al. 2015, section 4.2, but for the schedule: one cycle of Smith & Topin 2017 (rate up to 0.3 over a quarter of the run, straight
#            down to almost 0, momentum the other way) in place of 165 epochs in three steps; decay 5e-4, as usual for so short a run
# published: 91.25 % test accuracy, by the long schedule
# measured:  not yet
# About an hour on two processor cores. Run it again to go on where it stopped; RUN names its folder.
set -e
cd "$(dirname "$0")/../.."
run=${RUN:-runs/resnet20-onecycle}
if [ -e "$run/config.json" ]; then exec npx descent train --resume "$run"; fi
exec npx descent train resnet20 --dataset cifar10 --val-split 0 \
  --epochs 12 --batch-size 128 --optimizer nesterov --lr 0.3 --weight-decay 5e-4 \
  --schedule onecycle:pct_start=0.25,anneal=linear --augment crop:4,flip "$@" --out "$run"
