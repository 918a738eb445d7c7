"""A framewire peer in ten lines: each message is its length, four bytes big-endian, and its body."""

import socket, ssl, struct, sys

host, _, port = sys.argv[1].rpartition(":")
peer = socket.create_connection((host, int(port))) if host else socket.socket(socket.AF_UNIX)
host or peer.connect(sys.argv[1])
for trusted in sys.argv[2:]:
    peer = ssl.create_default_context(cafile=trusted).wrap_socket(peer, server_hostname=host)
peer.settimeout(20)
reader = peer.makefile("rb")
for body in b"", b"hello", bytes(range(256)) * 1000:
    peer.sendall(struct.pack(">I", len(body)) + body)
    (length,) = struct.unpack(">I", reader.read(4))
    assert reader.read(length) == body, f"{length} bytes came back for {len(body)}"
print("3 messages came back as they were")
