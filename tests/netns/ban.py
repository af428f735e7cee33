#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Ends of the connections of ban.sh.

usage: ban.py serve   echoes; prints "reset ADDRESS" when a connection is reset
       ban.py talk    reads names of connections, sends a byte on each, prints the answers
"""
import selectors
import socket
import sys

ROUTES = {
    "tcp1": ("10.2.0.1", "10.3.0.2", 7000),
    "tcp2": ("10.2.0.2", "10.3.0.2", 7000),
    "tcp3": ("10.2.0.3", "10.3.0.2", 7001),
    "tcp6": ("fd02::2", "fd03::2", 7000),
    "port": ("10.2.0.2", "10.3.0.2", 7002),
    "udp": ("10.2.0.1", "10.3.0.2", 7003),
}


def serve():
    sel = selectors.DefaultSelector()
    for port in (7000, 7001, 7002):
        s = socket.create_server(("::", port), family=socket.AF_INET6, dualstack_ipv6=True)
        sel.register(s, selectors.EVENT_READ, "accept")
    u = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    u.bind(("10.3.0.2", 7003))
    sel.register(u, selectors.EVENT_READ, "udp")
    while True:
        for key, _ in sel.select():
            s = key.fileobj
            if key.data == "accept":
                c, peer = s.accept()
                sel.register(c, selectors.EVENT_READ, peer[0])
            elif key.data == "udp":
                data, peer = s.recvfrom(100)
                s.sendto(data, peer)
            else:
                try:
                    data = s.recv(100)
                    s.send(data)
                except ConnectionError:
                    print("reset", key.data, flush=True)
                    data = b""
                if not data:
                    sel.unregister(s)
                    s.close()


def say(s):
    try:
        s.send(b"x")
        return "echo" if s.recv(10) else "end"
    except ConnectionError:
        return "reset"
    except TimeoutError:
        return "nothing"


def talk():
    conns = {}
    for line in sys.stdin:
        name = line.strip()
        if name not in conns:
            source, to, port = ROUTES[name]
            if name == "udp":
                s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
                s.bind((source, 0))
                s.connect((to, port))
                s.settimeout(20)
            else:
                s = socket.create_connection((to, port), source_address=(source, 0), timeout=20)
            conns[name] = s
        s = conns[name]
        print(name, say(s), flush=True)
        # A byte that is lost is sent again; the answer to none must not be waited for.
        s.settimeout(1.5)


{"serve": serve, "talk": talk}[sys.argv[1]]()
