# SPDX-License-Identifier: GPL-2.0-or-later
"""Late closes between Linux and lwIP, with all state lost before: see verify_lwip.sh.

For each bed, family and policy, connections are opened, the firewall forgets them, and each is
closed in another way. With `verify` both ends must reach the expected states, and with `remembered`
no close may arrive.
"""
import os
import signal
import subprocess
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))
from ends import Finwall, Ns, family_of, poll  # noqa: E402
import socket  # noqa: E402
import struct  # noqa: E402

PORT = 7001

# (who closes, how, half-closed by lwIP before): states of Linux and lwIP, when the close arrives
# and when it does not.
CASES = {
    ("linux", "FIN", False): (("TIME-WAIT", "closed"), ("FIN-WAIT-1", "ESTAB")),
    ("linux", "RST", False): (("closed", "closed"), ("closed", "ESTAB")),
    ("lwip", "FIN", False): (("closed", "TIME-WAIT"), ("ESTAB", "FIN-WAIT-1")),
    ("lwip", "RST", False): (("closed", "closed"), ("ESTAB", "closed")),
    ("both", "FIN", False): (("TIME-WAIT", "TIME-WAIT"), ("FIN-WAIT-1", "FIN-WAIT-1")),
    ("linux", "FIN", True): (("closed", "TIME-WAIT"), ("LAST-ACK", "FIN-WAIT-2")),
    ("linux", "RST", True): (("closed", "closed"), ("closed", "FIN-WAIT-2")),
    ("lwip", "RST", True): (("closed", "closed"), ("CLOSE-WAIT", "closed")),
}


class Lwip:
    """The other end's host."""

    def __init__(self, process):
        self.process = process

    def __call__(self, command):
        self.process.stdin.write(command + "\n")
        self.process.stdin.flush()
        return self.process.stdout.readline().split()

    def states(self):
        return {int(s.split("=")[0]): s.split("=")[1] for s in self("states")[1:]}


class Bed:
    def __init__(self, name, tag, firewall, linux, work, binaries, pid, lwip, to, source):
        self.name, self.pid, self.lwip, self.to, self.source = name, pid, lwip, to, source
        self.linux, self.firewall = Ns(f"{tag}-{linux}"), Ns(f"{tag}-{firewall}")
        self.config = os.path.join(work, f"{name}.conf")
        self.finwall = Finwall(os.path.join(binaries, "finwall"),
                               os.path.join(work, name + ".sock"))

    def use(self, policy):
        with open(self.config, "w") as out:
            out.write(config(policy))
        self.finwall("reload")

    def open(self, family, half):
        s = self.linux.socket(family_of(self.to[family]))
        s.settimeout(10)
        if self.source[family]:
            s.bind((self.source[family], 0))
        s.connect((self.to[family], PORT))
        s.send(b"c")
        if s.recv(1) != b"c":
            sys.exit("FAIL: no echo")
        if half:
            self.lwip(f"close {s.getsockname()[1]} half")
            if s.recv(1) != b"":
                sys.exit("FAIL: no end-of-file")
            port = s.getsockname()[1]
            poll(lambda: self.lwip.states().get(port) == "FIN-WAIT-2", "FIN-WAIT-2")
        s.setblocking(False)
        return s

    def waiting(self):
        for line in self.firewall.run("cat", "/proc/net/netfilter/nfnetlink_queue").splitlines():
            return int(line.split()[2])
        return 0

    def close(self, s, who, how):
        port = s.getsockname()[1]
        if who != "linux":
            self.lwip(f"close {port} {how.lower()}")
        if who != "lwip":
            if how == "RST":
                s.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            s.close()

    def close_both(self, s):
        """Both FINs are queued before the daemon sees one."""
        os.kill(self.pid, signal.SIGSTOP)
        poll(lambda: all(open(f"/proc/{self.pid}/task/{t}/stat").read().rsplit(")", 1)[1].split()[0]
                         == "T" for t in os.listdir(f"/proc/{self.pid}/task")), "a stopped daemon")
        self.close(s, "both", "FIN")
        poll(lambda: self.waiting() >= 2, "both FINs in the queue")
        os.kill(self.pid, signal.SIGCONT)


def config(policy):
    chains = "\n".join(f"""
	chain {hook} {{
		type filter hook {hook} priority filter; policy drop;
		ct state established,related,untracked accept
		ct state new tcp dport {PORT} tcp flags & (fin|syn|rst|ack) == syn accept
		meta l4proto {{ icmp, ipv6-icmp }} accept
	}}""" for hook in ("input", "forward", "output"))
    return f"""
settings {{
	queue {{ num 0; count 1 }}
	connections {{ max 4096; remember-max 4096; late-close {policy} }}
}}
table inet finwall {{{chains}
}}
"""


def step(s):
    """An end that reads end-of-file or an error closes."""
    if s.fileno() < 0:
        return
    try:
        if s.recv(1) == b"":
            s.close()
    except BlockingIOError:
        pass
    except OSError:
        s.close()


def run(bed, family, policy):
    opened = {case: bed.open(family, case[2]) for case in CASES}
    ports = {case: s.getsockname()[1] for case, s in opened.items()}
    bed.finwall("flush", "--forget")
    reasons = bed.finwall.reasons()
    bed.close_both(opened["both", "FIN", False])
    for case, s in opened.items():
        if case[0] != "both":
            bed.close(s, case[0], case[1])
    want = {case: states[policy != "verify"] for case, states in CASES.items()}
    got = {}
    end = time.monotonic() + (20 if policy == "verify" else 3)
    while time.monotonic() < end:
        for case, s in opened.items():
            # a half-closed end has read its end-of-file
            if not case[2] and case[0] != "both":
                step(s)
        sockets, pcbs = bed.linux.tcp_sockets(), bed.lwip.states()
        got = {case: (sockets.get((ports[case], PORT, family), ("closed",))[0],
                      pcbs.get(ports[case], "closed")) for case in CASES}
        if policy == "verify" and got == want:
            break
        time.sleep(0.05)
    wrong = 0
    for case, states in got.items():
        good = states == want[case]
        wrong += not good
        print(f"{bed.name:8} IPv{family} {policy:10} {case[0]:6} {case[1]} "
              f"{'half-closed' if case[2] else '':11} {states[0]:11} {states[1]:11}",
              "" if good else f"-- WRONG, expected {want[case]}")
    after = bed.finwall.reasons()
    print({n: after[n] - reasons[n] for n in after
           if n.startswith("late-") and after[n] > reasons[n]})
    for case, s in opened.items():
        bed.lwip(f"close {ports[case]} rst")
        if s.fileno() >= 0:
            s.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            s.close()
    return wrong


def main():
    if sys.argv[1] == "config":
        print(config("verify"))
        return 0
    tag, work, binaries, host_pid, router_pid = sys.argv[2:7]

    def lwip(ns, number):
        name = f"lwip{number}"
        net = "1" if ns == "host" else "3"
        p = subprocess.Popen(
            ["ip", "netns", "exec", f"{tag}-{ns}", os.path.join(binaries, "../tests/lwip_peer"),
             name, f"10.{net}.0.2", f"10.{net}.0.254", f"fd0{net}::2", "::", str(PORT)],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        if p.stdout.readline() != "ready\n":
            sys.exit("FAIL: lwip_peer does not start")
        for args in (["addr", "add", f"10.{net}.0.254/24", "dev", name],
                     ["addr", "add", f"fd0{net}::fe/64", "dev", name, "nodad"],
                     ["link", "set", name, "up"]):
            subprocess.run(["ip", "-n", f"{tag}-{ns}", *args], check=True)
        return Lwip(p)

    beds = [Bed("host", tag, "host", "host", work, binaries, int(host_pid), lwip("host", 0),
                {4: "10.1.0.2", 6: "fd01::2"}, {4: None, 6: None}),
            Bed("gateway", tag, "router", "client", work, binaries, int(router_pid),
                lwip("router", 1), {4: "10.3.0.2", 6: "fd03::2"}, {4: None, 6: "fd03::100"})]
    # lwIP has no default router over IPv6: the client has an address of its link.
    subprocess.run(["ip", "-n", f"{tag}-router", "-6", "neigh", "add", "proxy", "fd03::100", "dev",
                    "lwip1"], check=True)
    wrong = 0
    for policy in "verify", "remembered":
        for bed in beds:
            bed.use(policy)
            for family in 4, 6:
                wrong += run(bed, family, policy)
    for bed in beds:
        bed.lwip.process.stdin.close()
        bed.lwip.process.wait()
    print(f"{2 * 2 * 2 * len(CASES)} cases, {wrong} wrong")
    return wrong != 0


if __name__ == "__main__":
    sys.exit(main())
