#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Adds messages of the next version of finwall to a stream of a cluster.

next_version.py SOCKET PASSWORD STREAM

The latest message with a record is sent again as if the next version had written it, with a longer record and
with one of a kind that this version does not know, and then as one that only the next version can
read. Layout: daemon/wire/cluster_msg.h.
"""
import socket
import struct
import sys

HEADER, KIND_UNKNOWN = 40, 250


class Redis:
    def __init__(self, path):
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.connect(path)
        self.file = self.sock.makefile("rb")

    def reply(self):
        line = self.file.readline().rstrip(b"\r\n")
        kind, rest = line[:1], line[1:]
        if kind == b"*":
            return [self.reply() for _ in range(int(rest))]
        if kind == b"$":
            data = self.file.read(int(rest) + 2)[:-2]
            return data
        if kind == b"-":
            sys.exit(rest.decode())
        return rest

    def command(self, *words):
        words = [w if isinstance(w, bytes) else w.encode() for w in words]
        self.sock.sendall(b"*%d\r\n" % len(words) +
                          b"".join(b"$%d\r\n%s\r\n" % (len(w), w) for w in words))
        return self.reply()


def main():
    path, password, stream = sys.argv[1:]
    redis = Redis(path)
    redis.command("AUTH", password)
    latest = next(fields[1] for _, fields in redis.command("XREVRANGE", stream, "+", "-")
                  if fields[1].startswith(b"fwc\n") and len(fields[1]) > HEADER)
    version, readable_by = struct.unpack_from("<HH", latest, 4)
    kind, arg, size = struct.unpack_from("<BBH", latest, HEADER)
    body = latest[HEADER + 4:HEADER + 4 + size]
    records = struct.pack("<BBH", kind, arg, size + 8) + body + b"\xff" * 8
    records += struct.pack("<BBH", KIND_UNKNOWN, 0, 4) + b"next"
    for readable in readable_by, version + 1:
        head = bytearray(latest[:HEADER])
        struct.pack_into("<HH", head, 4, version + 1, readable)
        redis.command("XADD", stream, "*", "d", bytes(head) + records)


main()
