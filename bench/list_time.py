#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Parts of list_time.sh.

usage: list_time.py fill CONNECTIONS FINWALL SOCKET    datagrams until there are so many
       list_time.py serve | traffic                    echoes, about 4000 a second
       list_time.py measure ROUNDS FINWALL SOCKET      verdict latency beside lists
"""
import json
import os
import socket
import statistics
import subprocess
import sys
import time

PORT = 7000


def finwall(program, sock, *args):
    run = subprocess.run([program, "--socket", sock, *args], stdout=subprocess.PIPE, check=True)
    return run.stdout


def live(program, sock):
    return json.loads(finwall(program, sock, "stats", "--output", "json"))["table"]["connections"]


def fill(connections, program, sock):
    """Sends from 16 addresses to all ports, a round for what was lost in the one before."""
    for _ in range(10):
        sent = 0
        for host in range(1, 17):
            s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
            s.bind((f"10.1.2.{host}", 5000))
            for port in range(1, 65536):
                if sent == connections + 1000:
                    break
                try:
                    s.sendto(b"x", ("10.1.0.2", port))
                except OSError:  # an ICMP error about an earlier one
                    pass
                sent += 1
                if sent % 2000 == 0:
                    time.sleep(0.02)
        time.sleep(1)
        n = live(program, sock)
        print(f"{n} connections", flush=True)
        if n >= connections:
            return
    sys.exit("too few connections")


def serve():
    s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    s.bind(("10.1.0.2", PORT))
    while True:
        data, peer = s.recvfrom(64)
        s.sendto(data, peer)


def traffic():
    sockets = []
    for _ in range(200):
        s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        s.setblocking(False)
        s.connect(("10.1.0.2", PORT))
        sockets.append(s)
    turn = 0
    while True:
        for _ in range(4):
            turn = (turn + 1) % len(sockets)
            try:
                sockets[turn].send(b"x")
                sockets[turn].recv(64)
            except OSError:
                pass
        time.sleep(0.001)


def run_list(program, sock, form):
    """Seconds, lines and peak memory in KiB of a list."""
    start = time.monotonic()
    child = subprocess.Popen([program, "--socket", sock, "list", "--output", form],
                             stdout=subprocess.PIPE, bufsize=1 << 20)
    lines = 0
    while part := child.stdout.read(1 << 20):
        lines += part.count(b"\n")
    _, status, usage = os.wait4(child.pid, 0)
    assert status == 0, status
    return time.monotonic() - start, lines, usage.ru_maxrss


def verdict_p99(program, sock, during):
    finwall(program, sock, "stats", "--zero", "--output", "json")
    during()
    stats = json.loads(finwall(program, sock, "stats", "--output", "json"))
    rows = [x for q in stats["queues"] for x in q["latencies"]
            if x["name"] == "verdict" and x["count"]]
    return max(x["p99_ns"] for x in rows) / 1000, sum(x["count"] for x in rows)


def measure(rounds, program, sock):
    for form in ("json", "text", "conntrack"):
        sec, lines, rss = run_list(program, sock, form)
        print(f"{form}: {lines} lines in {sec:.1f} s, {rss / 1024:.1f} MiB of memory", flush=True)
    alone, beside = [], []
    for _ in range(rounds):
        sec = 0.0

        def lists():
            nonlocal sec
            sec = run_list(program, sock, "json")[0] + run_list(program, sock, "conntrack")[0]

        us, packets = verdict_p99(program, sock, lists)
        beside.append(us)
        other, others = verdict_p99(program, sock, lambda: time.sleep(max(sec, 5)))
        alone.append(other)
        print(f"verdict p99: {other:.0f} us without lists ({others} packets), {us:.0f} us "
              f"beside them ({packets} packets)", flush=True)
    a, b = statistics.median(alone), statistics.median(beside)
    print(f"medians: {a:.0f} us, {b:.0f} us, x{b / a:.2f}")


def main():
    match sys.argv[1:]:
        case ["fill", connections, program, sock]:
            fill(int(connections), program, sock)
        case ["serve"]:
            serve()
        case ["traffic"]:
            traffic()
        case ["measure", rounds, program, sock]:
            measure(int(rounds), program, sock)
        case _:
            sys.exit(__doc__)


if __name__ == "__main__":
    main()
