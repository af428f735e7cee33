# SPDX-License-Identifier: GPL-2.0-or-later
"""refused.py tcp|udp ADDRESS PORT [EXPECTED]: what a sender gets: connects, or sends one datagram.

Prints the error's name, `none` after three seconds without an answer, or `open`. With EXPECTED,
names separated by commas, the exit status is 1 for anything else.
"""
import errno
import socket
import sys


def outcome(kind, address, port):
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    s = socket.socket(family, socket.SOCK_STREAM if kind == "tcp" else socket.SOCK_DGRAM)
    s.settimeout(3)
    # Report ICMP errors that are not final, too: IP_RECVERR, IPV6_RECVERR.
    if family == socket.AF_INET:
        s.setsockopt(socket.IPPROTO_IP, 11, 1)
    else:
        s.setsockopt(socket.IPPROTO_IPV6, 25, 1)
    try:
        s.connect(socket.getaddrinfo(address, port)[0][4])
        if kind == "udp":
            s.send(b"x" * 64)
            s.recv(1)
    except (socket.timeout, TimeoutError):
        return "none"
    except OSError as e:
        return errno.errorcode.get(e.errno, str(e.errno))
    return "open"


got = outcome(sys.argv[1], sys.argv[2], int(sys.argv[3]))
print(got)
sys.exit(len(sys.argv) > 4 and got not in sys.argv[4].split(","))
