#!/usr/bin/env bash
# The minimum Rust version: what `msrv.py` can tell, and a type-check with that very compiler. Where
# it is not the active one, Debian's of that version is unpacked below the target directory, and
# nothing is installed.
set -euo pipefail
. .ci/common.sh

python3 .ci/msrv.py
declared=$(sed -n 's/^rust-version = "\(.*\)"$/\1/p' Cargo.toml)
case $(rustc --version) in "rustc $declared"*) exit 0 ;; esac
if ! command -v apt-get >/dev/null; then
  echo "not compiled with $declared: there is no apt-get to fetch it with"
  exit 0
fi

root=$target/msrv
packaged() { apt-cache madison rustc-web | awk -v v="$declared." 'index($3, v) == 1 {print $3; exit}'; }
if ! [ -x "$root/rustc" ]; then
  version=$(packaged)
  if [ -z "$version" ]; then
    apt-get -qq -o DPkg::Lock::Timeout=300 update || echo "the package lists are as they were"
    version=$(packaged)
  fi
  if [ -z "$version" ]; then
    echo "not compiled with $declared: it is not among the packages of this system"
    exit 0
  fi
  rm -rf "$root"
  mkdir -p "$root/packages"
  (
    cd "$root/packages"
    apt-get -qq -o APT::Sandbox::User=root download "rustc-web=$version" \
      "libstd-rust-web-$declared=$version" "libstd-rust-web-dev=$version"
    llvm=$(dpkg-deb -f libstd-rust-web-"$declared"_*.deb Depends | grep -o 'libllvm[0-9]*' | head -n 1)
    apt-get -qq -o APT::Sandbox::User=root download "$llvm"
    for package in *.deb; do dpkg-deb -x "$package" ..; done
  )
  rm -rf "$root/packages"
  cat >"$root/rustc" <<WRAPPER
#!/bin/sh
export LD_LIBRARY_PATH=$(echo "$root"/usr/lib/*-linux-gnu):$(echo "$root"/usr/lib/llvm-*/lib)
exec "$root/usr/bin/rustc" "\$@"
WRAPPER
  chmod +x "$root/rustc"
fi

"$root/rustc" --version
for set in --all-features --no-default-features; do
  RUSTC=$root/rustc CARGO_TARGET_DIR=$target/msrv-build cargo check -q --locked --lib "$set"
  echo "checked $set"
done
