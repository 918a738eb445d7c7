"""A program in Python at the other end of a queue: posix_ipc, which knows nothing of the project.

peer.py receive NAME N   prints the next N messages, each with its priority
peer.py send NAME        sends three messages of three priorities
"""

import sys

import posix_ipc

what, name = sys.argv[1:3]
queue = posix_ipc.MessageQueue(name)
assert (queue.max_messages, queue.max_message_size) == (4, 64)
if what == "receive":
    for _ in range(int(sys.argv[3])):
        body, priority = queue.receive()
        print(priority, body.decode())
else:
    queue.send("low")
    queue.send("high", priority=9)
    queue.send("", priority=3)
queue.close()
