#!/usr/bin/env bash
# Try launch shapes on a GPU: compile them all side by side, then time them one after another.
#   benchmarks/gpu_tune.sh FOLDER [PROCESSES]
set -uo pipefail
out=$1 processes=${2:-$(nproc)}
sets=(
  "softmax log_softmax --columns 1024"
  "softmax --columns 131072 32768"
  "swiglu silu"
  "softmax --columns 32768 --dtype float32"
)
for part in $(seq 0 $((processes - 1))); do
  (for set in "${sets[@]}"; do
    python3 -m actlab.kernels.tune $set --compile "$part/$processes"
  done) >"$out/compile-$part.txt" 2>&1 &
done
wait
for set in "${sets[@]}"; do
  python3 -m actlab.kernels.tune $set
done 2>&1 | tee "$out/tune.txt"
