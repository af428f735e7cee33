# SPDX-License-Identifier: GPL-2.0-or-later
"""A mixed load for a given time: a transfer, short connections, UDP, pings, idle connections, scans,
floods, reloads and restarts. From time to time the load pauses, and the counts must agree: each
packet that a hook rule queued has had its verdict, to the packet. Memory and descriptors stay, and
nothing of the good traffic is INVALID.

	soak.py TAG WORK BIN SECONDS
"""
import json
import os
import random
import re
import signal
import socket
import struct
import subprocess
import sys
import threading
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))
from ends import PAIR, Connection, Finwall, Ns, listener, poll, still_work  # noqa: E402

TAG, WORK, BIN = sys.argv[1:4]
SECONDS = float(sys.argv[4])
# Of new connections and of a flood's packets, per second; how long a flood lasts.
STORM = os.environ.get("FINWALL_SOAK_STORM", "50")
FLOOD = os.environ.get("FINWALL_SOAK_FLOOD", "5000")
GROWTH_KIB = int(os.environ.get("FINWALL_RSS_GROWTH", "4096"))
RESTART_S = float(os.environ.get("FINWALL_SOAK_RESTART", "10"))
PEER, KEEPER = (os.path.join(BIN, "../tests", n) for n in ("peer", "keeper"))
CLIENT, SERVER = PAIR["client"], PAIR["server"]
SCANNER = "10.1.0.3"
BULK, STORM_PORTS, IDLE, ECHO = 7000, "7100-7115", 7001, 7009
# What the rules set on INVALID packets of the good traffic, and hook rules behind finwall count.
WRONG = "0x00000040"

client, server = (Ns(f"{TAG}-{n}") for n in ("client", "server"))
finwall = Finwall(os.path.join(BIN, "finwall"), os.path.join(WORK, "finwall.sock"))


def fail(text):
    sys.exit("FAIL: " + text)


def say(text):
    print(f"{time.monotonic() - BEGUN:7.1f} s  {text}", flush=True)


def config(generation, broken=False):
    text = f"""# generation {generation}
settings {{
	queue {{ num 0; count 2; length 65536 }}
	connections {{ max 16384; remember-max 4096 }}
	state {{ interval 2s }}
}}
table inet finwall {{
	chain input {{
		type filter hook input priority filter; policy drop;
		ip saddr {CLIENT[4]} ct state invalid meta mark set {WRONG} log prefix "WRONG: " accept
		ip6 saddr {CLIENT[6]} ct state invalid meta mark set {WRONG} log prefix "WRONG: " accept
		ct state established,related accept
		tcp dport {{ {BULK}, {IDLE}, {STORM_PORTS} }} tcp flags & (fin|syn|rst|ack) == syn accept
		udp dport {ECHO} accept
		meta l4proto {{ icmp, ipv6-icmp }} accept
	}}
	chain output {{
		type filter hook output priority filter; policy accept;
		# A flood has evicted the entry of an opening, or of a ping or datagram before its answer.
		tcp flags & (fin|syn|rst|ack) == (syn|ack) ct state invalid drop
		meta l4proto {{ icmp, ipv6-icmp, udp }} ct state invalid accept
		ip daddr {CLIENT[4]} ct state invalid meta mark set {WRONG} log prefix "WRONG: " accept
		ip6 daddr {CLIENT[6]} ct state invalid meta mark set {WRONG} log prefix "WRONG: " accept
		ct state invalid drop
	}}
}}
"""
    with open(os.path.join(WORK, "soak.new"), "w") as out:
        out.write("nonsense\n" if broken else text)
    os.rename(os.path.join(WORK, "soak.new"), os.path.join(WORK, "soak.conf"))


def hook():
    for tables in "iptables", "ip6tables":
        rules = "*filter\n" + "".join(
            f"-A {c} -m mark ! --mark 0xa0000000/0xf0000000 -j NFQUEUE --queue-balance 0:1\n"
            for c in ("INPUT", "OUTPUT")) + "COMMIT\n*security\n" + "".join(
            f"-A {c} -m mark --mark {WRONG}\n" for c in ("INPUT", "OUTPUT")) + "COMMIT\n"
        subprocess.run(["ip", "netns", "exec", server.name, tables + "-restore"], input=rules,
                       text=True, check=True)


def counted(table, what):
    """Packets that rules with this text have matched."""
    return sum(int(found) for tables in ("iptables", "ip6tables") for found in re.findall(
        r"^\[(\d+):.*" + what, server.run(tables + "-save", "-c", "-t", table), re.M))


class Keeper:
    """finwalld, started and restarted as a service manager does it: the queues' sockets stay."""

    def __init__(self):
        self.out = os.path.join(WORK, "keeper.out")
        self.run = 1
        with open(self.out, "w") as out, open(os.path.join(WORK, "daemon.log"), "a") as err:
            self.process = subprocess.Popen(
                ["ip", "netns", "exec", server.name, KEEPER, os.path.join(WORK, "notify"),
                 os.path.join(BIN, "finwalld"), "-c", os.path.join(WORK, "soak.conf"), "-s",
                 os.path.join(WORK, "finwall.sock"), "-S", os.path.join(WORK, "state")],
                stdout=out, stderr=err)
        self.ready()

    def text(self):
        with open(self.out) as at:
            return at.read()

    def ready(self):
        poll(lambda: f"ready {self.run}\n" in self.text() or self.process.poll() is not None,
             "the daemon", 60)
        if self.process.poll() is not None:
            fail("the daemon ended")
        self.pid = int(re.findall(r"^started \d+ (\d+)$", self.text(), re.M)[-1])

    def restart(self):
        self.process.send_signal(signal.SIGUSR1)
        self.run += 1
        self.ready()

    def end(self):
        self.process.terminate()
        if self.process.wait() != 0 or re.search(r"^exit \d+ [^0]", self.text(), re.M):
            fail("a daemon's exit status")

    def rss_kib(self):
        with open(f"/proc/{self.pid}/status") as status:
            return int(status.read().split("VmRSS:")[1].split()[0])

    def growth_kib(self):
        """What its memory may grow by; a sanitizer keeps freed memory."""
        with open(f"/proc/{self.pid}/maps") as maps:
            return GROWTH_KIB * (16 if "san.so" in maps.read() else 1)

    def fds(self):
        return len(os.listdir(f"/proc/{self.pid}/fd"))


class Counts:
    """What the kernel queued and dropped, and what the daemon judged, since the last time."""

    def __init__(self):
        self.kernel = self.read_kernel()

    @staticmethod
    def read_kernel():
        lines = server.run("cat", "/proc/net/netfilter/nfnetlink_queue").splitlines()
        fields = [[int(n) for n in line.split()] for line in lines]
        return {"matched": counted("filter", "NFQUEUE"), "waiting": sum(f[2] for f in fields),
                "full": sum(f[5] for f in fields), "lost": sum(f[6] for f in fields),
                "queued": sum(f[7] for f in fields)}

    @staticmethod
    def read_daemon():
        stats = finwall.json("stats")
        return {**{name: sum(c["count"] for q in stats["queues"] for c in q["counters"]
                             if c["name"] == name)
                   for name in ("packets", "verdicts", "verdicts-lost", "unusable", "malformed")},
                "judged": sum(r["packets"] for r in stats["reasons"]),
                "by_verdict": sum(cell["packets"] for row in stats["verdicts"]
                                  for cell in row.values() if isinstance(cell, dict))}

    def begin(self):
        """A daemon has started during a pause."""
        now, daemon = self.settled()
        new = {k: now[k] - self.kernel[k] for k in now}
        if new["matched"] != new["queued"] + new["full"]:
            fail(f"across a restart: {new}")
        if daemon["packets"] != daemon["verdicts"]:
            fail(f"after a restart: {daemon}")
        self.kernel, self.daemon = now, daemon

    def settled(self):
        """The counters of both when no packet waits, and none arrived between the two readings: the
        server repeats its SYN+ACKs to a flood for a while."""
        found = [None, None]

        def is_still():
            before = self.read_kernel()
            found[1] = self.read_daemon()
            found[0] = self.read_kernel()
            return before == found[0] and before["waiting"] == 0
        poll(is_still, "an end of the packets without a verdict", 60)
        return found

    def compare(self, is_first):
        """is_first: all of the daemon's counters are new."""
        now, daemon = self.settled()
        if not is_first:
            daemon_new = {k: v - self.daemon[k] for k, v in daemon.items()}
        else:
            daemon_new = daemon
        new = {k: now[k] - self.kernel[k] for k in now}
        self.kernel, self.daemon = now, daemon
        if new["matched"] != new["queued"] + new["full"]:
            fail(f"hook rules matched {new['matched']} packets: {new}")
        if new["queued"] != daemon_new["packets"] + new["lost"]:
            fail(f"the kernel queued {new['queued']} packets: {new}, {daemon_new}")
        if daemon_new["packets"] != daemon_new["verdicts"]:
            fail(f"packets and verdicts: {daemon_new}")
        if daemon_new["judged"] != daemon_new["packets"] or \
                daemon_new["by_verdict"] != daemon_new["packets"]:
            fail(f"packets and reasons: {daemon_new}")
        return new, daemon_new


class Echo:
    """UDP datagrams and pings, one at a time each. Pauses while runs is not set."""

    def __init__(self):
        self.runs, self.ends = threading.Event(), threading.Event()
        self.runs.set()
        self.sent, self.answered = {}, {}
        far = server.socket(socket.AF_INET, socket.SOCK_DGRAM)
        far.bind((SERVER[4], ECHO))
        threading.Thread(target=self.echo, args=(far,), daemon=True).start()
        udp = client.socket(socket.AF_INET, socket.SOCK_DGRAM)
        ping = client.socket(socket.AF_INET, socket.SOCK_DGRAM, socket.IPPROTO_ICMP)
        ping6 = client.socket(socket.AF_INET6, socket.SOCK_DGRAM, socket.IPPROTO_ICMPV6)
        self.threads = [threading.Thread(target=self.send, args=a, daemon=True) for a in (
            ("UDP", udp, (SERVER[4], ECHO), b"x" * 100),
            ("ping", ping, (SERVER[4], 0), struct.pack("!BBHHH", 8, 0, 0, 0, 1)),
            ("ping6", ping6, (SERVER[6], 0), struct.pack("!BBHHH", 128, 0, 0, 0, 1)))]
        for t in self.threads:
            t.start()

    @staticmethod
    def echo(far):
        while True:
            data, to = far.recvfrom(2048)
            far.sendto(data, to)

    def send(self, name, s, to, data):
        s.settimeout(2)
        self.sent[name] = self.answered[name] = 0
        while not self.ends.is_set():
            if not self.runs.wait(0.1):
                continue
            self.sent[name] += 1
            s.sendto(data, to)
            try:
                s.recv(2048)
                self.answered[name] += 1
            except OSError:
                pass
            time.sleep(0.005)

    def end(self):
        self.runs.set()
        self.ends.set()
        for t in self.threads:
            t.join()


def run(ns, *args):
    return subprocess.Popen(["ip", "netns", "exec", ns.name, *args], stdout=subprocess.PIPE,
                            stderr=subprocess.DEVNULL, text=True)


def main():
    rnd = random.Random(int(os.environ.get("FINWALL_SEED", "1")))
    config(0)
    keeper = Keeper()
    hook()
    for args, port in ((("serve", SERVER[4], str(BULK)), BULK),
                       (("answer", STORM_PORTS, SERVER[4], SERVER[6]), 7115)):
        run(server, PEER, *args)
        poll(lambda p=port: "LISTEN" in server.run("ss", "-Htln", f"sport = :{p}"), "a server")
    s = listener(server, SERVER[4], IDLE)
    idle = [Connection(client, s, SERVER[4]) for _ in range(100)]
    s.close()
    steady = run(client, PEER, "steady", SERVER[4], str(BULK), "5")
    storm = run(client, PEER, "storm", STORM, "100000", STORM_PORTS, SERVER[4], SERVER[6])
    echo = Echo()
    loads = steady.pid, storm.pid
    sums = Counts()
    sums.kernel = {k: 0 for k in sums.kernel}
    total = {"packets": 0, "full": 0, "lost": 0}
    memory, descriptors = [], []
    counts = {"reloads": 0, "refused": 0, "restarts": 0, "floods": 0, "scans": 0, "accounts": 0}
    fresh = True

    def pause():
        echo.runs.clear()
        for pid in loads:
            os.kill(pid, signal.SIGSTOP)

    def account():
        nonlocal fresh
        pause()
        new, daemon = sums.compare(fresh)
        fresh = False
        total["packets"] += daemon["packets"]
        total["full"] += new["full"]
        total["lost"] += new["lost"]
        counts["accounts"] += 1
        memory.append(keeper.rss_kib())
        descriptors.append(keeper.fds())
        say(f"{daemon['packets']} packets = verdicts, {new['full'] + new['lost']} dropped at full "
            f"queues, RSS {memory[-1]} KiB, {descriptors[-1]} descriptors")

    def resume():
        for pid in loads:
            os.kill(pid, signal.SIGCONT)
        echo.runs.set()

    until = BEGUN + SECONDS
    next_restart = time.monotonic() + RESTART_S
    while time.monotonic() < until:
        what = rnd.random()
        if what < 0.3:
            counts["scans"] += 1
            client.run(PEER, "scan", rnd.choice(("fin", "rst", "fin,rst")), "2000", SCANNER,
                       SERVER[4], str(rnd.randrange(1, 1 << 30)), FLOOD)
        elif what < 0.6:
            counts["floods"] += 1
            client.run(PEER, "flood", rnd.choice(("syn", "random")), "1", SERVER[4], "7100", FLOOD)
        elif what < 0.8:
            counts["reloads"] += 1
            config(counts["reloads"])
            finwall("reload")
        elif what < 0.9:
            counts["refused"] += 1
            config(0, broken=True)
            if subprocess.run(finwall.start + ["reload"], stderr=subprocess.DEVNULL).returncode == 0:
                fail("an invalid configuration was loaded")
            config(counts["reloads"])
        else:
            time.sleep(0.5)
        if time.monotonic() > next_restart:
            account()
            resume()
            # Every second time another restart under load, of whose packets the kernel's counts
            # must agree.
            if counts["restarts"] % 2 == 1:
                keeper.restart()
                counts["restarts"] += 1
                time.sleep(0.5)
                pause()
            else:
                pause()
                sums.compare(False)
            keeper.restart()
            counts["restarts"] += 1
            sums.begin()
            resume()
            next_restart = time.monotonic() + RESTART_S
    account()
    resume()
    still_work(idle)
    echo.end()
    result = {}
    for name, p in (("steady", steady), ("storm", storm)):
        p.terminate()
        out, _ = p.communicate()
        result[name] = json.loads(out)
        say(out.strip())
        if name == "steady" and p.returncode != 0:
            fail("the transfer")
    wrong = counted("security", f"mark 0x{int(WRONG, 16):x}")
    say(f"{total['packets']} packets accounted for in {counts['accounts']} accounts; {counts}; "
        f"echo: {[(n, echo.sent[n], echo.answered[n]) for n in sorted(echo.sent)]}; "
        f"INVALID of the good traffic: {wrong}; dropped at full queues: {total['full']}, "
        f"{total['lost']}")
    say(f"memory {memory[0]} to {memory[-1]} KiB, at most {max(memory)}; descriptors "
        f"{sorted(set(descriptors))}")
    if wrong != 0:
        with open(os.path.join(WORK, "daemon.log")) as log:
            print("".join(line for line in log
                          if "WRONG: " in line or "connections" in line), flush=True)
        fail("INVALID packets of the good traffic")
    if total["full"] + total["lost"] == 0:
        # The table is full, so that the entry of an opening may be evicted before its answer.
        if result["storm"]["failed"] > 1 + result["storm"]["connections"] / 1000:
            fail("short connections have failed")
        if any(echo.sent[n] - echo.answered[n] > counts["restarts"] for n in echo.sent):
            fail("datagrams were lost")
    # Half of the accounts are warm-up.
    warm = memory[len(memory) // 2:]
    if max(warm) - warm[0] > keeper.growth_kib():
        fail("memory grows")
    # One more while a save is open.
    if max(descriptors) - min(descriptors) > 1:
        fail("descriptors grow")
    keeper.end()


BEGUN = time.monotonic()
main()
