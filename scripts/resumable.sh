#!/bin/sh
# resumable.sh <name> <command…>: trains by the command into the folder runs/<name>, or the one that RUN names; where a run lies there, goes
# on with that. Then measures it by six views of each test image. Recipes that take an hour and more are run by it (scripts/recipes/).
set -e
run=${RUN:-runs/$1}
shift
if [ -e "$run/config.json" ]; then
  npx descent train --resume "$run"
else
  "$@" --out "$run"
fi
npx descent eval "$run" --tta flip+flip+shifts --tta-mean logits
