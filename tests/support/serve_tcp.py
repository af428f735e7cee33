#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""serve_tcp.py ADDRESS PORT...: sends back what it receives, on each port. Prints "ready"."""
import socket
import sys
import threading


def serve(connection):
    while True:
        data = connection.recv(65536)
        if not data:
            break
        connection.sendall(data)
    connection.close()


def accept(listener):
    while True:
        threading.Thread(target=serve, args=(listener.accept()[0],), daemon=True).start()


for port in sys.argv[2:]:
    listener = socket.create_server((sys.argv[1], int(port)))
    threading.Thread(target=accept, args=(listener,), daemon=True).start()
print("ready", flush=True)
threading.Event().wait()
