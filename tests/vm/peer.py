#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""The virtual machine's neighbour, outside of it: sends to it all the time, from before its power-on.

    peer.py DIR IFACE

Every 5 ms it sends a SYN to TCP port 81, where nothing listens and which no configuration accepts, by
turns over IPv4 and IPv6; an answer means that nothing filters. Files in DIR are its orders:

    NAME.probe              "ADDRESS": probe this IPv4 address behind the machine too, by turns
    NAME.start, NAME.stop   count between the two; NAME.result has the counts
    NAME.ask                "tcp|udp ADDRESS PORT": ask with a real socket; NAME.answer has the outcome
    NAME.talk               "ADDRESS PORT": open a connection to an echo server (then NAME.talks appears),
                            and exchange a byte every 20 ms until NAME.hush; NAME.talked has the outcome
"""
import errno
import os
import socket
import struct
import sys
import threading
import time

GUEST_MAC = bytes.fromhex("525400123456")
INTERVAL = 0.005
CLOSED_PORT = 81
OWN = {4: "10.9.0.1", 6: "fd09::1"}
targets = [(4, "10.9.0.2"), (6, "fd09::2")]


def checksum(data):
    if len(data) % 2:
        data += b"\0"
    total = sum(struct.unpack(f"!{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return 0xFFFF & ~total


def syn(own_mac, version, address, sport):
    """A whole frame."""
    family = socket.AF_INET if version == 4 else socket.AF_INET6
    src, dst = (socket.inet_pton(family, a) for a in (OWN[version], address))
    tcp = struct.pack("!HHIIBBHHH", sport, CLOSED_PORT, sport << 8, 0, 0x50, 2, 64240, 0, 0)
    if version == 4:
        pseudo = src + dst + struct.pack("!BBH", 0, 6, len(tcp))
    else:
        pseudo = src + dst + struct.pack("!IHBB", len(tcp), 0, 0, 6)
    tcp = tcp[:16] + struct.pack("!H", checksum(pseudo + tcp)) + tcp[18:]
    if version == 4:
        head = struct.pack("!BBHHHBBH", 0x45, 0, 40, sport, 0, 64, 6, 0) + src + dst
        head = head[:10] + struct.pack("!H", checksum(head)) + head[12:]
        return GUEST_MAC + own_mac + b"\x08\0" + head + tcp
    head = struct.pack("!IHBB", 6 << 28, len(tcp), 6, 64) + src + dst
    return GUEST_MAC + own_mac + b"\x86\xdd" + head + tcp


def answer_of(frame):
    """The own port that a frame answers, or None."""
    if frame[:6] == GUEST_MAC:
        return None
    kind = frame[12:14]
    if kind == b"\x08\0" and frame[23] == 6:
        tcp = frame[14 + 4 * (frame[14] & 15):]
    elif kind == b"\x86\xdd" and frame[20] == 6:
        tcp = frame[54:]
    else:
        return None
    if len(tcp) < 14:
        return None
    sport, dport = struct.unpack("!HH", tcp[:4])
    return dport if sport == CLOSED_PORT else None


def ask(proto, address, port):
    """What becomes of one packet: open, refused, unreachable or timeout."""
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    kind = socket.SOCK_STREAM if proto == "tcp" else socket.SOCK_DGRAM
    started = time.monotonic()
    with socket.socket(family, kind) as s:
        s.settimeout(2.5)
        try:
            s.connect((address, port))
            if proto == "udp":
                s.send(b"finwall")
                s.recv(100)
            outcome = "open"
        except (socket.timeout, TimeoutError):
            outcome = "timeout"
        except OSError as e:
            outcome = {errno.ECONNREFUSED: "refused"}.get(e.errno, errno.errorcode.get(e.errno, "?"))
    return f"{outcome} {(time.monotonic() - started) * 1000:.0f} ms"


def talk(base, address, port):
    """Exchanges bytes until the file BASE.hush exists."""
    count = 0
    longest = 0.0
    with socket.create_connection((address, port), 10) as s:
        s.settimeout(60)
        s.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        while not os.path.exists(base + ".hush"):
            sent = time.monotonic()
            s.sendall(b"x")
            if not s.recv(1):
                return f"closed after {count} answers"
            longest = max(longest, time.monotonic() - sent)
            count += 1
            if count == 1:
                put(base + ".talks", "")
            time.sleep(0.02)
    return f"answers {count} longest_ms {longest * 1000:.0f}"


def talk_and_report(base, address, port):
    try:
        text = talk(base, address, port)
    except OSError as e:
        text = f"failed: {e}"
    put(base + ".talked", text + "\n")


class Section:
    """Probes sent and answered between two orders."""

    def __init__(self):
        self.began = time.monotonic()
        self.sent = 0
        self.answers = []

    def result(self):
        holes = []  # first and last answer of each run; answers 100 ms apart are one run
        for when in self.answers:
            if holes and when - holes[-1][1] < 0.1:
                holes[-1][1] = when
            else:
                holes.append([when, when])
        spans = [(b - a + 2 * INTERVAL) * 1000 for a, b in holes]
        text = f"sent {self.sent} answered {len(self.answers)} open_ms {sum(spans):.0f}"
        text += f" holes {len(holes)} longest_ms {max(spans, default=0):.0f}"
        for a, b in holes[:20]:
            text += f"\nhole from {a - self.began:.3f} s to {b - self.began:.3f} s"
        return text + f"\nend at {time.monotonic() - self.began:.3f} s\n"


def put(path, text):
    with open(path + ".new", "w", encoding="ascii") as f:
        f.write(text)
    os.rename(path + ".new", path)


def answer(path, words):
    try:
        text = ask(words[0], words[1], int(words[2]))
    except Exception as e:  # pylint: disable=broad-except
        text = f"error {e}"
    put(path, text + "\n")


def obey(folder, sections):
    for name in os.listdir(folder):
        path = os.path.join(folder, name)
        base, end = os.path.splitext(path)
        if end == ".start":
            sections[base] = Section()
        elif end == ".stop":
            done = sections.pop(base, None)
            put(base + ".result", done.result() if done else "sent 0 answered 0 open_ms 0 holes 0 longest_ms 0\n")
        elif end == ".probe":
            with open(path, encoding="ascii") as f:
                targets.append((4, f.read().strip()))
        elif end in (".ask", ".talk"):
            with open(path, encoding="ascii") as f:
                words = f.read().split()
            if len(words) < (3 if end == ".ask" else 2):
                continue
            if end == ".ask":
                threading.Thread(target=answer, args=(base + ".answer", words), daemon=True).start()
            else:
                threading.Thread(target=talk_and_report, args=(base, words[0], int(words[1])),
                                 daemon=True).start()
        else:
            continue
        os.unlink(path)


def main():
    folder, iface = sys.argv[1:]
    link = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(3))
    link.bind((iface, 0))
    link.setblocking(False)
    own_mac = link.getsockname()[4]
    sections = {}
    count = 0
    following = time.monotonic()
    while True:
        obey(folder, sections)
        now = time.monotonic()
        while following <= now:
            count += 1
            frame = syn(own_mac, *targets[count % len(targets)], 20000 + count % 30000)
            try:
                link.send(frame)
                for s in sections.values():
                    s.sent += 1
            except OSError:  # no carrier while the machine is off
                pass
            following = max(following + INTERVAL, now - 0.1)
        while True:
            try:
                frame = link.recv(2048)
            except BlockingIOError:
                break
            except OSError:
                break
            if answer_of(frame) is not None:
                for s in sections.values():
                    s.answers.append(time.monotonic())
        time.sleep(max(0, following - time.monotonic()))


main()
