#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Measures and prints for cluster_load.sh.

cluster_load.py measure SECONDS NAME=PID...   processor time of threads, in percent of one core
cluster_load.py join KIND FOLDER              one line of JSON of a run
cluster_load.py line ROUND                    that line, read from standard input, for people
cluster_load.py table FILE                    medians of all lines
"""
import json
import os
import statistics
import sys
import time

WAITS = ("syn_us", "syn_ack_us")
OTHERS = ("ack_us", "fin_us", "fin_ack_us", "last_us")


def busy_ns(pid):
    """Of each thread: those that read a queue are workers, the others are "main"."""
    times = {"main": 0, "workers": 0}
    try:
        for task in os.listdir(f"/proc/{pid}/task"):
            with open(f"/proc/{pid}/task/{task}/comm", encoding="ascii") as file:
                name = "workers" if file.read().startswith("queue") else "main"
            with open(f"/proc/{pid}/task/{task}/schedstat", encoding="ascii") as file:
                times[name] += int(file.read().split()[0])
    except FileNotFoundError:
        pass
    return times


def measure(seconds, processes):
    pids = dict(p.split("=") for p in processes)
    before, began = {n: busy_ns(p) for n, p in pids.items()}, time.monotonic_ns()
    time.sleep(seconds)
    after, took = {n: busy_ns(p) for n, p in pids.items()}, time.monotonic_ns() - began
    print(json.dumps({n: {k: (after[n][k] - before[n][k]) / took * 100 for k in after[n]}
                      for n in pids}))


def load(path):
    with open(path, encoding="ascii") as file:
        return json.load(file)


def join(kind, folder):
    times = load(f"{folder}/times.json")
    wire = load(f"{folder}/wire.json")
    out, into = load(f"{folder}/cluster1.json"), load(f"{folder}/cluster2.json")
    row = {
        "kind": kind,
        "connections": wire["connections"],
        "lost": wire["connections"] - wire["complete"],
        "worker": times["gw1"]["workers"],
        "main": times["gw1"]["main"],
        "other": times["gw2"]["main"] + times["gw2"]["workers"],
        "engine": times["engine"]["main"],
        "load": times["load"]["main"],
        "waiting p50": max(wire[w]["p50"] for w in WAITS),
        "waiting p99": max(wire[w]["p99"] for w in WAITS),
        "not waiting p50": max(wire[w]["p50"] for w in OTHERS),
        "not waiting p99": max(wire[w]["p99"] for w in OTHERS),
    }
    if out:
        row |= {
            "records": out["out"]["records"] / wire["connections"],
            "messages": out["out"]["messages"],
            "dropped": out["out"]["dropped"],
            "ack p99": out["acknowledged"]["p99_us"],
            "held p50": out["held"]["p50_us"],
            "held p99": out["held"]["p99_us"],
            "late": out["held"]["late"],
            "lag p50": into["lag"]["p50_us"],
            "lag p99": into["lag"]["p99_us"],
        }
    print(json.dumps(row))


def text(row):
    return (f"{row['kind']:14} gw1 worker {row['worker']:5.1f} % main {row['main']:5.1f} %, "
            f"gw2 {row['other']:5.1f} %, engine {row['engine']:5.1f} %, load {row['load']:5.1f} %, "
            f"waiting p99 {row['waiting p99']:.0f} us, not waiting p99 "
            f"{row['not waiting p99']:.0f} us, lost {row['lost']} of {row['connections']}")


def table(path):
    with open(path, encoding="ascii") as file:
        rows = [json.loads(line) for line in file]
    kinds = list(dict.fromkeys(r["kind"] for r in rows))
    median = {k: {n: statistics.median(r[n] for r in rows if r["kind"] == k)
                  for n in next(r for r in rows if r["kind"] == k) if n != "kind"} for k in kinds}
    print(f"\nmedians of {len(rows) // len(kinds)} rounds")
    names = list(dict.fromkeys(n for m in median.values() for n in m))
    print(f"{'':18}" + "".join(f"{k:>15}" for k in kinds))
    for name in names:
        print(f"{name:18}" + "".join(f"{median[k].get(name, float('nan')):15.1f}" for k in kinds))
    base = median.get("none")
    for kind in kinds:
        m = median[kind]
        if base is not None and kind != "none":
            added = m["worker"] + m["main"] - base["worker"] - base["main"]
            print(f"{kind}: the replication adds {added:.1f} % of a core to finwalld of the gateway "
                  f"with the packets ({base['worker'] + base['main']:.1f} % without), and the other "
                  f"one's takes {m['other']:.1f} %")


def main():
    if sys.argv[1] == "measure":
        measure(float(sys.argv[2]), sys.argv[3:])
    elif sys.argv[1] == "join":
        join(sys.argv[2], sys.argv[3])
    elif sys.argv[1] == "line":
        print(f"{sys.argv[2]}: {text(json.load(sys.stdin))}", flush=True)
    else:
        table(sys.argv[2])


main()
