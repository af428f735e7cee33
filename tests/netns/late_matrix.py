# SPDX-License-Identifier: GPL-2.0-or-later
"""The cases of late_matrix.sh and their expected results, as doc/late-close.md defines them.

Every policy has a server port of its own, so all cases share one configuration and one idle wait.
The entry of a connection has expired and is remembered, or it was flushed with --forget and is
unknown; the connection may be half-closed. It is closed by FIN or RST, by the client, by the
server, or by both at once: the daemon is stopped until the closing segments of both ends are queued. Each
case must leave both sockets in the expected states, and its first late segment must have the
expected reason. Then scans of connections that never existed, through each policy.
"""
import json
import os
import signal
import subprocess
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))
from ends import GATEWAY, PAIR, Connection, Finwall, Ns, listener, poll  # noqa: E402

POLICIES = ["strict", "remembered", "pickup", "lenient", "reject", "verify"]
PORT = {p: 7001 + i for i, p in enumerate(POLICIES)}
SCAN_LEN = 400
SCAN_RATE = 50

# What happens to the closing segments: dropped; passed, with or without the replies to them;
# answered by a reset for the sender, or for both ends.
PASS, HELD, NO_ANSWERS, RESET_ONE, RESET_BOTH = "pass", "held", "no answers", "reset", "reset both"


def fate(policy, how, known):
    """What happens to a late FIN or RST, and the reason."""
    if policy == "strict":
        return HELD, "late-strict"
    if policy == "remembered":
        return (PASS, "late-revived") if known else (HELD, "late-unknown")
    if policy == "pickup":
        return PASS, "late-pickup"
    if policy == "lenient":
        return NO_ANSWERS, "late-lenient"
    if policy == "verify":
        return PASS, "late-verified"
    if how == "RST":
        return HELD, "late-strict"  # a RST is never answered
    return (RESET_BOTH if known else RESET_ONE), "late-rejected"


# Two FINs cross and no lone ACK passes. Only a retransmitted FIN acknowledges the FIN of the other
# end. The end that gets the first one is in TIME-WAIT; its ACK is dropped, and it sends no more
# FINs.
ONE_IN_TIME_WAIT = "TIME-WAIT at one end at least, the other maybe CLOSING"


def fits(states, want):
    if want == ONE_IN_TIME_WAIT:
        return "TIME-WAIT" in states and set(states) <= {"TIME-WAIT", "CLOSING"}
    if set(want) <= {"TIME-WAIT", "closed"}:
        # On a busy machine a FIN is retransmitted, and meets a socket that has closed meanwhile: its
        # RST ends TIME-WAIT (RFC 1337).
        return all(s == w or (s, w) == ("closed", "TIME-WAIT") for s, w in zip(states, want))
    return states == want


def expected(case):
    """(state of the end that closes, state of the other one), then the reason."""
    policy, how, known, who, half = case
    what, why = fate(policy, how, known)
    if half:
        # The client sent its FIN long ago.
        if how == "FIN":  # of the server
            states = {PASS: ("closed", "TIME-WAIT"), HELD: ("LAST-ACK", "FIN-WAIT-2"),
                      NO_ANSWERS: ("LAST-ACK", "TIME-WAIT"), RESET_ONE: ("closed", "FIN-WAIT-2"),
                      RESET_BOTH: ("closed", "closed")}
        elif how == "RST":
            other = "CLOSE-WAIT" if who == "client" else "FIN-WAIT-2"
            states = {PASS: ("closed", "closed"), HELD: ("closed", other),
                      NO_ANSWERS: ("closed", "closed")}
        else:  # the server sends data, which these policies do not concern
            return ("CLOSE-WAIT", "FIN-WAIT-2"), None
        return states[what], why
    if who == "both":
        if how == "RST":
            # The probe finds no socket.
            return ("closed", "closed"), "late-refuted-rst" if policy == "verify" else why
        return {PASS: ("TIME-WAIT", "TIME-WAIT"), HELD: ("FIN-WAIT-1", "FIN-WAIT-1"),
                NO_ANSWERS: ONE_IN_TIME_WAIT, RESET_ONE: ("closed", "closed"),
                RESET_BOTH: ("closed", "closed")}[what], why
    if how == "RST":
        return {PASS: ("closed", "closed"), HELD: ("closed", "ESTAB"),
                NO_ANSWERS: ("closed", "closed")}[what], why
    return {PASS: ("TIME-WAIT", "closed"), HELD: ("FIN-WAIT-1", "ESTAB"),
            NO_ANSWERS: ("TIME-WAIT", "LAST-ACK"), RESET_ONE: ("closed", "ESTAB"),
            RESET_BOTH: ("closed", "closed")}[what], why


def all_cases():
    for policy in POLICIES:
        for known in True, False:
            for how in "FIN", "RST":
                for who in "client", "server", "both":
                    yield policy, how, known, who, False
            yield policy, "FIN", known, "server", True
            yield policy, "RST", known, "client", True
            yield policy, "RST", known, "server", True
            yield policy, "data", known, "server", True


def config(scan_policy=None, hooks=("input", "forward", "output")):
    late = "\n".join(f"\t\ttcp sport {port} {policy}\n\t\ttcp dport {port} {policy}"
                     for policy, port in PORT.items())
    if scan_policy:
        late = ""
    rate = SCAN_RATE if scan_policy else 10000
    chains = "\n".join(f"""
	chain {hook} {{
		type filter hook {hook} priority filter; policy drop;
		ct state established,related,late,untracked accept
		ct state new tcp dport 7001-{7000 + len(POLICIES)} tcp flags & (fin|syn|rst|ack) == syn accept
		meta l4proto {{ icmp, ipv6-icmp }} accept
	}}""" for hook in hooks)
    return f"""
settings {{
	queue {{ num 0; count 1 }}
	connections {{ max 4096; remember-max 4096; late-rate {rate}; late-rate-source {rate} }}
	tcp {{ timeout established 3s; timeout close-wait 3s; timeout fin-wait 3s }}
}}
table inet finwall {{{chains}
	chain late {{
		type close hook late; policy {scan_policy or "strict"};
{late}
	}}
}}
"""


class Bed:
    """One firewall and its connections."""

    def __init__(self, name, tag, client, server, firewall, work, binaries, pid, address):
        self.name, self.pid = name, pid
        self.client, self.server = Ns(f"{tag}-{client}"), Ns(f"{tag}-{server}")
        self.firewall = Ns(f"{tag}-{firewall}")
        self.work = os.path.join(work, firewall)
        self.finwall = Finwall(os.path.join(binaries, "finwall"),
                               os.path.join(self.work, "finwall.sock"))
        self.address = address
        self.connections = {}

    def open(self, known):
        for family, address in self.address["server"].items():
            for policy in POLICIES:
                s = listener(self.server, address, PORT[policy])
                for case in all_cases():
                    if case[0] == policy and case[2] == known:
                        c = Connection(self.client, s, address)
                        self.connections[family, case] = c
                        if case[4]:
                            c.half_close()
                if known:
                    self.mend_half_closed(family, policy, s, address)
                s.close()
                if not known:
                    self.finwall("flush", "--forget")
        if not known and self.finwall.json("list", "--expired"):
            sys.exit("FAIL: too slow: connections expired before the flush")

    def mend_half_closed(self, family, policy, listening, address):
        """On a busy machine a FIN may be retransmitted, which leads to LAST_ACK and TIME_WAIT, and
        that entry is not remembered: such a connection is opened again."""
        for _ in range(10):
            state = {f["original"]["source_port"]: f["state"] for f in self.finwall.json("list")
                     if f["original"]["destination_port"] == PORT[policy]}
            bad = [key for key, c in self.connections.items()
                   if key[0] == family and key[1][0] == policy and key[1][2] and key[1][4] and
                   state.get(c.client_port) != "CLOSE_WAIT"]
            if not bad:
                return
            for key in bad:
                for who in "client", "server":
                    self.connections[key].close(who, "RST")
                self.connections[key] = c = Connection(self.client, listening, address)
                c.half_close()
        sys.exit("FAIL: too slow: every FIN is retransmitted before its ACK")

    def waiting(self):
        for line in self.firewall.run("cat", "/proc/net/netfilter/nfnetlink_queue").splitlines():
            return int(line.split()[2])
        return 0

    def is_stopped(self):
        """kill() returns before the last thread has stopped."""
        tasks = f"/proc/{self.pid}/task"
        for task in os.listdir(tasks):
            with open(f"{tasks}/{task}/stat") as stat:
                if stat.read().rsplit(")", 1)[1].split()[0] != "T":
                    return False
        return True

    def close_both(self):
        """The daemon gets no segment before those of both ends are queued."""
        os.kill(self.pid, signal.SIGSTOP)
        poll(self.is_stopped, "a stopped daemon")
        chosen = [(c, case[1]) for (_, case), c in self.connections.items() if case[3] == "both"]
        for c, how in chosen:
            c.close("client", how)
            c.close("server", how)
        poll(lambda: self.waiting() >= 2 * len(chosen), "segments in the queue")
        os.kill(self.pid, signal.SIGCONT)

    def close_first(self):
        for (_, (_, how, _, who, _)), c in self.connections.items():
            if how == "data":
                c.end(who).send(b"late")
            elif who != "both":
                c.close(who, how)

    def step(self):
        for (_, case), c in self.connections.items():
            for who in "client", "server":
                if not (case[4] and who == "server"):
                    c.step(who)

    def look(self):
        """{(family, case): (states, retransmissions)}, the closing end first."""
        clients, servers = self.client.tcp_sockets(), self.server.tcp_sockets()
        seen = {}
        for key, c in self.connections.items():
            ends = c.states(clients, servers)
            if key[1][3] == "server":
                ends = ends[1], ends[0]
            seen[key] = tuple(e[0] for e in ends), [e[1] for e in ends]
        return seen

    def settled(self):
        """As expected, and every stuck end has retransmitted 3 times."""
        self.step()
        for (_, case), (states, times) in self.look().items():
            if not fits(states, expected(case)[0]):
                return False
            for state, n in zip(states, times):
                if state in ("FIN-WAIT-1", "LAST-ACK") and n < 3:
                    return False
        return True

    def first_events(self):
        """{(family, client port, server port): the first late close of the connection}"""
        first = {}
        with open(os.path.join(self.work, "events")) as lines:
            for line in lines:
                ev = json.loads(line)["event"]
                if ev["outcome"] == "late-copy":
                    continue  # of a segment that is still held
                ports = ev["source_port"], ev["destination_port"]
                if ports[0] in PORT.values():
                    ports = ports[1], ports[0]
                first.setdefault((int(ev["family"][-1]), *ports), ev)
        return first


def wait_settled(beds):
    end = time.monotonic() + 20
    while time.monotonic() < end and not all([bed.settled() for bed in beds]):
        time.sleep(0.05)


def judge(bed, family, case, seen, first):
    """The text of one cell of the table, and whether it is as expected."""
    states, why = expected(case)
    c = bed.connections[family, case]
    ev = first.get((family, c.client_port, c.port))
    got_states = seen[family, case][0]
    text = "/".join(got_states)
    if states == ONE_IN_TIME_WAIT and fits(got_states, states):
        text = "TIME-WAIT/(TIME-WAIT or CLOSING)"
    if case[1] == "data":
        arrived = c.got["client"] == b"late"
        text += " arrived" if arrived else " lost"
        return text, fits(got_states, states) and arrived == case[2] and ev is None
    reason = ev["outcome"] if ev else "no event"
    good = fits(got_states, states) and reason == why and ev["policy"] == case[0] and \
        ev["class"] == case[1] and ("remembered" in ev) == case[2] and \
        ev["verdict"] == ("drop" if why in ("late-strict", "late-unknown", "late-rejected",
                                             "late-refuted-rst")
                          else "accept")
    return f"{text} {reason}", good


def print_table(beds):
    seen = {bed: bed.look() for bed in beds}
    first = {bed: bed.first_events() for bed in beds}
    wrong = cells = 0
    print("policy     how  entry      closes      host and gateway, IPv4 and IPv6: "
          "closing end/other end, why")
    for case in all_cases():
        policy, how, known, who, half = case
        row = {}
        for bed in beds:
            for family in 4, 6:
                cells += 1
                row[bed.name, family] = judge(bed, family, case, seen[bed], first[bed])
        texts = {text for text, _ in row.values()}
        label = f"{policy:10} {how:4} {'remembered' if known else 'never seen':10} " \
                f"{who + (' (half)' if half else ''):13}"
        if len(texts) == 1 and all(good for _, good in row.values()):
            print(label, texts.pop())
            continue
        for (name, family), (text, good) in row.items():
            wrong += not good
            print(label, f"{name} IPv{family}: {text}",
                  "" if good else f"-- WRONG, expected {expected(case)}")
    print(f"{cells} cases, {wrong} wrong")
    return wrong


def late_since(bed, before):
    """The reasons of late closes since then, with their numbers."""
    after = bed.finwall.reasons()
    return {n: after[n] - before[n] for n in after
            if n.startswith("late-") and n not in ("late-resurrected", "late-answer") and
            after[n] > before[n]}


def check_counts(bed, before):
    """There are as many events as the counters of late reasons say."""
    counted = late_since(bed, before)
    reported = {}
    with open(os.path.join(bed.work, "events")) as lines:
        for line in lines:
            name = json.loads(line)["event"]["outcome"]
            reported[name] = reported.get(name, 0) + 1
    print(f"{bed.name}: counted {counted}")
    if reported != counted:
        print(f"{bed.name}: but events: {reported}")
        return 1
    return 0


def tcp_segments_in(ns):
    for line in ns.run("cat", "/proc/net/snmp").splitlines():
        if line.startswith("Tcp: ") and line.split()[1].isdigit():
            return int(line.split()[10])
    sys.exit("FAIL: no Tcp line in /proc/net/snmp")


def scan(bed, policy, family, peer):
    """Lone FIN and RST segments of connections that never existed."""
    before, passed = bed.finwall.reasons(), tcp_segments_in(bed.server)
    probes = bed.finwall.event("probes-sent")
    started = time.monotonic()
    result = json.loads(bed.client.run(peer, "scan", "fin,rst", str(SCAN_LEN),
                                     bed.address["client"][family],
                                     bed.address["server"][family]))

    def late():
        return late_since(bed, before)
    poll(lambda: sum(late().values()) + bed.finwall.reasons()["tcp-tracked"] -
         before["tcp-tracked"] >= SCAN_LEN, "the end of a scan")
    took = time.monotonic() - started
    passed = tcp_segments_in(bed.server) - passed
    probes = bed.finwall.event("probes-sent") - probes
    passed -= probes
    # A burst of one second is allowed. Replies of the scanned host are late closes too; they come
    # from another interface, which has a rate of its own.
    most = SCAN_RATE * (took + 1) + 1
    good = {"strict": passed == 0, "remembered": passed == 0, "pickup": passed == SCAN_LEN,
            "lenient": 0 < passed <= min(most, late().get("late-lenient", 0)) and
            late()["late-lenient"] <= 2 * most,
            "reject": passed == 0 and late().get("late-rejected", 0) <= most,
            # on a busy machine some answers are late
            "verify": passed == 0 and late().get("late-refuted-rst", 0) > 0 and SCAN_LEN ==
            late().get("late-refuted-rst", 0) + late().get("late-unanswered", 0)}[policy]
    good = good and probes == (SCAN_LEN if policy == "verify" else 0)
    print(f"scan {bed.name:8} IPv{family} {policy:10} {passed:4} of {SCAN_LEN} passed, seed "
          f"{result['seed']}, {late()}", "" if good else "-- WRONG")
    return not good


def wait_quiet(bed):
    """Waits until the counters stay the same for some ticks, so that all events are sent."""
    last = {"counted": None, "since": 0}

    def is_quiet():
        counted = bed.finwall.reasons()
        if counted != last["counted"]:
            last.update(counted=counted, since=time.monotonic())
        return time.monotonic() - last["since"] > 0.5
    poll(is_quiet, "quiet")


def use(beds, work, scan_policy):
    with open(os.path.join(work, "matrix.conf"), "w") as out:
        out.write(config(scan_policy))
    for bed in beds:
        bed.finwall("reload")


def scans(beds, work, binaries):
    wrong = 0
    for policy in POLICIES:
        use(beds, work, policy)
        for bed in beds:
            for family in 4, 6:
                wrong += scan(bed, policy, family, os.path.join(binaries, "../tests/peer"))
    use(beds, work, None)
    for bed in beds:
        bed.finwall("flush", "--forget")
    return wrong


def main():
    if sys.argv[1] == "config":
        print(config())
        return 0
    tag, work, binaries, host_pid, router_pid = sys.argv[2:7]
    beds = [
        Bed("host", tag, "hclient", "hserver", "hserver", work, binaries, int(host_pid),
            PAIR),
        Bed("gateway", tag, "gclient", "gserver", "router", work, binaries, int(router_pid),
            GATEWAY),
    ]
    wrong = scans(beds, work, binaries)
    for bed in beds:
        wait_quiet(bed)
    befores = [bed.finwall.reasons() for bed in beds]
    readers = [bed.finwall.events(os.path.join(bed.work, "events"), "late") for bed in beds]
    for bed in beds:
        bed.open(known=False)
    for bed in beds:
        bed.open(known=True)
    for bed in beds:
        poll(lambda bed=bed: not bed.finwall.json("list"), "the idle timeout", seconds=30)
    for bed in beds:
        bed.close_both()
        bed.close_first()
    wait_settled(beds)
    wrong += print_table(beds)
    for bed, reader, before in zip(beds, readers, befores):
        # an event is sent within a tick; the sockets retransmit rarely by now
        poll(lambda bed=bed, before=before: all_events_came(bed, before), "the last events")
        wrong += check_counts(bed, before)
        reader.terminate()
        reader.wait()
    return 1 if wrong else 0


def all_events_came(bed, before):
    with open(os.path.join(bed.work, "events")) as lines:
        reported = sum(1 for _ in lines)
    return reported == sum(late_since(bed, before).values())


if __name__ == "__main__":
    sys.exit(main())
