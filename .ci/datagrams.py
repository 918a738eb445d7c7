"""A framewire peer over datagrams, `host:port` or a path: a message is a datagram and no more."""

import socket, sys

host, _, port = sys.argv[1].rpartition(":")
peer = socket.socket(socket.AF_INET if host else socket.AF_UNIX, socket.SOCK_DGRAM)
host or peer.bind("")  # The kernel finds it a name, to be answered to.
peer.connect((host, int(port)) if host else sys.argv[1])
peer.settimeout(20)
for body in b"", b"hello", bytes(range(256)) * 200:
    peer.send(body)
    answer = peer.recv(1 << 16)
    assert answer == body, f"{len(answer)} bytes came back for {len(body)}"
print("3 messages came back as they were")
