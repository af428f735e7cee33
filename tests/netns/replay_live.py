# SPDX-License-Identifier: GPL-2.0-or-later
"""The traffic of replay_live.sh, and the comparison."""
import json
import os
import re
import socket
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))
import late_matrix  # noqa: E402
from ends import GATEWAY, poll  # noqa: E402

# Nobody answers the probes of `verify` in a replay.
late_matrix.POLICIES.remove("verify")
del late_matrix.PORT["verify"]

BULK_PORT = 7009


def config():
    """The configuration of the matrix, with rules for other traffic.

    Every rule logs its verdict, so that there is an event for each packet, except those of the bulk
    transfer, which would be too many.
    """
    text = late_matrix.config(hooks=("forward",))
    text = text.replace("meta l4proto { icmp, ipv6-icmp } accept",
                        "meta l4proto { icmp, ipv6-icmp } accept\n"
                        f"\t\tct state new tcp dport {BULK_PORT} accept\n"
                        "\t\tudp dport 9 accept\n\t\tudp dport 10 reject\n\t\tdrop")
    before, rules, after = re.match(r"(.*chain forward {\n[^\n]*\n)(.*?)(\t}.*)", text,
                                    re.DOTALL).groups()
    rules = re.sub(r"\b(accept|drop|reject)$", r'log prefix "\1" \1', rules, flags=re.M)
    unlogged = "".join(f"\t\tct state established tcp {side} {BULK_PORT} accept\n"
                       for side in ("dport", "sport"))
    return before + unlogged + rules + after


def traffic(bed, binaries):
    peer = os.path.join(binaries, "../tests/peer")
    bed.open(known=True)
    server = subprocess.Popen(["ip", "netns", "exec", bed.server.name, peer, "serve", "10.3.0.2",
                               str(BULK_PORT)], stdout=subprocess.PIPE, text=True)
    server.stdout.readline()
    bed.client.run(peer, "bulk", "10.3.0.2", str(BULK_PORT), "2")
    bed.client.run(peer, "short", "10.3.0.2", str(BULK_PORT), "20")
    for family, to in (socket.AF_INET, "10.3.0.2"), (socket.AF_INET6, "fd03::2"):
        for port in 9, 10, 11:
            s = bed.client.socket(family, socket.SOCK_DGRAM)
            s.sendto(b"x", (to, port))
            s.close()
    server.kill()
    server.wait()
    poll(lambda: not bed.finwall.json("list", "--proto", "tcp", "--state", "ESTABLISHED") and
         not bed.finwall.json("list", "--proto", "tcp", "--state", "CLOSE_WAIT"),
         "the idle timeout")
    bed.close_both()
    bed.close_first()
    late_matrix.wait_settled([bed])
    for family in 4, 6:
        bed.client.run(peer, "scan", "fin,rst", "200", bed.address["client"][family],
                       bed.address["server"][family])


def replayed(binaries, work):
    out = subprocess.run([os.path.join(binaries, "finwall"), "replay", "-c",
                          os.path.join(work, "finwall.conf"), "--hook", "forward", "-v", "-o",
                          "json", os.path.join(work, "live.pcap")],
                         check=True, stdout=subprocess.PIPE, text=True).stdout
    lines = [json.loads(line) for line in out.splitlines()]
    return lines[:-1], lines[-1]


def live_counts(stats):
    states, verdicts = {}, {}
    for row in stats["verdicts"]:
        for verdict in "accept", "drop", "reject":
            n = row[verdict]["packets"]
            states[row["state"]] = states.get(row["state"], 0) + n
            verdicts[verdict] = verdicts.get(verdict, 0) + n
    reasons = {r["name"]: r["packets"] for r in stats["reasons"]}
    return {"reasons": {k: n for k, n in reasons.items() if n},
            "states": {k: n for k, n in states.items() if n},
            "verdicts": {k: n for k, n in verdicts.items() if n}}


FLAGS = {"F": 1, "S": 2, "R": 4, "P": 8, "A": 16, "U": 32, "E": 64, "W": 128}


def packets_of_events(path):
    with open(path) as f:
        for line in f:
            ev = json.loads(line)["event"]
            if ev["type"] == "log":
                yield (ev["source"], ev.get("source_port"), ev["destination"],
                       ev.get("destination_port"), ev["protocol_number"], ev.get("flags"),
                       ev["state"], ev["prefix"])


def packets_of_replay(packets):
    for p in packets:
        lane = p["lanes"][0]
        ports = p.get("source_port"), p.get("destination_port")
        flags = p.get("flags")
        if BULK_PORT in ports and lane["state"] == "established":
            continue
        yield (p["source"], ports[0], p["destination"], ports[1], p["protocol"],
               flags if flags is None else sum(FLAGS[letter] for letter in flags),
               lane["state"], lane["verdict"])


def by_connection(packets):
    """Sorted by connection: the order between connections may differ in capture and queue."""
    return sorted(packets, key=lambda p: (sorted([str(p[0:2]), str(p[2:4])]), p[4]))


def compare(what, live, judged):
    """Returns how many elements of the two lists differ; prints the first one."""
    same = sum(a == b for a, b in zip(live, judged))
    print(f"{what}: {len(live)} live, {len(judged)} in replay, {same} the same one by one")
    for a, b in zip(live, judged):
        if a != b:
            print("first difference: live", a, "replay", b)
            break
    return max(len(live), len(judged)) - same


def late_of_events(path):
    with open(path) as f:
        for line in f:
            ev = json.loads(line)["event"]
            if ev["type"] != "late":
                continue
            known = ev.get("remembered")
            yield (ev["source"], ev["source_port"], ev["destination"], ev["destination_port"],
                   ev["class"], ev["outcome"], ev["verdict"],
                   known and (known["cause"], known["seq_distance"]))


def late_of_replay(packets):
    for p in packets:
        lane = p["lanes"][0]
        if not lane["reason"].startswith("late-") or lane["reason"] == "late-resurrected":
            continue
        known = lane.get("remembered")
        yield (p["source"], p["source_port"], p["destination"], p["destination_port"],
               "RST" if "R" in p["flags"] else "FIN", lane["reason"], lane["verdict"],
               known and (known["cause"], known["seq_distance"]))


def main():
    if sys.argv[1] == "config":
        print(config())
        return 0
    tag, work, binaries, daemon, capture = sys.argv[2:7]
    bed = late_matrix.Bed("gateway", tag, "gclient", "gserver", "router", work, binaries,
                          int(daemon), GATEWAY)
    events = os.path.join(work, "router", "events")
    reader = bed.finwall.events(events, "late", "log")
    traffic(bed, binaries)
    # Stuck sockets retransmit: take the links down to end that.
    for link in "west", "east":
        bed.firewall.run("ip", "link", "set", link, "down")

    def all_captured():
        stats = bed.finwall.json("stats")
        return sum(r["packets"] for r in stats["reasons"]) == replayed(binaries, work)[1]["packets"]
    try:
        poll(all_captured, "the same number of packets", 15)
    except SystemExit as e:
        print(e)  # the comparison below shows more
    packets, summary = replayed(binaries, work)
    stats = bed.finwall.json("stats")
    live, lane = live_counts(stats), summary["lanes"][0]
    lane["verdicts"] = {k: v["packets"] for k, v in lane["verdicts"].items() if v["packets"]}
    wrong = 0
    print("what      which               live  replay")
    for kind in "reasons", "states", "verdicts":
        for name in sorted(set(live[kind]) | set(lane[kind])):
            a, b = live[kind].get(name, 0), lane[kind].get(name, 0)
            wrong += a != b
            print(f"{kind:9} {name:17} {a:6} {b:7}", "" if a == b else "-- WRONG")
    poll(lambda: sum(1 for _ in late_of_events(events)) == sum(
        n for k, n in live["reasons"].items()
        if k.startswith("late-") and k != "late-resurrected"), "the last events")
    events_late, judged = list(late_of_events(events)), list(late_of_replay(packets))
    wrong += compare("late closes", events_late, judged)
    logged = by_connection(packets_of_events(events))
    wrong += compare("packets", logged, by_connection(packets_of_replay(packets)))
    reader.terminate()
    reader.wait()
    os.kill(int(capture), 15)
    return 1 if wrong or len(events_late) < 400 or len(logged) < 1000 else 0


sys.exit(main())
