#!/usr/bin/env bash
# Uses the examples as a person would, from two shells: a server in one, calls from another; then a
# peer in Python, socat on either side, systemd's sockets, and upgrades under load.
set -euo pipefail
. .ci/common.sh

[ -e examples/unix.rs ] || skip "there is no examples/unix.rs"
cargo build -q --locked --examples
dir=$(mktemp -d)
server=''
trap '[ -z "$server" ] || kill -9 "$server" 2>/dev/null || true; rm -rf "$dir"' EXIT

# What the example of the moment is built with.
features=''
# shellcheck disable=SC2086 # a list of words
example() { bounded 30 cargo run -q --locked $features --example "$@"; }

# serve EXAMPLE ARGUMENTS...: starts a server in the background.
serve() {
  local name=$1
  shift
  # No `bounded` in between: the process id must be the server's own, and cargo becomes it.
  # shellcheck disable=SC2086 # a list of words
  cargo run -q --locked $features --example "$name" -- serve "$@" >"$dir/log" 2>&1 </dev/null &
  server=$!
}

# same WHAT GOT WANTED
same() {
  [ "$2" = "$3" ] || { cat "$dir/log" 2>/dev/null; fail "$1: got '$2', expected '$3'"; }
  echo "ok: $1"
}

# call EXAMPLE ARGUMENTS...: calls until the server is up, for at most 10 s.
call() {
  local name=$1 tries=0
  shift
  until example "$name" -- call "$@" 2>"$dir/error"; do
    tries=$((tries + 1))
    if [ $tries = 50 ]; then cat "$dir/error" "$dir/log" >&2; fail "call $*"; fi
    sleep 0.2
  done
}

# Ends the server as Ctrl-C does; it must be gone within 5 s, and its name with it.
interrupt() {
  local tries=0
  kill -INT "$server"
  while kill -0 "$server" 2>/dev/null; do
    tries=$((tries + 1))
    [ $tries -lt 50 ] || fail "the server is still there 5 s after Ctrl-C"
    sleep 0.1
  done
  wait "$server" 2>/dev/null || true
  server=''
}

socket=$dir/e.sock
serve unix "unix://$socket"
same "unix: a call is answered" "$(call unix "unix://$socket" hello)" hello
same "unix: a Python peer" "$(python3 .ci/peer.py "$socket")" "3 messages came back as they were"
kill -9 "$server"
wait "$server" 2>/dev/null || true
serve unix "unix://$socket"
same "unix: after kill -9 the next server is there" "$(call unix "unix://$socket" again)" again
interrupt
[ ! -e "$socket" ] || fail "the server left $socket behind"
echo "ok: unix: Ctrl-C ends the server and removes its socket"

for scheme in seqpacket datagram; do
  serve unix "$scheme://$socket"
  same "$scheme: a call is answered" "$(call unix "$scheme://$socket" hello world)" $'hello\nworld'
  [ $scheme != datagram ] || same "datagram: a Python peer" \
    "$(python3 .ci/datagrams.py "$socket")" "3 messages came back as they were"
  interrupt
  [ ! -e "$socket" ] || fail "the server left $socket behind"
done

for endpoint in "shm://$socket" "shm://@framewire-examples-$$" "shm+named://framewire-examples-$$"; do
  scheme=${endpoint%%:*}
  serve shm "$endpoint"
  same "$scheme: a call is answered" "$(call shm "$endpoint" hello world)" $'hello\nworld'
  kill -9 "$server"
  wait "$server" 2>/dev/null || true
  serve shm "$endpoint"
  same "$scheme: after kill -9 the next server is there" "$(call shm "$endpoint" again)" again
  interrupt
  [ ! -e "$socket" ] || fail "the server left $socket behind"
done
left=$(ls -A /dev/shm/framewire-*/ 2>/dev/null | grep -F "framewire-examples-$$." || true)
[ -z "$left" ] || fail "the server left $left behind in memory"

bounded 60 cargo run -q --locked --example broadcast >"$dir/log" 2>&1 ||
  { cat "$dir/log"; fail "broadcast: a receiver did not get what it has to"; }
echo "ok: broadcast: a slow receiver, and one that is killed and started again"

bounded 60 cargo run -q --locked --example data_and_signal >"$dir/log" 2>&1 ||
  { cat "$dir/log"; fail "data_and_signal: a record was lost"; }
grep -q '^a signal a batch' "$dir/log" || { cat "$dir/log"; fail "data_and_signal: no figure"; }
echo "ok: data_and_signal: all records came, with a signal a batch and with a doorbell"

bounded 60 cargo run -q --locked --example resource_pool >"$dir/log" 2>&1 ||
  { cat "$dir/log"; fail "resource_pool: a connection was lost, or in two hands"; }
echo "ok: resource_pool: what a killed worker had is leased again"

free_port() {
  python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])'
}

if [ -e examples/tcp.rs ]; then
  port=$(free_port)
  serve tcp "tcp://127.0.0.1:$port"
  same "tcp: a call is answered" "$(call tcp "tcp://127.0.0.1:$port" hello)" hello
  same "tcp: a Python peer" "$(python3 .ci/peer.py "127.0.0.1:$port")" "3 messages came back as they were"
  interrupt
fi

if [ -e examples/tls.rs ]; then
  features='--features tls'
  cargo build -q --locked --example tls $features
  port=$(free_port)
  serve tls "tls://localhost:$port" "$dir/server.pem"
  same "tls: a call is answered" "$(call tls "tls://localhost:$port" "$dir/server.pem" hello)" hello
  same "tls: a Python peer" "$(python3 .ci/peer.py "localhost:$port" "$dir/server.pem")" "3 messages came back as they were"
  interrupt
  serve tls "tls://localhost:$port" "$dir/mutual.pem" --mutual
  same "tls: a client that is known" "$(call tls "tls://localhost:$port" "$dir/mutual.pem" hello --mutual)" hello
  if example tls -- call "tls://localhost:$port" "$dir/mutual.pem" hello 2>"$dir/error"; then
    fail "tls: a client that shows no certificate was let in"
  fi
  same "tls: a client that is not is told so" "$(grep -o 'showed no certificate' "$dir/error")" 'showed no certificate'
  interrupt
  features=''
fi

same "descriptor: the file of a process that has ended is read" \
  "$(example descriptor -- both Cargo.toml | sed -n 's/^process [0-9]* read //p')" \
  "$(wc -c <Cargo.toml) bytes from it"

if [ -e examples/semaphore.rs ]; then
  gate=/example-$$
  example semaphore -- post "semaphore://$gate" 1 >/dev/null
  # Both in one log: who holds the only permit is alone in it.
  work='echo begin; sleep 0.3; echo end'
  example semaphore -- run "semaphore://$gate" sh -c "$work" >>"$dir/gate" 2>/dev/null &
  other=$!
  example semaphore -- run "semaphore://$gate" sh -c "$work" >>"$dir/gate" 2>/dev/null
  wait "$other"
  same "semaphore: two programs run one after the other" "$(cat "$dir/gate")" $'begin\nend\nbegin\nend'
  same "semaphore: the permit is back" "$(example semaphore -- post "semaphore://$gate" 0)" '1 permits'
  rm "/dev/shm/sem.${gate#/}"
fi

if [ -e examples/fifo.rs ]; then
  # The sender is first and waits for the receiver.
  example fifo -- send "fifo://$dir/jobs" hello &
  cargo run -q --locked --example fifo -- receive "fifo://$dir/jobs" >"$dir/log" 2>/dev/null </dev/null &
  server=$!
  example fifo -- send "fifo://$dir/jobs" world
  for _ in $(seq 50); do [ "$(wc -l <"$dir/log")" -lt 2 ] || break; sleep 0.1; done
  same "fifo: two senders reach one receiver" "$(sort "$dir/log")" $'hello\nworld'
  interrupt
  [ ! -e "$dir/jobs" ] || fail "the receiver left $dir/jobs behind"
  mkfifo -m 600 "$dir/jobs"
  cargo run -q --locked --example fifo -- receive "fifo://$dir/jobs" --framing lines >"$dir/log" 2>/dev/null </dev/null &
  server=$!
  echo hello >"$dir/jobs"
  for _ in $(seq 50); do [ -s "$dir/log" ] && break; sleep 0.1; done
  same "fifo: a line from the shell" "$(cat "$dir/log")" hello
  interrupt
fi

if [ -e examples/mq.rs ]; then
  # The jobs are there before anybody asks for them.
  jobs="mq:///framewire-examples-$$"
  example mq -- send "$jobs" "water the plants" 9:fire
  cargo run -q --locked --example mq -- receive "$jobs" >"$dir/log" 2>/dev/null </dev/null &
  server=$!
  for _ in $(seq 50); do [ "$(wc -l <"$dir/log")" -lt 3 ] || break; sleep 0.1; done
  same "mq: what is urgent comes first" "$(sed 1d "$dir/log")" $'9: fire\n0: water the plants'
  interrupt
  example mq -- remove "$jobs"
fi

cargo run -q --locked --example signal -- receive signal://RTMIN+3 >"$dir/log" 2>"$dir/error" </dev/null &
server=$!
for _ in $(seq 100); do grep -q receiving "$dir/error" && break; sleep 0.1; done
example signal -- send "signal://RTMIN+3@$server" 1 2 3
for _ in $(seq 50); do [ "$(wc -l <"$dir/log")" -lt 3 ] || break; sleep 0.1; done
same "signal: numbers arrive in order" "$(awk '{print $2}' "$dir/log" | xargs)" "1 2 3"
interrupt

port=$(free_port)
serve udp "udp://127.0.0.1:$port"
same "udp: a call is answered" "$(call udp "udp://127.0.0.1:$port" hello world)" $'hello\nworld'
same "udp: a Python peer" "$(python3 .ci/datagrams.py "127.0.0.1:$port")" "3 messages came back as they were"
interrupt

# hears NAME: waits until a subscriber has heard "hello", said again and again.
hears() {
  local tries=0
  until grep -q ': hello$' "$dir/$1"; do
    tries=$((tries + 1))
    [ $tries -lt 50 ] || { cat "$dir/$1"; fail "udp: $1 heard nothing"; }
    example udp -- publish "udp://239.255.7.7:$port" hello
    sleep 0.2
  done
}
subscribers=''
for name in one two; do
  cargo run -q --locked --example udp -- subscribe "udp://239.255.7.7:$port" >"$dir/$name" 2>&1 </dev/null &
  subscribers="$subscribers $!"
done
hears one
hears two
# shellcheck disable=SC2086 # a list of numbers
kill -INT $subscribers && wait $subscribers
echo "ok: udp: both subscribers heard what was published"

command -v socat >/dev/null || fail "there is no socat"
serve unix "unix://$dir/lines.sock" --framing lines
same "lines: a call is answered" "$(call unix "unix://$dir/lines.sock" hello --framing lines)" hello
same "lines: socat as the client" \
  "$(printf 'hello\nworld\n' | bounded 30 socat -t 5 - "UNIX-CONNECT:$dir/lines.sock")" $'hello\nworld'
interrupt
socat "UNIX-LISTEN:$dir/socat.sock,fork" EXEC:cat >"$dir/log" 2>&1 </dev/null &
server=$!
same "lines: socat as the server" "$(call unix "unix://$dir/socat.sock" hello --framing lines)" hello

kill "$server"
wait "$server" 2>/dev/null || true
server=''

if [ -e examples/activated.rs ]; then
  command -v systemd-socket-activate >/dev/null || fail "there is no systemd-socket-activate"
  port=$(python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
  # It becomes the example when somebody connects.
  systemd-socket-activate -l "127.0.0.1:$port" -l "$dir/admin.sock" --fdname=echo:admin \
    "$target/debug/examples/activated" >"$dir/log" 2>&1 </dev/null &
  server=$!
  same "activated: the socket echo" "$(call tcp "tcp://127.0.0.1:$port" hello)" hello
  same "activated: the socket admin" "$(call unix "unix://$dir/admin.sock" hello)" hello
  interrupt
  [ -e "$dir/admin.sock" ] || fail "the example removed the socket of systemd"
  echo "ok: activated: it leaves the socket to systemd"
fi

if [ -e examples/upgrade.rs ]; then
  bounded 120 cargo run -q --locked --example upgrade -- load 10000 5
  echo "ok: upgrade: no request was refused or lost"
fi
