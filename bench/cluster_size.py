#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Simulates the streams of a cluster: memory and traffic of the engine, and the lag of a reader.

cluster_size.py [--nodes N] [--rate R] [--life S] [--closed S] [--interval MS] [--snapshot S]
                [--group N] [--reader RECORDS_PER_S] [--seconds S] [--markdown]

Connections of each node are opened at random times (a Poisson process) and live for a random time
(exponential), and make records at their changes. After the close their entries stay for a time
(TIME_WAIT). Each node sends what it has every interval; all others of its group apply it, at a
limited rate. Every snapshot lists all entries in chunks and trims the stream. Only one group is
simulated, because groups share nothing; the table
multiplies. All nodes of a group are alike, so one is simulated, and its reader gets the same from
each of the others; their snapshots all at the same moment, which is the worst case for the lag.
"""
import argparse
import collections
import heapq
import random

RECORD = 132
HEADER = 40
ENTRY = 24  # of Redis for an entry of a stream: id, field name, lengths
CHUNK = 256
MEMORY = 1.15  # of Redis, for a byte of what it stores: cluster_load.sh, "engine MB"


class Node:
    """One node's records over time, in steps of the interval."""

    def __init__(self, args, seed):
        self.random = random.Random(seed)
        self.args = args
        self.ends = []  # times at which open connections close
        self.closed = collections.deque()  # times at which entries of closed ones expire
        self.stream = []  # (time, bytes) that are not trimmed
        self.stream_bytes = 0
        self.positions = [0.0, 0.0]  # of the last two snapshots
        self.snapshot_at = self.random.uniform(0, args.snapshot)
        self.snapshot_bytes = 0

    def poisson(self, mean):
        # a normal distribution is close enough where the mean is large
        if mean > 50:
            return max(0, round(self.random.gauss(mean, mean**0.5)))
        k, p, limit = 0, self.random.random(), 2.718281828 ** -mean
        while p > limit:
            k, p = k + 1, p * self.random.random()
        return k

    def step(self, now, dt):
        """Returns the records of this step."""
        opened = self.poisson(self.args.rate * dt)
        for _ in range(opened):
            heapq.heappush(self.ends, now + self.random.expovariate(1 / self.args.life))
        closed = 0
        while self.ends and self.ends[0] <= now:
            heapq.heappop(self.ends)
            self.closed.append(now + self.args.closed)
            closed += 1
        while self.closed and self.closed[0] <= now:
            self.closed.popleft()
        records = opened * self.args.open_records + closed * self.args.close_records
        if records:
            size = HEADER + ENTRY + records * RECORD
            self.stream.append((now, size))
            self.stream_bytes += size
        return records

    def entries(self):
        return len(self.ends) + len(self.closed)

    def snapshot(self, now):
        """Writes one if it is due, and trims. Returns its bytes."""
        if now < self.snapshot_at:
            return 0
        self.snapshot_at += self.args.snapshot
        self.snapshot_bytes = self.entries() * RECORD
        self.snapshot_bytes += (self.entries() // CHUNK + 1) * (HEADER + 16)
        trim = self.positions[0]
        self.positions = [self.positions[1], now]
        keep = [(t, b) for t, b in self.stream if t >= trim]
        self.stream_bytes = sum(b for _, b in keep)
        self.stream = keep
        return self.snapshot_bytes


def simulate(args):
    """One node and one reader of its whole group."""
    node = Node(args, 1)
    others = args.group - 1
    dt = args.interval / 1000
    lags, waiting = [], 0.0
    sent = read = peak = 0
    steps = int(args.seconds / dt)
    for i in range(steps):
        now = i * dt
        records = node.step(now, dt)
        written = node.snapshot(now)
        warm = now > args.seconds / 2
        # the reader: the same from each other node, and their snapshots spread over time
        arriving = records * others + (written // RECORD) * others
        waiting += arriving
        done = min(waiting, args.reader * dt)
        waiting -= done
        if warm:
            sent += records * RECORD + HEADER + ENTRY + written
            read += arriving * RECORD
            lags.append(waiting / args.reader + dt / 2)
            peak = max(peak, node.stream_bytes + 2 * node.snapshot_bytes)
    lags.sort()
    span = args.seconds / 2
    return {
        "entries": node.entries(),
        "records": node.args.rate * (args.open_records + args.close_records),
        "sent": sent / span,
        "read": read / span,
        "memory": peak * MEMORY,
        "lag50": lags[len(lags) // 2],
        "lag99": lags[int(len(lags) * 0.99)],
    }


def main():
    p = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    p.add_argument("--nodes", type=int, default=1000)
    p.add_argument("--group", type=int, default=4, help="nodes of a group")
    p.add_argument("--rate", type=float, default=500, help="new connections a second and node")
    p.add_argument("--life", type=float, default=60, help="seconds that a connection lives")
    p.add_argument("--closed", type=float, default=120,
                   help="seconds that an entry stays after the close (tcp timeout time-wait)")
    p.add_argument("--interval", type=float, default=50, help="milliseconds")
    p.add_argument("--snapshot", type=float, default=60, help="seconds")
    p.add_argument("--reader", type=float, default=2000000,
                   help="records that a node applies a second")
    p.add_argument("--seconds", type=float, default=600)
    p.add_argument("--open-records", type=int, default=1)
    p.add_argument("--close-records", type=int, default=3)
    p.add_argument("--markdown", action="store_true")
    args = p.parse_args()
    cells = []
    groups = [args.group] if not args.markdown else [2, 4, 8, 16]
    for args.group in groups:
        r = simulate(args)
        n = args.nodes / args.group
        cells.append((args.group, n, r))
    print("| nodes of a group | groups | entries, a node | written, a group | read, a node "
          "| memory, a group | all groups | lag p50 | p99 |")
    print("|---|---|---|---|---|---|---|---|---|")
    for group, n, r in cells:
        print(f"| {group} | {n:.0f} | {r['entries']} | {r['sent'] * group / 1e6:.2f} MB/s "
              f"| {r['read'] / 1e6:.2f} MB/s | {r['memory'] * group / 1e6:.0f} MB "
              f"| {r['memory'] * args.nodes / 1e9:.1f} GB | {r['lag50'] * 1000:.0f} ms "
              f"| {r['lag99'] * 1000:.0f} ms |")


main()
