# shellcheck shell=bash
# What the steps share; sourced by .ci/run and by the scripts beside it, from the project's root.

# A peer that is missing (Python, socat) is a failure here, not a reason to skip a test.
export FRAMEWIRE_REQUIRE_PEERS=1
# Every build here is from scratch or nearly so: incremental files would only cost time and disk.
export CARGO_INCREMENTAL=${CARGO_INCREMENTAL:-0}
export CARGO_TERM_PROGRESS_WHEN=never
export DEBIAN_FRONTEND=noninteractive

# Where cargo builds, as an absolute path; the steps that need a target directory of their own
# make it inside.
target=${CARGO_TARGET_DIR:-target}
case $target in /*) ;; *) target=$PWD/$target ;; esac

# Ends the step as one that has nothing to do here.
skip() {
  printf '!!! skipped: %s\n' "$1"
  exit 77
}

fail() {
  printf 'error: %s\n' "$1" >&2
  exit 1
}

# bounded SECONDS COMMAND...: kills the command, and what it started, when the time is up.
bounded() {
  if command -v timeout >/dev/null; then
    timeout -k 15 "$@"
  else
    shift
    "$@"
  fi
}

# The crate's features but for the default, one a line.
features() {
  cargo metadata --locked --no-deps --format-version 1 |
    python3 -c 'import json, sys
for name in json.load(sys.stdin)["packages"][0]["features"]:
    if name != "default": print(name)'
}

missing=''
# needs PROGRAM-OR-FILE PACKAGE: notes the package for `install_missing` if the first is not there.
needs() {
  command -v "$1" >/dev/null || [ -e "$1" ] || missing="$missing $2"
}

# Installs the packages noted by `needs`; where there is no `apt-get`, says what is missing.
install_missing() {
  [ -n "$missing" ] || return 0
  if ! command -v apt-get >/dev/null; then
    echo "not here, and no apt-get to install it:$missing"
    return 0
  fi
  local root=''
  [ "$(id -u)" = 0 ] || root='sudo -E'
  # The lists on a new machine may be older than the packages on the mirror, or not there at all.
  $root apt-get -qq -o DPkg::Lock::Timeout=300 update
  # shellcheck disable=SC2086 # both are lists of words
  $root apt-get -qq -o DPkg::Lock::Timeout=300 install -y --no-install-recommends $missing >/dev/null
  echo "installed:$missing"
  missing=''
}

# Puts the tools of .ci/tools.txt in PATH, from a virtual environment that is made when it is not
# there or no longer what the list asks for.
tools() {
  local venv=$target/tools
  if ! cmp -s .ci/tools.txt "$venv/installed.txt"; then
    rm -rf "$venv"
    mkdir -p "$target"
    if ! python3 -m venv "$venv"; then
      # Debian's Python comes without the module that makes them.
      rm -rf "$venv"
      needs /nonexistent python3-venv
      install_missing
      python3 -m venv "$venv"
    fi
    "$venv/bin/python" -m pip install -q --disable-pip-version-check -r .ci/tools.txt
    cp .ci/tools.txt "$venv/installed.txt"
  fi
  PATH=$venv/bin:$PATH
}

# Where the peers in Python find their modules: those of .ci/modules.txt, for each Python here.
export PYTHONPATH=$target/modules

# Puts them there, unless they are already what the list asks for.
modules() {
  cmp -s .ci/modules.txt "$PYTHONPATH/installed.txt" && return
  tools
  rm -rf "$PYTHONPATH"
  local python version
  for python in python3 /usr/bin/python3; do
    version=$("$python" -c 'import sys; print("%d.%d" % sys.version_info[:2])')
    # One has modules of the other, where they are of one version.
    "$target/tools/bin/python" -m pip install -q --disable-pip-version-check --upgrade \
      --target "$PYTHONPATH" --python-version "$version" --only-binary :all: -r .ci/modules.txt
  done
  cp .ci/modules.txt "$PYTHONPATH/installed.txt"
}
