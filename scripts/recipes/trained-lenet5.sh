#!/bin/sh
# LeNet-5 on Fashion-MNIST in six epochs: the net that the page can show before anything is trained (models/trained/)
# as:        Smith & Topin 2018 (one cycle), six epochs
# published: no figure for this net; 87.6 to 91.6 % for two convolutions (Xiao, Rasul & Vollgraf 2017, the table beside their data)
# measured:  90.9 % test accuracy (test loss 0.258), on llvmpipe (two processor cores)
set -e
cd "$(dirname "$0")/../.."
exec npx descent train lenet5 --dataset fashion-mnist --val-split 0.02 \
  --epochs 6 --batch-size 64 --optimizer adam --schedule onecycle:max_lr=0.004 "$@"
