#!/bin/sh
# LeNet-5 on Fashion-MNIST
# as:        the benchmark of Xiao, Rasul & Vollgraf 2017: two convolutions with pooling, no preprocessing
# published: about 90 % test accuracy (Xiao, Rasul & Vollgraf 2017, the table beside their data: 87.6 to 91.6 % for two convolutions)
# measured:  91.2 % (test loss 0.283), software adapter (llvmpipe) on two shared processor cores, 13 minutes
set -e
cd "$(dirname "$0")/../.."
exec npx descent train lenet5 --dataset fashion-mnist --val-split 0 \
  --epochs 20 --batch-size 64 --optimizer adam --lr 1e-3 --schedule cosine "$@"
