#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Traffic of conntrack_output.sh, and the comparison of two lists.

usage: conntrack_output.py serve | connect     both stay until they are killed
       conntrack_output.py compare KERNEL FINWALL
"""
import re
import socket
import sys
import time


def serve():
    conns = []
    listeners = [socket.create_server(("10.1.0.2", 7000)),
                 socket.create_server(("fd01::2", 7000), family=socket.AF_INET6)]
    udp = [socket.socket(f, socket.SOCK_DGRAM) for f in (socket.AF_INET, socket.AF_INET6)]
    udp[0].bind(("10.1.0.2", 7001))
    udp[1].bind(("fd01::2", 7001))
    print("ready", flush=True)
    for s in listeners * 2:
        c = s.accept()[0]
        kind = c.recv(1)
        if kind == b"b":  # bulk
            size = 0
            while size < 200000:
                size += len(c.recv(65536))
            c.sendall(b"done")
        elif kind == b"f":  # half closed
            c.sendall(b"x")
            c.shutdown(socket.SHUT_WR)
        conns.append(c)
    for s in udp:
        data, peer = s.recvfrom(100)
        s.sendto(data * 2, peer)
    print("served", flush=True)
    time.sleep(600)


def connect():
    keep = []
    kinds = {("10.1.0.2", 40000): b"b", ("fd01::2", 40000): b"f",
             ("10.1.0.2", 40001): b"f", ("fd01::2", 40001): b"b"}
    for (to, port), kind in kinds.items():
        source = "10.1.0.1" if "." in to else "fd01::1"
        s = socket.create_connection((to, 7000), source_address=(source, port))
        s.sendall(kind)
        if kind == b"b":
            s.sendall(b"x" * 200000)
        s.recv(10)
        keep.append(s)
    for to, family in (("10.1.0.2", socket.AF_INET), ("fd01::2", socket.AF_INET6)):
        u = socket.socket(family, socket.SOCK_DGRAM)
        u.sendto(b"hello", (to, 7001))
        u.recv(100)
        u.sendto(b"unanswered", (to, 9))
        keep.append(u)
        icmp = socket.IPPROTO_ICMP if family == socket.AF_INET else socket.IPPROTO_ICMPV6
        p = socket.socket(family, socket.SOCK_DGRAM, icmp)
        kind = 8 if family == socket.AF_INET else 128
        p.sendto(bytes([kind, 0, 0, 0, 0, 0, 0, 1]) + b"payload", (to, 0))
        p.recv(100)
        keep.append(p)
    print("ready", flush=True)
    time.sleep(600)


LINE = re.compile(r"^((?:ipv[46] +\d+ )?\S+ +\d+ )(\d+) (.*)$")


def read(path):
    """By everything but what may differ: the time left, and the age."""
    lines = {}
    with open(path, encoding="utf-8") as f:
        for line in f.read().splitlines():
            head, left, rest = LINE.match(line).groups()
            rest, ids = re.subn(r" id=\d+$", " id=", rest)
            age = re.search(r"delta-time=(\d+) ", rest)
            rest = re.sub(r"delta-time=\d+ ", "delta-time= ", rest)
            start = re.search(r"\[start=([^]]*)\]", rest)
            if start:
                age_s = time.mktime(time.strptime(start.group(1)))
                rest = re.sub(r"\[start=[^]]*\]", "[start=]", rest)
            else:
                age_s = 0
            lines[head + rest] = (int(left), int(age.group(1)) if age else -1, age_s)
    return lines


def compare(kernel_path, finwall_path):
    kernel, ours = read(kernel_path), read(finwall_path)
    # The kernel tracks ICMPv6 neighbour discovery as little as finwall does.
    for line in sorted(set(kernel) ^ set(ours)):
        print("kernel only:" if line in kernel else "finwall only:", line)
    same = kernel.keys() == ours.keys() and len(ours) > 0
    for line in kernel.keys() & ours.keys():
        if any(abs(a - b) > 2 for a, b in zip(kernel[line], ours[line])):
            print("times:", kernel[line], ours[line], line)
            same = False
    sys.exit(0 if same else 1)


match sys.argv[1:]:
    case ["serve"]:
        serve()
    case ["connect"]:
        connect()
    case ["compare", kernel, finwall]:
        compare(kernel, finwall)
    case _:
        sys.exit(__doc__)
