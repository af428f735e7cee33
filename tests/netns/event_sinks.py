# SPDX-License-Identifier: GPL-2.0-or-later
"""The sockets of syslog and the journal, for event_sinks.sh: writes what they get to files.

usage: event_sinks.py WORK
"""
import selectors
import socket
import sys

work = sys.argv[1]
selector = selectors.DefaultSelector()
for name, path in ("syslog", "/dev/log"), ("journal", "/run/systemd/journal/socket"):
    sock = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    sock.bind(path)
    selector.register(sock, selectors.EVENT_READ, open(f"{work}/{name}", "wb", buffering=0))
open(f"{work}/bound", "w").close()
while True:
    for key, _ in selector.select():
        key.data.write(key.fileobj.recv(65536) + b"\n")
