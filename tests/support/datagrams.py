# SPDX-License-Identifier: GPL-2.0-or-later
"""Datagrams with replies, as of a name server.

datagrams.py answer          replies to each datagram to port 5353; prints "ready"
datagrams.py ADDRESS TURNS   50 questions in each turn, always from the same 50 ports
"""
import socket
import sys

PORT = 5353
PORTS = range(40000, 40050)


def answer():
    s = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)
    s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 20)
    s.bind(("::", PORT))
    print("ready", flush=True)
    while True:
        question, asker = s.recvfrom(100)
        s.sendto(question, asker)


def ask(address, turns):
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    for turn in range(turns):
        asking = []
        for port in PORTS:
            s = socket.socket(family, socket.SOCK_DGRAM)
            s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            s.settimeout(30)
            s.bind(("", port))
            s.sendto(b"question %d" % turn, (address, PORT))
            asking.append(s)
        for s in asking:
            assert s.recv(100) == b"question %d" % turn
            s.close()


if sys.argv[1] == "answer":
    answer()
ask(sys.argv[1], int(sys.argv[2]))
