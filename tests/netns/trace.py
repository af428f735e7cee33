#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""The packets of trace.sh, and what their traces must be.

usage: trace.py config NAME
       trace.py run NAME TAG WORK BIN CAPTURE_PID
       trace.py check WORK BIN                     after both runs: is there one for each reason?
"""
import os
import re
import signal
import socket
import struct
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))
from ends import Finwall, Ns, poll  # noqa: E402

WEST, EAST = "10.2.0.50", "10.3.0.50"
WEST6, EAST6 = "fd02::50", "fd03::50"

CONFIG = """\
settings {
	queue { num 6; count 1; copy 128 }
	hook { backend iptables; defragment off }
	connections { %s; verify-unknown off; checksum full; late-rate 2; late-rate-source 2 }
	tcp { timeout established 1s; loose %s }
	state { import-kernel off }
}
table inet gate {
	chain closes {
		tcp dport 1 strict
		tcp dport 3 lenient
		tcp dport 4 reject
		tcp dport 5 verify
	}
	chain forward {
		type filter hook forward priority filter; policy drop;
		ct state invalid drop
		ct state established,related,late accept
		tcp dport 1-9999 accept
		udp dport 53 accept
	}
	chain late {
		type close hook late; policy remembered;
		jump closes
	}
}
"""
CONFIGS = {"closed": CONFIG % ("unknown-windows pass", "off"),
           "verify": CONFIG % ("unknown-windows pass", "off"),
           "loose": CONFIG % ("max 1; unknown-windows refuse", "on")}

# The kernel drops the first before a filter sees it, and a replay cannot probe. The next needs a
# command. Of the next two, neither passes in a capture: tests/unit/test_trace.c has them. The last is there in case
# the tracker's table changes: it allows each late segment in each state that is remembered
# (test_trace.c again).
NOT_LIVE = {"ip-header", "late-not-probed"}
NOT_REPLAYED = {"late-deleted"}
NOT_HERE = {"ip-short", "ip-version", "late-state"}

FIN, SYN, RST, ACK = 1, 2, 4, 16


def checksum(data):
    if len(data) % 2:
        data += b"\0"
    total = sum(struct.unpack(f"!{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xffff) + (total >> 16)
    return 0xffff & ~total


def ip4(proto, payload, src=WEST, dst=EAST, frag=0):
    head = struct.pack("!BBHHHBBH4s4s", 0x45, 0, 20 + len(payload), 7, frag, 64, proto, 0,
                       socket.inet_aton(src), socket.inet_aton(dst))
    return head[:10] + struct.pack("!H", checksum(head)) + head[12:] + payload


def ip6(proto, payload, src=WEST6, dst=EAST6):
    return struct.pack("!IHBB", 6 << 28, len(payload), proto, 64) + \
        socket.inet_pton(socket.AF_INET6, src) + socket.inet_pton(socket.AF_INET6, dst) + payload


def summed(proto, payload, at, src, dst, wrong):
    family = socket.AF_INET6 if ":" in src else socket.AF_INET
    pseudo = socket.inet_pton(family, src) + socket.inet_pton(family, dst) + \
        struct.pack("!HH", proto, len(payload))
    value = checksum(pseudo + payload) ^ (0x1234 if wrong else 0)
    return payload[:at] + struct.pack("!H", value or 0xffff) + payload[at + 2:]


def tcp(sport, dport, flags, seq, ack, data=b"", doff=5, wrong=False, src=WEST, dst=EAST):
    segment = struct.pack("!HHIIBBHHH", sport, dport, seq & 0xffffffff, ack & 0xffffffff,
                          doff << 4, flags, 1000, 0, 0) + data
    return ip4(6, summed(6, segment, 16, src, dst, wrong), src, dst)


def back(*args, **kw):
    return tcp(*args, src=EAST, dst=WEST, **kw)


def udp(sport, dport, size=None, wrong=False):
    datagram = struct.pack("!HHHH", sport, dport, 9 if size is None else size, 0) + b"x"
    return ip4(17, summed(17, datagram, 6, WEST, EAST, wrong))


def icmp(kind, rest, wrong=False, src=WEST, dst=EAST):
    message = struct.pack("!BBH", kind, 0, 0) + rest
    value = checksum(message) ^ (0x1234 if wrong else 0)
    return ip4(1, message[:2] + struct.pack("!H", value) + message[4:], src, dst)


class Bed:
    def __init__(self, name, tag, work, binaries, capture):
        self.name, self.work, self.capture = name, work, int(capture)
        self.binary = os.path.join(binaries, "finwall")
        self.finwall = Finwall(self.binary, os.path.join(work, "finwall.sock"))
        self.ends = {side: self.end(Ns(f"{tag}-{ns}"), Ns(f"{tag}-router"), link)
                     for side, ns, link in (("west", "client", "west"), ("east", "server", "east"))}
        self.sent = self.again = self.answers = 0
        self.readers = []
        for family, address in ("4", WEST), ("6", WEST6):
            self.readers.append(subprocess.Popen(
                self.finwall.start + ["trace", "--rate", "1000000", "--address", address],
                stdout=open(self.path(family), "w")))
        poll(lambda: self.finwall.json("stats")["event_readers"] == 2, "the readers")

    def path(self, family):
        return os.path.join(self.work, f"{self.name}.live{family}")

    @staticmethod
    def end(ns, router, link):
        sock = ns.socket(socket.AF_PACKET, socket.SOCK_RAW, 0)
        sock.bind(("eth0", 0))
        mac = router.run("cat", f"/sys/class/net/{link}/address").strip().replace(":", "")
        return sock, bytes.fromhex(mac) + sock.getsockname()[4]

    def live(self):
        return "".join(open(self.path(f)).read() for f in "46")

    def send(self, packet, want=None, side=None):
        """Sends one packet, and waits for its trace."""
        if side is None:
            side = "east" if packet[0] >> 4 == 4 and packet[12:16] == socket.inet_aton(EAST) \
                else "west"
        sock, head = self.ends[side]
        before = self.live()
        sock.send(head + (b"\x08\x00" if packet[0] >> 4 == 4 else b"\x86\xdd") + packet)
        self.sent += 1
        poll(lambda: len(re.findall(r"^trace .* verdict (?:accept|drop|reject|held)\b[^)]*$",
                                    self.live(), re.M)) >= self.sent + self.again, f"a trace: {want}")
        if want == "held":
            assert " verdict held, " in self.live().replace(before, "", 1), self.live()[len(before):]
        elif want is not None:
            now = self.live()
            assert f": {want}," in now.replace(before, "", 1), f"{want}: {now[len(before):]}"

    def open(self, sport, dport, isn=1000):
        """The three segments of a handshake; the sequence numbers after it."""
        self.send(tcp(sport, dport, SYN, isn, 0), "tcp-open")
        self.send(back(dport, sport, SYN | ACK, 5000, isn + 1), "tcp-tracked")
        self.send(tcp(sport, dport, ACK, isn + 1, 5001), "tcp-tracked")
        return isn + 1, 5001

    def expire(self, *sports):
        for sport in sports:
            poll(lambda s=sport: "tcp " in self.finwall("list", "--expired", "--sport", str(s)),
                 f"the timeout of {sport}")

    def end_run(self):
        for reader in self.readers:
            reader.terminate()
            reader.wait()
        # the capture has the last packet
        pcap = os.path.join(self.work, f"{self.name}.pcap")
        poll(lambda: self.captured(pcap) >= self.sent, "the capture")
        os.kill(self.capture, signal.SIGTERM)

    def captured(self, pcap):
        out = subprocess.run(["tcpdump", "-nr", pcap], stdout=subprocess.PIPE,
                             stderr=subprocess.DEVNULL, text=True).stdout
        return len(out.splitlines())


def run_closed(bed):
    send = bed.send
    send(ip4(6, b"x" * 24, frag=10), "ip-fragment")
    send(ip4(6, b"x" * 10), "l4-short")
    send(tcp(1, 22, SYN, 1, 0, doff=4), "tcp-offset")
    send(tcp(2, 22, 0, 1, 0), "tcp-flags")
    send(tcp(3, 22, SYN, 1, 0, wrong=True), "tcp-checksum")
    send(udp(4, 53, size=4), "udp-length")
    send(udp(5, 53, wrong=True), "udp-checksum")
    send(icmp(8, b"\0\1\0\1", wrong=True), "icmp-checksum")
    send(icmp(40, b"\0\0\0\0"), "icmp-type")
    send(icmp(3, b"\0\0\0\0" + b"\x45\0"), "icmp-quote")
    send(icmp(0, b"\0\1\0\1"), "icmp-no-entry")
    send(icmp(3, b"\0\0\0\0" + ip4(17, struct.pack("!HHHH", 9, 9, 8, 0), EAST, WEST)),
         "icmp-unrelated")
    send(udp(6, 53), "udp-open")
    send(icmp(3, b"\0\0\0\0" + ip4(17, struct.pack("!HHHH", 6, 53, 8, 0)), src=WEST, dst="10.3.0.51"),
         "icmp-mismatch")
    send(ip6(60, b"\x3c\xff" + b"\0" * 6), "ip6-extension")
    send(ip6(59, b""), "ip6-no-next-header")
    send(ip6(60, b"\x06\x0b" + b"\0" * 94 + b"\0" * 20), "copy-short")
    redirect = struct.pack("!BBHI", 137, 0, 0, 0) + socket.inet_pton(socket.AF_INET6, EAST6) * 2
    send(ip6(58, summed(58, redirect, 2, WEST6, EAST6, False)), "icmp-redirect")
    send(tcp(10, 22, ACK, 1, 1), "tcp-no-pickup")
    send(tcp(11, 22, SYN | ACK, 1, 1), "tcp-no-entry")
    # an open connection
    seq, ack = bed.open(12, 22)
    send(tcp(12, 22, ACK, seq + 100000, ack, b"data"), "tcp-beyond-window")
    send(tcp(12, 22, ACK, seq, ack + 100000), "tcp-ack-unseen")
    send(back(22, 12, ACK, ack, seq, b"x"), "tcp-tracked")
    send(tcp(12, 22, ACK, seq, ack + 1), "tcp-tracked")
    send(back(22, 12, RST, ack - 100, 0), "tcp-rst-sequence")
    send(tcp(13, 22, SYN, 1, 0), "tcp-open")
    send(tcp(13, 22, SYN | ACK, 2, 1), "tcp-state")
    # closes of connections that nobody knows
    send(tcp(20, 1, FIN | ACK, 1, 1), "late-strict")
    send(tcp(21, 2, FIN | ACK, 1, 1), "late-unknown")
    send(tcp(22, 3, FIN | ACK, 1, 1, b"data"), "late-payload")
    send(tcp(23, 4, FIN | ACK, 1, 1), "late-rejected")
    for i in range(6):
        send(tcp(30 + i, 3, FIN | ACK, 1, 1))
    assert ": late-rate," in bed.live(), "no late-rate"
    # closes of remembered connections
    seq, ack = bed.open(40, 22)
    bed.open(41, 22)
    bed.open(42, 22)
    bed.expire(40, 41, 42)
    send(tcp(40, 22, FIN | ACK, seq + 100000, ack), "late-window")
    send(tcp(40, 22, RST, seq + 1, 0), "late-rst-inexact")
    send(tcp(41, 22, FIN | ACK, seq, ack), "late-revived")
    bed.finwall("delete", "--sport", "42")
    send(tcp(42, 22, FIN | ACK, seq, ack), "late-deleted")


def run_verify(bed):
    """Late segments whose other end is probed: they are held, and traced again."""
    send = bed.send

    def decided(reason):
        poll(lambda: f": {reason}," in bed.live(), reason)
        bed.again += 1

    for sport, answer, reason in (60, (RST, 200, 0), "late-refuted-rst"), \
            (61, (ACK, 700000, 900000), "late-refuted-seq"), (62, None, "late-unanswered"):
        send(tcp(sport, 5, FIN | ACK, 100, 200), "held")
        if sport == 60:
            send(tcp(sport, 5, FIN | ACK, 100, 200), "late-copy")
        if answer is not None:
            sock, head = bed.ends["east"]
            sock.send(head + b"\x08\x00" + back(5, sport, *answer))
            bed.sent += 1
            poll(lambda: bed.live().count(": late-answer,") > bed.answers, "the answer")
            bed.answers += 1
        decided(reason)


def run_loose(bed):
    send = bed.send
    # picked up in the middle, and idle before both sides have agreed
    send(tcp(50, 22, ACK, 1000, 5000, b"data"), "tcp-pickup")
    send(back(22, 50, ACK, 5000, 1000, b"x"), "tcp-tracked")
    send(tcp(50, 22, ACK, 1004, 5000, b"more"), "tcp-tracked")
    bed.expire(50)
    send(tcp(50, 22, FIN | ACK, 1008, 5001), "late-not-proved")
    # the one place is taken by an open connection
    bed.open(51, 22)
    send(tcp(52, 22, SYN, 1, 0), "table-full")


def normal(text):
    """Traces without what a capture at the entry does not have: interfaces, and the numbers."""
    found = []
    for line in text.splitlines():
        if line.startswith("trace id "):
            line = re.sub(r"^trace id [0-9a-f]+ ", "", line)
            line = re.sub(r" (iif|oif) \"[^\"]*\"", "", line)
            line = re.sub(r" (ip ttl|ip6 hoplimit) \d+", "", line)  # one less when forwarded
            line = re.sub(r" ended \d+s ago", "", line)  # clocks cut to seconds
            found.append(line)
    return found


def traces(lines):
    """One list for each packet."""
    found = []
    for line in lines:
        if " packet:" in line:
            found.append([])
        found[-1].append(line)
    return found


def compare(name, work, binary):
    missing = 0
    for family, address in ("4", WEST), ("6", WEST6):
        replayed = subprocess.run(
            [binary, "replay", "-c", os.path.join(work, name + ".conf"), "--verify-checksums",
             "--trace", "--address", address, os.path.join(work, name + ".pcap")],
            stdout=subprocess.PIPE, text=True, check=True).stdout
        live = traces(normal(open(os.path.join(work, f"{name}.live{family}")).read()))
        again = traces(normal(replayed))
        if len(live) != len(again):
            sys.exit(f"{name}: {len(live)} packets live, {len(again)} replayed")
        for a, b in zip(live, again):
            if any(f": {reason}," in line for line in a for reason in NOT_REPLAYED):
                missing += 1
                continue
            if a != b:
                sys.exit(f"{name}: live and replayed differ:\n" + "\n".join(a) + "\n---\n" +
                         "\n".join(b))
    return missing


def all_reasons(binary, work):
    """The names of the reasons for which packets are invalid, from the program's own list."""
    out = subprocess.run([binary, "trace", "--help"], stdout=subprocess.PIPE, text=True).stdout
    assert "--reason" in out
    source = os.path.join(os.path.dirname(os.path.abspath(__file__)),
                          "../../include/finwall/reason.h")
    return set(re.findall(r"X\(REASON_\w+, +\"([a-z0-9-]+)\", +INVALID,", open(source).read()))


def broken_headers(work, binary):
    """A packet that the kernel drops itself: in a capture only."""
    path = os.path.join(work, "broken.pcap")
    packets = [b"\x42" + ip4(6, b"x" * 20)[1:]]
    with open(path, "wb") as f:
        f.write(struct.pack("<IHHiIII", 0xa1b2c3d4, 2, 4, 0, 0, 65535, 101))
        for i, p in enumerate(packets):
            f.write(struct.pack("<IIII", 1000 + i, 0, len(p), len(p)) + p)
    return "".join(
        subprocess.run([binary, "replay", "-c", os.path.join(work, "closed.conf"), "--trace", p],
                       stdout=subprocess.PIPE, text=True, check=True).stdout
        for p in (path, os.path.join(work, "verify.pcap")))


def check(work, binary):
    live = "".join(open(os.path.join(work, f"{name}.live{f}")).read()
                   for name in CONFIGS for f in "46")
    reasons = all_reasons(binary, work)
    seen = {r for r in reasons if re.search(rf": {r},", live)}
    broken = broken_headers(work, binary)
    seen_broken = {r for r in reasons if re.search(rf": {r},", broken)}
    assert reasons - seen - NOT_LIVE - NOT_HERE == set(), reasons - seen - NOT_LIVE - NOT_HERE
    assert NOT_LIVE - seen_broken == set(), broken
    # which rule decided, and that each trace is whole
    assert re.search(r"inet gate forward rule ct state invalid drop \(verdict drop\) at "
                     r"\S+closed\.conf:\d+$", live, re.M)
    assert re.search(r"inet gate closes rule tcp dport 1 strict \(verdict strict\) at ", live)
    assert re.search(r"inet gate late rule jump closes \(verdict jump closes\) at ", live)
    assert re.search(r"inet gate closes verdict continue$", live, re.M)
    print(f"{len(seen)} of {len(reasons)} reasons live and replayed, {len(NOT_LIVE)} replayed only")


if sys.argv[1] == "config":
    print(CONFIGS[sys.argv[2]], end="")
elif sys.argv[1] == "run":
    the_bed = Bed(*sys.argv[2:])
    {"closed": run_closed, "verify": run_verify, "loose": run_loose}[the_bed.name](the_bed)
    the_bed.end_run()
    if the_bed.name != "verify":  # a replay cannot probe
        compare(the_bed.name, the_bed.work, the_bed.binary)
else:
    check(sys.argv[2], os.path.join(sys.argv[3], "finwall"))
