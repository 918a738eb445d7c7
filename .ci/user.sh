#!/usr/bin/env bash
# Runs the tests as an ordinary user, for who runs the checks as root. The user owns a copy of the
# check-out, since the check-out itself may lie where nobody else can look; the test programs are
# built there by root, whose toolchain the user may not be able to read, and run by the user. So the
# documentation's examples, which need the toolchain to run, are not among them.
set -euo pipefail
. .ci/common.sh

user=framewire-test
[ "$(id -u)" = 0 ] || skip "not root: all the tests run as an ordinary user anyway"
command -v setpriv >/dev/null || skip "there is no setpriv"
id "$user" >/dev/null 2>&1 ||
  useradd --system --user-group --no-create-home --home-dir /nonexistent --shell /usr/sbin/nologin "$user"

place=$(mktemp -d /var/tmp/framewire-user.XXXXXX)
trap 'rm -rf "$place"' EXIT
git ls-files -z --cached --others --exclude-standard |
  while IFS= read -r -d '' file; do if [ -e "$file" ]; then printf '%s\0' "$file"; fi; done |
  tar --null -T - -cf - | tar -xf - -C "$place"
# The dependencies are built already, and cargo knows them again; only the crate is built anew.
mkdir -p "$place/target/debug/deps"
for part in .fingerprint build; do
  if [ -d "$target/debug/$part" ]; then cp -a "$target/debug/$part" "$place/target/debug/"; fi
done
if [ -d "$target/debug/deps" ]; then
  find "$target/debug/deps" -maxdepth 1 -regex '.*\.\(rlib\|rmeta\|so\|d\)' \
    -exec cp -a -t "$place/target/debug/deps" {} +
fi

cd "$place"
export CARGO_TARGET_DIR=$place/target
cargo test -q --locked --all-features --no-run --message-format=json 2>/dev/null >messages.json ||
  cargo test --locked --all-features --no-run
python3 - messages.json >programs <<'P'
import json, sys
for line in open(sys.argv[1], encoding="utf-8"):
    message = json.loads(line)
    if message.get("profile", {}).get("test") and message.get("executable"):
        print(message["executable"])
P
[ -s programs ] || fail "no test program was built"
mkdir home
if [ -d "$PYTHONPATH" ]; then cp -a "$PYTHONPATH" modules; fi
chown -R "$user:" "$place"
chmod 755 "$place"

failed=''
while IFS= read -r program; do
  echo "$user runs ${program##*/}"
  setpriv --reuid="$user" --regid="$user" --clear-groups --inh-caps=-all --bounding-set=-all \
    env -i HOME="$place/home" USER="$user" LANG=C.UTF-8 PATH=/usr/local/bin:/usr/bin:/bin \
    CARGO_MANIFEST_DIR="$place" FRAMEWIRE_REQUIRE_PEERS=1 PYTHONPATH="$place/modules" \
    "$program" </dev/null || failed="$failed ${program##*/}"
done <programs

# A process that outlives its test is a leak whoever ran it; here it can be told by its owner. One
# that is on its way out gets a moment, and one that only waits to be reaped does not count.
left() { ps -o stat=,pid=,args= -u "$user" | grep -v '^Z' || true; }
for _ in 1 2 3 4 5 6 7 8 9 10; do
  [ -n "$(left)" ] || break
  sleep 0.2
done
found=$(left)
if [ -n "$found" ]; then
  # shellcheck disable=SC2046 # a list of process ids
  kill -9 $(awk '{print $2}' <<<"$found") || true
  fail "processes outlived the tests: $found"
fi
[ -z "$failed" ] || fail "failed as an ordinary user:$failed"
