#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Load and report of ban_time.sh.

usage: ban_time.py serve | load CONNECTIONS BACKGROUND | report BANS PCAP...
"""
import select
import socket
import statistics
import struct
import sys


def serve():
    listener = socket.create_server(("10.3.0.2", 7000), backlog=4096)
    poll = select.epoll()
    poll.register(listener, select.EPOLLIN)
    conns = {}
    while True:
        for fd, _ in poll.poll():
            if fd == listener.fileno():
                c = listener.accept()[0]
                c.setblocking(False)
                conns[c.fileno()] = c
                poll.register(c, select.EPOLLIN)
                continue
            try:
                conns[fd].send(conns[fd].recv(100))
            except OSError:
                poll.unregister(fd)
                conns.pop(fd).close()


def load(connections, background):
    poll = select.epoll()
    conns = {}
    sources = [f"10.2.1.{i % 20 + 1}" for i in range(connections)] + ["10.2.0.1"] * background
    for source in sources:
        s = socket.create_connection(("10.3.0.2", 7000), source_address=(source, 0))
        s.setblocking(False)
        conns[s.fileno()] = s
        poll.register(s, select.EPOLLIN)
    for s in conns.values():
        s.send(b"x")
    print("ready", flush=True)
    while True:
        for fd, _ in poll.poll():
            try:
                conns[fd].send(conns[fd].recv(100))
            except OSError:
                poll.unregister(fd)


def packets(path):
    """Time, banned address and connection of each packet."""
    with open(path, "rb") as f:
        f.read(24)
        while head := f.read(16):
            sec, usec, size, _ = struct.unpack("<IIII", head)
            data = f.read(size)
            src, dst = data[26:30], data[30:34]
            sport, dport = struct.unpack("!HH", data[34:38])
            if src[:3] == b"\x0a\x02\x01":
                yield sec + usec / 1e6, (socket.inet_ntoa(src), sport)
            else:
                yield sec + usec / 1e6, (socket.inet_ntoa(dst), dport)


def report(bans, *paths):
    starts = {}
    with open(bans, encoding="utf-8") as f:
        for line in f:
            address, start, ended = line.split(" ", 2)
            starts[address] = float(start)
            print(address, ended.strip())
    last = {}
    total = 0
    for path in paths:
        for when, conn in packets(path):
            last[conn] = max(last.get(conn, 0), when)
            total += 1
    after = [max(0, when - starts[address]) * 1000 for (address, _), when in last.items()]
    worst = {}
    for (address, _), when in last.items():
        worst[address] = max(worst.get(address, 0), (when - starts[address]) * 1000)
    print(f"{total} packets of {len(last)} connections of {len(starts)} banned addresses")
    print(f"last packet of a connection after the command's start: median "
          f"{statistics.median(after):.2f} ms, worst {max(after):.2f} ms")
    print(f"last packet of all of an address: median {statistics.median(worst.values()):.2f} ms, "
          f"worst {max(worst.values()):.2f} ms")


match sys.argv[1:]:
    case ["serve"]:
        serve()
    case ["load", connections, background]:
        load(int(connections), int(background))
    case ["report", bans, *paths]:
        report(bans, *paths)
    case _:
        sys.exit(__doc__)
