#!/usr/bin/env bash
# Type-checks the library, with all features and with none, for the platforms it must stay
# portable to. Debian carries one compiler whose standard library comes as source of the same
# version, so the standard library can be checked for any target without a toolchain for it.
# Nothing is linked and nothing is run. Warnings in the crate are errors.
set -euo pipefail
. .ci/common.sh

targets='x86_64-pc-windows-gnu x86_64-apple-darwin x86_64-unknown-freebsd aarch64-linux-android'

command -v apt-get >/dev/null || skip "the compiler is Debian's, and there is no apt-get"
needs /usr/bin/cargo cargo-web
needs /usr/bin/rustc rustc-web
needs /usr/lib/rustlib/src/rust/library/Cargo.lock rust-web-src
# Windows' import libraries are made on the fly, even for a check.
needs x86_64-w64-mingw32-dlltool binutils-mingw-w64-x86-64
install_missing

flags=''
for t in $targets; do flags="$flags --target $t"; done

# The toolchain that `cargo` in PATH stands for is another one: name each program. The bootstrap
# variable opens the two unstable flags.
export RUSTC=/usr/bin/rustc RUSTDOC=/usr/bin/rustdoc RUSTC_BOOTSTRAP=1
export CARGO_TARGET_DIR=$target/debian
# What dependencies have in C (ring, of the feature `tls`) is never linked, so it need not be
# compiled either: there is no C compiler for most of these targets.
export CC=true AR=true
unset RUSTUP_TOOLCHAIN RUSTFLAGS CARGO_ENCODED_RUSTFLAGS
/usr/bin/rustc --version
for set in --all-features --no-default-features; do
  echo "check $set:$flags"
  # shellcheck disable=SC2086 # a list of words
  CARGO_BUILD_WARNINGS=deny /usr/bin/cargo check -q --locked --keep-going -Zwarnings \
    -Zbuild-std=std,panic_abort --lib $set $flags
done
