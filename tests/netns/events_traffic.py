#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Connections whose packets come one after the other, for events_conntrack.sh.

usage: events_traffic.py serve              in the server's namespace
       events_traffic.py ADDRESS            in the client's
       events_traffic.py silent ADDRESS     a datagram that nobody answers
"""
import socket
import sys
import threading
import time


def serve_tcp(family):
    listener = socket.socket(family, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    if family == socket.AF_INET6:
        listener.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
    listener.bind(("::" if family == socket.AF_INET6 else "0.0.0.0", 7000))
    listener.listen(16)
    while True:
        peer, _ = listener.accept()
        what = peer.recv(1)
        if what == b"s":  # the server closes first
            peer.shutdown(socket.SHUT_WR)
            peer.recv(1)
        elif what == b"r":  # a reset, when the client has its answer
            peer.send(b"x")
            peer.recv(1)
            peer.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
        else:
            peer.send(b"x")
            peer.recv(1)
        peer.close()


def serve_udp(family):
    sock = socket.socket(family, socket.SOCK_DGRAM)
    if family == socket.AF_INET6:
        sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
    sock.bind(("::" if family == socket.AF_INET6 else "0.0.0.0", 7000))
    while True:
        data, peer = sock.recvfrom(100)
        sock.sendto(data, peer)


def serve():
    for family in socket.AF_INET, socket.AF_INET6:
        threading.Thread(target=serve_udp, args=(family,), daemon=True).start()
    threading.Thread(target=serve_tcp, args=(socket.AF_INET6,), daemon=True).start()
    serve_tcp(socket.AF_INET)


def settle():
    """The packets of one connection have passed before the next begins."""
    time.sleep(0.1)


def connect(address, what):
    sock = socket.create_connection((address, 7000), timeout=5)
    settle()  # the third segment of the handshake
    sock.send(what)
    if what == b"s":
        assert sock.recv(1) == b""
        settle()
        sock.close()
    elif what == b"r":
        assert sock.recv(1) == b"x"
        settle()
        sock.send(b"y")
        try:
            sock.recv(1)
        except ConnectionResetError:
            pass
        sock.close()
    else:
        assert sock.recv(1) == b"x"
        settle()  # the acknowledgement
        sock.close()
    settle()


def client(address):
    for what in b"c", b"s", b"r":
        connect(address, what)
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    udp = socket.socket(family, socket.SOCK_DGRAM)
    udp.settimeout(5)
    udp.connect((address, 7000))
    for _ in range(2):
        udp.send(b"x")
        assert udp.recv(1) == b"x"
    settle()
    refused = socket.socket(family, socket.SOCK_STREAM)
    refused.settimeout(5)
    try:
        refused.connect((address, 7001))
        sys.exit("connected to a closed port")
    except ConnectionRefusedError:
        pass
    settle()


if sys.argv[1] == "serve":
    serve()
elif sys.argv[1] == "silent":
    socket.socket(socket.AF_INET, socket.SOCK_DGRAM).sendto(b"x", (sys.argv[2], 7777))
else:
    client(sys.argv[1])
