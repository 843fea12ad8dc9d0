#!/bin/sh
# ResNet-20 on CIFAR-10, trained against PGD, as EnResNet-20 is (enresnet.sh)
# as:        arXiv 2003.00631: PGD-10 of 8/255 by 2/255, 200 epochs, rate 0.1, a tenth after 80, 120 and 160
# published: 76.07 % natural, 51.24 % under FGSM, 47.25 % under IFGSM-20 (arXiv 2003.00631)
# measured:  not measured, no GPU at hand
set -e
cd "$(dirname "$0")/../.."
exec npx descent train enresnet20:members=1,noise=0 --dataset cifar10 --val-split 0.1 \
  --epochs 200 --batch-size 128 --optimizer nesterov --lr 0.1 --weight-decay 5e-4 \
  --schedule multistep:milestones=28080/42120/56160,gamma=0.1 --augment crop:4,flip --normalize none \
  --adversarial pgd:epsilon=8/255,steps=10,size=2/255 "$@"
