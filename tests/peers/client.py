"""A client in ten lines: sends frames and checks that they come back."""
import socket, sys

path, bodies = sys.argv[1], [b"", b"hello", bytes(range(256)) * 1024, b"\0"]
host, _, port = path.rpartition(":")
peer = socket.create_connection((host, int(port))) if host else socket.socket(socket.AF_UNIX)
host or peer.connect(path)
reader = peer.makefile("rb")
for body in bodies:
    peer.sendall(len(body).to_bytes(4, "big") + body)
    assert reader.read(int.from_bytes(reader.read(4), "big")) == body
print(len(bodies), "frames came back")
