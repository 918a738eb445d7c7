#!/usr/bin/env bash
# The published crate holds what its users need and none of the workshop.
set -euo pipefail
. .ci/common.sh

files=$(cargo package --locked --list --allow-dirty)
for wanted in Cargo.toml Cargo.lock README.md CHANGELOG.md SECURITY.md LICENSE-MIT LICENSE-APACHE src/lib.rs; do
  grep -qx "$wanted" <<<"$files" || fail "the package lacks $wanted"
done
if grep -E '^(\.ci|\.github|fuzz|benches/rivals|target)/' <<<"$files"; then
  fail "the package holds files of the workshop; see \`exclude\` in Cargo.toml"
fi
cargo package -q --locked --no-verify --allow-dirty
echo "$(wc -l <<<"$files") files"
