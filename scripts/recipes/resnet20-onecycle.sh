#!/bin/sh
# ResNet-20 on CIFAR-10 in 28 epochs
# as:        He et al. 2015, section 4.2, but for the schedule: one cycle of Smith & Topin 2017 (rate up to 0.15 over 15 % of the run, straight
#            down to almost 0, momentum the other way) in place of 165 epochs in three steps. So short a run fits less than it could: decay is 2.5e-4,
#            moves are by two pixels and flips alternate (Jordan 2024), and six views of each test image are asked for
# published: 91.25 % test accuracy, by the long schedule, of one view (He et al. 2015, table 6: an error of 8.75 %)
# measured:  91.7 % test accuracy with the six views (90.6 % without), one run, on llvmpipe (two processor cores), 130 minutes of training at 179
#            images/s in the mean (docs/runs/resnet20-onecycle/). It was begun for thirty epochs and resumed with --epochs 28 after 8,812 steps, from
#            where its rate fell faster. Training ended at 95.9 %: twelve epochs at a rate of 0.3, with decay 5e-4 and moves by four pixels, gave 87.6 %
# Run it again to go on where it stopped; RUN names its folder.
set -e
cd "$(dirname "$0")/../.."
exec scripts/resumable.sh resnet20-onecycle npx descent train resnet20 --dataset cifar10 --val-split 0 \
  --epochs 28 --batch-size 128 --optimizer nesterov --lr 0.15 --weight-decay 2.5e-4 \
  --schedule onecycle:pct_start=0.15,anneal=linear --augment crop:padding=2,fill=reflect,flip:alternate=true \
  --bn-stats population "$@"
