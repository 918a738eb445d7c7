#!/usr/bin/env bash
# Runs the tests of the shared-memory ring, two threads that send 200,000 records to one another
# among them, under AddressSanitizer and under ThreadSanitizer.
#
# AddressSanitizer works with the toolchain in PATH. ThreadSanitizer wants a standard library that
# was built with it: Debian's compiler has the source of its own, as for the step `cross`, and the
# runtime is that of the clang of the same LLVM.
set -euo pipefail
. .ci/common.sh

host=$(uname -m)-unknown-linux-gnu
case $host in
  x86_64-*) ;;
  *) skip "the sanitizers' recipe is for x86-64, this is $host" ;;
esac
[ "$(uname -s)" = Linux ] || skip "the ring is Linux's"
# What the unstable flags need on a stable compiler.
export RUSTC_BOOTSTRAP=1
export CARGO_PROFILE_DEV_DEBUG=line-tables-only
unset RUSTFLAGS CARGO_ENCODED_RUSTFLAGS

echo "AddressSanitizer: $(rustc --version)"
CARGO_TARGET_DIR=$target/asan RUSTFLAGS=-Zsanitizer=address \
  cargo test -q --locked --target "$host" --lib shared::

command -v apt-get >/dev/null || skip "ThreadSanitizer's compiler is Debian's, and there is no apt-get"
needs /usr/bin/cargo cargo-web
needs /usr/bin/rustc rustc-web
needs /usr/lib/rustlib/src/rust/library/Cargo.lock rust-web-src
install_missing
[ -x /usr/bin/rustc ] && [ -e /usr/lib/rustlib/src/rust/library/Cargo.lock ] ||
  skip "ThreadSanitizer: there is no compiler whose standard library comes as source"
llvm=$(/usr/bin/rustc --version --verbose | sed -n 's/^LLVM version: \([0-9]*\).*/\1/p')
needs "clang-$llvm" "clang-$llvm"
needs "/usr/lib/llvm-$llvm/lib/clang/$llvm/lib/linux/libclang_rt.tsan-x86_64.a" "libclang-rt-$llvm-dev"
install_missing
command -v "clang-$llvm" >/dev/null ||
  skip "ThreadSanitizer: there is no clang-$llvm, whose runtime goes with $(/usr/bin/rustc --version)"

echo "ThreadSanitizer: $(/usr/bin/rustc --version)"
# A race is the end of the run.
export TSAN_OPTIONS="halt_on_error=1 ${TSAN_OPTIONS:-}"
unset RUSTUP_TOOLCHAIN
CARGO_TARGET_DIR=$target/tsan RUSTC=/usr/bin/rustc RUSTDOC=/usr/bin/rustdoc \
  RUSTFLAGS="-Zsanitizer=thread -Zexternal-clangrt -Clinker=clang-$llvm -Clink-arg=-fsanitize=thread" \
  /usr/bin/cargo test -q --locked -Zbuild-std --target "$host" --lib shared::tests::
