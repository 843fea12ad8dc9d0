#!/bin/sh
# EnResNet-20 on CIFAR-10, trained against PGD: the mean of two pre-activation ResNet-20s whose blocks add noise, in evaluation too
# as:        Wang, Yuan, Shi & Osher 2019; the steps and rates of the same group's arXiv 2003.00631: PGD-10 of 8/255 by 2/255, 200 epochs, rate 0.1, a tenth after 80, 120 and 160
# published: En2ResNet20 80.34 % natural, 57.11 % under FGSM, 50.02 % under IFGSM-20; En5ResNet20 81.41, 58.21, 51.60 % (arXiv 2003.00631)
# measured:  not measured, no GPU at hand
# The noise of each block is of deviation 0.1, whatever its output; the authors' is 0.1 of the deviation of that, over the batch. To attack what it trains:
#   descent eval <run> --attack fgsm:epsilon=8/255,ifgsm:steps=20,size=1/255,pgd:steps=20,restarts=3,eot=10,cw
# (eot: gradients over draws of the noise, without which it hides them and the net seems more robust than it is)
set -e
cd "$(dirname "$0")/../.."
exec npx descent train enresnet20:members=2,noise=0.1 --dataset cifar10 --val-split 0.1 \
  --epochs 200 --batch-size 128 --optimizer nesterov --lr 0.1 --weight-decay 5e-4 \
  --schedule multistep:milestones=28080/42120/56160,gamma=0.1 --augment crop:4,flip --normalize none \
  --adversarial pgd:epsilon=8/255,steps=10,size=2/255 "$@"
