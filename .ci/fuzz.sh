#!/usr/bin/env bash
# Runs each fuzz target for a short while: FRAMEWIRE_FUZZ_SECONDS, 20 unless told. What a run finds
# interesting stays in a directory that goes with it; only the committed seeds are read.
set -euo pipefail
. .ci/common.sh

compgen -G 'fuzz/fuzz_targets/*.rs' >/dev/null || skip "there is no fuzz target"
seconds=${FRAMEWIRE_FUZZ_SECONDS:-20}
tools
# The sanitizer and the coverage flags are unstable; this opens them on a stable compiler.
export RUSTC_BOOTSTRAP=1
# `cargo fuzz` gives its own way of building everything; ours for the other steps must not mix in.
unset CARGO_TARGET_DIR RUSTFLAGS
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT

cargo fuzz build --target-dir "$target/fuzz"
for source in fuzz/fuzz_targets/*.rs; do
  name=$(basename "$source" .rs)
  echo "fuzz $name for $seconds s"
  mkdir -p "$scratch/$name"
  seeds=''
  for dir in "fuzz/corpus/$name" "fuzz/seeds/$name"; do
    if [ -d "$dir" ]; then seeds="$seeds $dir"; fi
  done
  dict=''
  if [ -e "fuzz/$name.dict" ]; then dict=-dict=fuzz/$name.dict; fi
  # shellcheck disable=SC2086 # a list of words, and one that may be none
  cargo fuzz run --target-dir "$target/fuzz" "$name" "$scratch/$name" $seeds -- \
    $dict -max_total_time="$seconds" -timeout=10 -rss_limit_mb=2048 -print_final_stats=1 \
    >"$scratch/log" 2>&1 || { tail -n 60 "$scratch/log"; fail "$name"; }
  grep -E '^stat::(number_of_executed_units|peak_rss_mb)' "$scratch/log" || true
done
