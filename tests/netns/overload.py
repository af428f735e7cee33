# SPDX-License-Identifier: GPL-2.0-or-later
"""Floods on a gateway whose table is full: the rate of a transfer beside them, and what becomes of a
thousand idle connections, with finwall and with the kernel's tracker.

	overload.py TAG WORK BIN ROUNDS SECONDS RATE

The firewalls take turns in each round. Printed: the transfer's rate in each, and their ratio. No
idle connection of finwall's may be lost.
"""
import os
import resource
import socket
import subprocess
import sys
import threading
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))
from ends import GATEWAY, Connection, Finwall, Ns, listener, poll  # noqa: E402

TAG, WORK, BIN = sys.argv[1:4]
ROUNDS, SECONDS, RATE = int(sys.argv[4]), float(sys.argv[5]), int(sys.argv[6])
PEER = os.path.join(BIN, "../tests/peer")
LOG = os.path.join(WORK, "daemon.log")
CLIENT, SERVER = GATEWAY["client"][4], GATEWAY["server"][4]
IDLE, BULK, OPEN = 7001, 7000, 7100
IDLE_LEN = 1000
TABLE = 8192 if RATE else 65536
FLOODS = "syn", "random"
ONLY = os.environ.get("FINWALL_ONLY", "").split(",")  # of the firewalls

client, router, server, attacker = (Ns(f"{TAG}-{n}")
                                    for n in ("client", "router", "server", "attacker"))
finwall = Finwall(os.path.join(BIN, "finwall"), os.path.join(WORK, "finwall.sock"))


def fail(text):
    sys.exit("FAIL: " + text)


class Kernel:
    """The kernel's tracker, with the same rules. The size of its table is the machine's."""

    table = int(router.run("sysctl", "-n", "net.netfilter.nf_conntrack_max"))

    RULES = (("-m", "conntrack", "--ctstate", "ESTABLISHED,RELATED", "-j", "ACCEPT"),
             ("-m", "conntrack", "--ctstate", "INVALID", "-j", "DROP"),
             ("-p", "tcp", "-m", "multiport", "--dports", f"{IDLE},{BULK},{OPEN}", "--syn", "-m",
              "conntrack", "--ctstate", "NEW", "-j", "ACCEPT"))

    def up(self):
        for rule in self.RULES:
            router.run("iptables", "-w", "-A", "FORWARD", *rule)
        router.run("iptables", "-w", "-P", "FORWARD", "DROP")

    def down(self):
        router.run("iptables", "-w", "-P", "FORWARD", "ACCEPT")
        router.run("iptables", "-w", "-F", "FORWARD")
        # The next round begins with an empty table.
        subprocess.run(["ip", "netns", "exec", router.name, "conntrack", "-F"], check=True,
                       stderr=subprocess.DEVNULL)

    @staticmethod
    def seen():
        return {}

    @staticmethod
    def entries():
        return int(router.run("sysctl", "-n", "net.netfilter.nf_conntrack_count"))


class Daemon:
    """finwall, with hook rules of iptables."""

    table = TABLE

    def __init__(self, fast_path):
        self.conf = os.path.join(WORK, "overload.conf")
        self.fast_path = fast_path

    def up(self):
        if self.fast_path:
            # Before the daemon's mount namespace; finwall hook down has removed the one before.
            folder = os.path.join(WORK, "fast-path")
            os.makedirs(folder, exist_ok=True)
            if not os.path.ismount(folder):
                subprocess.run(["mount", "-t", "bpf", "-o", "mode=0755", "bpf", folder], check=True)
        with open(self.conf, "w") as out:
            out.write(f"""
settings {{
	queue {{ num 0; count 2; length 4096 }}
	hook {{ watch off; {"fast-path auto" if self.fast_path else "backend iptables; fast-path off"} }}
	connections {{ max {TABLE}; remember-max 4096 }}
	state {{ import-kernel off }}
}}
table inet finwall {{
	chain forward {{
		type filter hook forward priority filter; policy drop;
		ct state established,related accept
		ct state invalid drop
		tcp dport {{ {IDLE}, {BULK}, {OPEN} }} tcp flags & (fin|syn|rst|ack) == syn accept
	}}
}}
""")
        before = os.path.getsize(LOG) if os.path.exists(LOG) else 0
        with open(LOG, "a") as err:
            self.process = subprocess.Popen(
                ["ip", "netns", "exec", router.name, os.path.join(BIN, "finwalld"), "-c",
                 self.conf, "-s", os.path.join(WORK, "finwall.sock"), "-S", "none"], stderr=err)
        poll(lambda: b"finwalld: ready" in open(LOG, "rb").read()[before:], "the daemon", 60)
        self.hook("up")
        if self.fast_path:
            poll(lambda: finwall.json("stats")["fast_path"]["on"], "the kernel fast path", 60)

    @staticmethod
    def hook(*args):
        subprocess.run(["ip", "netns", "exec", router.name, *finwall.start, "hook", *args],
                       check=True, stdout=subprocess.DEVNULL)

    def down(self):
        self.hook("down")
        self.process.terminate()
        if self.process.wait() != 0:
            fail("the daemon's exit status")

    @staticmethod
    def seen():
        """What the daemon and the fast path have counted."""
        stats = finwall.json("stats")
        return {"queued": sum(c["count"] for q in stats["queues"] for c in q["counters"]
                              if c["name"] == "packets"),
                "dropped at the queues": sum(q["dropped"] + q["user_dropped"]
                                             for q in stats["queues"]),
                "by the fast path": stats["fast_path"].get("packets", 0),
                "leases granted": stats["fast_path"].get("granted", 0),
                "taken back": stats["fast_path"].get("taken_back", 0)}

    @staticmethod
    def entries():
        return finwall.json("stats")["table"]["connections"]


class Transfer:
    """As fast as it goes from the client to the server."""

    def __init__(self):
        s = listener(server, SERVER, BULK)
        self.near = client.socket(socket.AF_INET)
        self.near.connect((SERVER, BULK))
        self.far, _ = s.accept()
        s.close()
        self.got = 0
        self.ends = False
        self.threads = [threading.Thread(target=t, daemon=True) for t in (self.read, self.write)]
        for t in self.threads:
            t.start()

    def read(self):
        while True:
            data = self.far.recv(1 << 18)
            if not data:
                return
            self.got += len(data)

    def write(self):
        block = bytes(1 << 18)
        while not self.ends:
            self.near.send(block)
        self.near.close()

    def rate(self, seconds):
        """MB per second."""
        before, begun = self.got, time.monotonic()
        time.sleep(seconds)
        return (self.got - before) / (time.monotonic() - begun) / 1e6

    def end(self):
        self.ends = True
        for t in self.threads:
            t.join(30)
        self.far.close()


def flood(kind, seconds):
    return subprocess.Popen(
        ["ip", "netns", "exec", attacker.name, PEER, "flood", kind, str(int(seconds) + 1), SERVER,
         str(OPEN), *([str(RATE)] if RATE else [])], stdout=subprocess.PIPE, text=True)


def lost(conns):
    """How many of the connections do not carry a byte each way any more."""
    for c in conns:
        c.client.send(b"x")
        c.server.send(b"x")
    begun = time.monotonic()

    def missing():
        for c in conns:
            c.step("client")
            c.step("server")
        return sum(len(c.got[w]) == 0 for c in conns for w in ("client", "server"))
    while missing() > 0 and time.monotonic() - begun < 15:
        time.sleep(0.1)
    return sum(not c.got["client"] or not c.got["server"] for c in conns)


def measure(firewall):
    """{flood: MB per second}, packets of the floods a second, idle connections lost."""
    firewall.up()
    s = listener(server, SERVER, IDLE)
    conns = [Connection(client, s, SERVER) for _ in range(IDLE_LEN)]
    s.close()
    transfer = Transfer()
    rates = {"none": transfer.rate(SECONDS)}
    sent = {}
    for _ in range(10):
        fill = flood("syn", 1)
        fill.wait()
        if firewall.entries() > firewall.table * 9 / 10:
            break
    for kind in FLOODS:
        p = flood(kind, SECONDS + 1)
        time.sleep(0.5)
        before = firewall.seen()
        rates[kind] = transfer.rate(SECONDS)
        after = firewall.seen()
        if after:
            print(f"  {kind}: " + ", ".join(f"{name} {after[name] - before[name]}"
                                            for name in after), flush=True)
        p.terminate()
        sent[kind] = p.communicate()[0].split('"per_second":')[1].split("}")[0]
    entries = firewall.entries()
    gone = lost(conns)
    transfer.end()
    for c in conns:
        c.client.close()
        c.server.close()
    firewall.down()
    return rates, sent, entries, gone


def main():
    resource.setrlimit(resource.RLIMIT_NOFILE, (8192, 8192))
    firewalls = {"kernel": Kernel(), "finwall": Daemon(False), "fast path": Daemon(True)}
    table = {(name, kind): [] for name in firewalls for kind in ("none", *FLOODS)}
    for n in range(ROUNDS):
        for name, firewall in firewalls.items():
            if ONLY[0] and name not in ONLY:
                continue
            rates, sent, entries, gone = measure(firewall)
            for kind, rate in rates.items():
                table[name, kind].append(rate)
            print(f"round {n + 1}, {name:9}: " + ", ".join(
                f"{kind} {rate:.0f} MB/s" for kind, rate in rates.items()) +
                f"; floods of {sent} packets a second; {entries} entries; idle connections lost: "
                f"{gone} of {IDLE_LEN}", flush=True)
            if name != "kernel" and gone > 0:
                fail("idle connections are lost")
    for kind in FLOODS:
        for name in firewalls:
            if name == "kernel" or not table[name, kind] or not table["kernel", kind]:
                continue
            share = sorted(a / b for a, b in zip(table[name, kind], table["kernel", kind]))
            print(f"{kind} flood: {name} / kernel: median {share[len(share) // 2]:.2f}, "
                  f"{share[0]:.2f} to {share[-1]:.2f}")


main()
