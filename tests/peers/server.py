"""A server in ten lines: sends the frames of one client back to it."""
import socket, sys

listener = socket.create_server(("127.0.0.1", 0)) if sys.argv[1] == "tcp" else socket.socket(socket.AF_UNIX)
if sys.argv[1] != "tcp":
    listener.bind(sys.argv[1]), listener.listen()
print(listener.getsockname()[1] if sys.argv[1] == "tcp" else sys.argv[1], flush=True)
peer = listener.accept()[0]
reader = peer.makefile("rb")
while prefix := reader.read(4):
    peer.sendall(prefix + reader.read(int.from_bytes(prefix, "big")))
print("the client ended")
