# SPDX-License-Identifier: GPL-2.0-or-later
"""The late policy `verify` on a gateway: scans, loss, two workers, and ends in the midst.

	verify.py TAG WORK BIN CASE

The namespaces are those of topo_gateway: client, router, server. Each case starts its own daemon.
"""
import fcntl
import heapq
import json
import os
import random
import select
import signal
import socket
import struct
import subprocess
import sys
import threading
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))
from ends import CLONE_NEWNET, GATEWAY, HOME, Connection, Finwall, Ns, libc, listener, poll  # noqa: E402

TAG, WORK, BIN = sys.argv[1:4]
PEER = os.path.join(BIN, "../tests/peer")
PORT = 7001
BULK = 5201 if sys.argv[4] == "load" else 0
MARK = "0xa0000000/0xf0000000"
BUSY_RATE = 100_000_000  # bytes a second
CLIENT, SERVER = GATEWAY["client"], GATEWAY["server"]

client, router, server = (Ns(f"{TAG}-{n}") for n in ("client", "router", "server"))


def fail(text):
    sys.exit("FAIL: " + text)


def config(policy="verify", count=1, more=""):
    return f"""
settings {{
	queue {{ num 0; count {count}; latency on }}
	connections {{ max 65536; remember-max 4096; late-close {policy}; {more} }}
	tcp {{ loose {"on" if BULK else "off"} }}
}}
table inet finwall {{
	chain forward {{
		type filter hook forward priority filter; policy drop;
		ct state established,related,untracked accept
		ct state new tcp flags & (fin|syn|rst|ack) == syn accept
		ct state new tcp dport {BULK or PORT} accept
		ct state new udp dport 9 accept
		meta l4proto {{ icmp, ipv6-icmp }} accept
	}}
}}
"""


class Daemon:
    def __init__(self, text, count=1):
        self.count = count
        self.conf = os.path.join(WORK, "verify.conf")
        self.write(text)
        self.finwall = Finwall(os.path.join(BIN, "finwall"), os.path.join(WORK, "finwall.sock"))
        self.start()

    def write(self, text):
        with open(self.conf, "w") as out:
            out.write(text)

    def start(self):
        log = os.path.join(WORK, "daemon.log")
        with open(log, "a") as err:
            before = err.tell()
            self.process = subprocess.Popen(
                ["ip", "netns", "exec", router.name, os.path.join(BIN, "finwalld"), "-c",
                 self.conf, "-s", os.path.join(WORK, "finwall.sock"), "-S", "none"], stderr=err)
        poll(lambda: b"finwalld: ready" in open(log, "rb").read()[before:], "the daemon", 60)

    def reload(self, text):
        self.write(text)
        self.finwall("reload")

    def end(self):
        self.process.terminate()
        if self.process.wait() != 0:
            fail("the daemon's exit status")

    def kill(self):
        self.process.kill()
        self.process.wait()

    def stats(self):
        return self.finwall.json("stats")

    def held(self):
        return sum(q["held"] for q in self.stats()["queues"])

    def latency(self, name):
        return [row for q in self.stats()["queues"] for row in q["latencies"]
                if row["name"] == name]

    def rss_kib(self):
        with open(f"/proc/{self.process.pid}/status") as status:
            return int(status.read().split("VmRSS:")[1].split()[0])

    def late(self, before):
        after = self.finwall.reasons()
        return {n: after[n] - before[n] for n in after
                if n.startswith("late-") and after[n] > before[n]}


def hook(*queues):
    """Queues what is forwarded: (interface, queue), or all to queue 0."""
    for tables in "iptables", "ip6tables":
        router.run(tables, "-w", "-F", "FORWARD")
        for iif, queue in queues or ((None, 0),):
            router.run(tables, "-w", "-A", "FORWARD", *(("-i", iif) if iif else ()), "-m", "mark",
                       "!", "--mark", MARK, "-j", "NFQUEUE", "--queue-num", str(queue))


def waiting():
    """{queue: packets in the kernel}"""
    lines = router.run("cat", "/proc/net/netfilter/nfnetlink_queue").splitlines()
    return {int(line.split()[0]): int(line.split()[2]) for line in lines}


def forge(*args):
    return json.loads(client.run(PEER, "scan", *(str(a) for a in args)))


def server_ignores(on):
    """Probes do not reach the server, so all is held for the whole time."""
    for tables in "iptables", "ip6tables":
        server.run(tables, "-w", "-A" if on else "-D", "INPUT", "-p", "tcp", "!", "--syn", "-j",
                   "DROP")


def opened(family, number):
    s = listener(server, SERVER[family], PORT)
    conns = [Connection(client, s, SERVER[family]) for _ in range(number)]
    s.close()
    return conns


def closed(conns):
    """How many connections have ended at both ends, TIME-WAIT included."""
    for c in conns:
        c.step("client")
        c.step("server")
    ends = client.tcp_sockets(), server.tcp_sockets()
    return sum(all(s in ("closed", "TIME-WAIT") for s, _ in c.states(*ends)) for c in conns)


def case_workers():
    """The answers come to another worker than the one that holds the segment."""
    d = Daemon(config(count=2), 2)
    hook(("west", 0), ("east", 1))
    for family in 4, 6:
        for who in "client", "server":
            for how in "FIN", "RST":
                conns = opened(family, 10)
                d.finwall("flush", "--forget")
                started = time.monotonic()
                for c in conns:
                    c.close(who, how)
                poll(lambda: closed(conns) == 10, f"10 {how}s of the {who}, IPv{family}", 30)
                print(f"IPv{family} {how} by the {who}: 10 of 10, "
                      f"{1000 * (time.monotonic() - started):.0f} ms")
    held = d.latency("held")
    print("held:", [(row["count"], row["p50_ns"] // 1000, row["p99_ns"] // 1000) for row in held],
          "us p50, p99")
    # A wake-up, not the 100 ms of a receive that times out.
    if len(held) != 2 or min(row["p50_ns"] for row in held) > 90e6:
        fail("the holding worker is not woken up")
    d.end()


def case_scan():
    """Forged segments of tuples never seen and of a real one, at the default rates; none passes, and
    each at most one probe is sent, within the rates. The real connection stays open meanwhile."""
    rate = 1000  # the default of verify-rate-source
    number = int(os.environ.get("FINWALL_VERIFY_SCAN", "12000"))
    pace = os.environ.get("FINWALL_VERIFY_PACE")
    few = min(number, 12000)
    d = Daemon(config())
    hook()
    real = {family: opened(family, 1)[0] for family in (4, 6)}
    d.finwall("flush", "--forget")
    for family, flags, is_real, count in (
            (4, "fin", False, number), (4, "rst", False, number), (4, "fin", True, number),
            (4, "rst", True, number), (6, "fin,rst", False, few), (6, "fin,rst", True, few)):
        ports = (real[family].client_port, PORT) if is_real else ()
        before, probes = d.finwall.reasons(), d.finwall.event("probes-sent")
        segments, lost = segments_in(), lost_at_queue()
        wire = Wire()
        started = time.monotonic()
        forge(flags, count, CLIENT[family], SERVER[family], 1, pace or 30000, *ports)
        poll(lambda: d.held() == 0 and lost_at_queue() - lost +
             sum(n for name, n in d.late(before).items() if name != "late-answer") >= count,
             "the end of the scan", 60)
        took = time.monotonic() - started
        sent, most = wire.end()
        probes = d.finwall.event("probes-sent") - probes
        passed = segments_in() - segments - sent
        print(f"IPv{family} {flags} {'real' if is_real else 'never seen'}: {count} in {took:.1f} s, "
              f"{passed} passed, {sent} probes on the wire, at most {most:.0f} a second after the "
              f"first; {lost_at_queue() - lost} lost at the queue; {d.late(before)}", flush=True)
        if passed != 0 or not 0 < sent <= min(count, rate * (took + 1) + 1):
            fail("the scan")
        if sent != probes:
            fail(f"{probes} probes were counted")
        if most > 2 * rate:  # the burst again, after a pause of the machine
            fail("the rate")
    ends = client.tcp_sockets(), server.tcp_sockets()
    for family, c in real.items():
        if any(state != "ESTAB" for state, _ in c.states(*ends)):
            fail(f"the real connection: {c.states(*ends)}")
        c.close("client", "FIN")
    poll(lambda: closed(list(real.values())) == 2, "the true closes")
    d.end()


def lost_at_queue():
    """Packets that the kernel dropped because the queue or its socket was full."""
    lines = router.run("cat", "/proc/net/netfilter/nfnetlink_queue").splitlines()
    return sum(int(n) for line in lines for n in line.split()[5:7])


class Wire(threading.Thread):
    """Counts the probes that leave the router, and how many a second."""

    def __init__(self):
        super().__init__(daemon=True)
        for tables in "iptables", "ip6tables":
            router.run(tables, "-w", "-t", "mangle", "-F", "POSTROUTING")
            router.run(tables, "-w", "-t", "mangle", "-A", "POSTROUTING", "-p", "tcp", "-m", "mark",
                       "--mark", MARK)
        self.most, self.ended = 0, threading.Event()
        self.begun = time.monotonic()
        self.start()

    @staticmethod
    def count():
        return sum(int(line.split()[0]) for tables in ("iptables", "ip6tables") for line in
                   router.run(tables, "-w", "-t", "mangle", "-vnxL", "POSTROUTING").splitlines()
                   if "mark match" in line)

    def run(self):
        at, number = time.monotonic(), self.count()
        while not self.ended.wait(1):
            now, more = time.monotonic(), self.count()
            # The burst is one second's worth.
            if at - self.begun > 1:
                self.most = max(self.most, (more - number) / (now - at))
            at, number = now, more

    def end(self):
        self.ended.set()
        self.join()
        return self.count(), self.most


def segments_in():
    """Segments that reached either end. A slow machine may take an answer for a late RST, and probe
    the other way."""
    return sum(int(line.split()[10]) for ns in (client, server)
               for line in ns.run("cat", "/proc/net/snmp").splitlines()
               if line.startswith("Tcp: ") and line.split()[1].isdigit())


def case_ends():
    """Nothing stays in the queue: after a stop, a reload, a lost interface, kill -9."""
    held = config(more="verify-timeout 100s; verify-rate-source 10000")

    def fill(d):
        forge("fin,rst", 2000, CLIENT[4], SERVER[4])
        poll(lambda: d.held() == 2000 and waiting()[0] == 2000, "2000 held segments")

    server_ignores(True)
    hook()
    d = Daemon(held)
    fill(d)
    started = time.monotonic()
    d.end()
    print(f"stop: {time.monotonic() - started:.2f} s")
    if waiting():
        fail(f"queues after a stop: {waiting()}")
    log = open(os.path.join(WORK, "daemon.log")).read()
    if "without a verdict" in log:
        fail("packets without a verdict at exit")

    d = Daemon(config(more="verify-timeout 15s; verify-rate-source 10000"))
    fill(d)
    before = d.finwall.reasons()
    d.reload(config("strict"))
    poll(lambda: d.held() == 0 and waiting()[0] == 0, "an empty queue after a reload", 60)
    if d.late(before) != {"late-strict": 2000}:
        fail(f"after a reload: {d.late(before)}")
    print("reload: judged by the new policy", d.late(before))
    d.reload(config(more="verify-timeout 3s; verify-rate-source 10000"))
    fill(d)
    router.run("ip", "link", "set", "east", "down")
    # The kernel drops what would leave by it, at once.
    poll(lambda: waiting()[0] == 0, "an empty queue after the loss of an interface")
    router.run("ip", "link", "set", "east", "up")
    poll(lambda: d.held() == 0, "no copies of lost packets")
    router.run("ip", "addr", "replace", "fd03::fe/64", "dev", "east", "nodad")
    print("interface lost: queue empty")
    d.reload(held)
    fill(d)
    d.kill()
    poll(lambda: not waiting(), "no queue after SIGKILL")
    print("kill -9: no packet left")
    server_ignores(False)
    d.start()
    conns = opened(4, 5)
    d.finwall("flush", "--forget")
    for c in conns:
        c.close("client", "FIN")
    poll(lambda: closed(conns) == 5, "closes after SIGKILL")
    d.end()


def case_loss():
    """10 % of packets are lost between router and server, and a round trip takes 100 ms."""
    number = int(os.environ.get("FINWALL_VERIFY_LOSS", "100"))
    path = Path()
    d = Daemon(config())
    hook()
    conns = {how: opened(4, number) for how in ("FIN", "RST")}
    d.finwall("flush", "--forget")
    path.loss, path.delay = 0.1, 0.05
    started = time.monotonic()
    for how, some in conns.items():
        for c in some:
            c.close("client", how)

    def ended(how):
        """The server's end: it got the close."""
        for c in conns[how]:
            c.step("server")
        return sum(c.end_of["server"] is not None for c in conns[how])
    for seconds in 1, 2, 5, 10, 20, 40:
        while time.monotonic() - started < seconds:
            ended("FIN")
            ended("RST")
            time.sleep(0.05)
        got = {how: ended(how) for how in conns}
        print(f"after {seconds:2} s: FIN {got['FIN']} of {number}, RST {got['RST']} of {number}")
        if got["FIN"] == number:
            break
    held = d.latency("held")[0]
    print(f"held: p50 {held['p50_ns'] / 1e6:.0f} ms, p90 {held['p90_ns'] / 1e6:.0f} ms, "
          f"p99 {held['p99_ns'] / 1e6:.0f} ms; {d.late({n: 0 for n in d.finwall.reasons()})}")
    path.loss = 0
    # A FIN is retransmitted. A RST must survive the way to the server, the probe and the answer:
    # 0.9 ^ 3 = 73 %, five deviations below.
    least = 0.729 - 5 * (0.729 * 0.271 / number) ** 0.5
    if got["FIN"] != number or got["RST"] < least * number:
        fail("closes over a lossy path")
    d.end()


class Path(threading.Thread):
    """The link between router and server: two tap devices, and what happens between them."""

    def __init__(self):
        super().__init__(daemon=True)
        self.loss = self.delay = 0
        router.run("ip", "link", "del", "east")
        self.fds = [self.tap(router, "east"), self.tap(server, "eth0")]
        for ns, name, addresses in ((router, "east", ("10.3.0.254/24", "fd03::fe/64")),
                                    (server, "eth0", ("10.3.0.2/24", "fd03::2/64"))):
            for address in addresses:
                ns.run("ip", "addr", "add", address, "dev", name,
                       *(("nodad",) if ":" in address else ()))
            ns.run("ip", "link", "set", name, "up")
        server.run("ip", "route", "add", "default", "via", "10.3.0.254")
        self.start()

    @staticmethod
    def tap(ns, name):
        libc.setns(ns.fd, CLONE_NEWNET)
        try:
            fd = os.open("/dev/net/tun", os.O_RDWR | os.O_NONBLOCK)
            # TUNSETIFF with IFF_TAP and IFF_NO_PI
            fcntl.ioctl(fd, 0x400454ca, struct.pack("16sH22x", name.encode(), 0x1002))
            return fd
        finally:
            libc.setns(HOME, CLONE_NEWNET)

    def run(self):
        random.seed(1)
        late = []  # (when, number, descriptor, frame)
        number = 0
        while True:
            wait = max(0, late[0][0] - time.monotonic()) if late else 1
            for fd in select.select(self.fds, [], [], wait)[0]:
                frame = os.read(fd, 2048)
                if random.random() >= self.loss:
                    number += 1
                    heapq.heappush(late, (time.monotonic() + self.delay, number,
                                          self.fds[fd == self.fds[0]], frame))
            while late and late[0][0] <= time.monotonic():
                _, _, fd, frame = heapq.heappop(late)
                os.write(fd, frame)


class PingPong(threading.Thread):
    """UDP through the router, one datagram at a time; the times in nanoseconds."""

    def __init__(self):
        super().__init__(daemon=True)
        self.far = server.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.far.bind((SERVER[4], 9))
        self.near = client.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.near.connect((SERVER[4], 9))
        self.near.settimeout(1)
        threading.Thread(target=self.echo, daemon=True).start()

    def echo(self):
        while True:
            data, to = self.far.recvfrom(64)
            self.far.sendto(data, to)

    def times(self, seconds):
        end = time.monotonic() + seconds
        got = []
        while time.monotonic() < end:
            before = time.perf_counter_ns()
            try:
                self.near.send(b"ping")
                self.near.recv(64)
            except OSError:
                continue
            got.append(time.perf_counter_ns() - before)
        return sorted(got)


def case_load():
    """10 000 closes a second, all held for a second, beside bulk data and a round trip: with
    `verify`, and with `strict` at the same load."""
    rounds = int(os.environ.get("FINWALL_VERIFY_ROUNDS", "2"))
    seconds = int(os.environ.get("FINWALL_VERIFY_SECONDS", "4"))
    d = Daemon(config())
    hook()
    steady = start_bulk()
    ping = PingPong()
    server_ignores(True)
    table = {"strict": [], "verify": []}
    for _ in range(rounds):
        for policy in "strict", "verify":
            # A new daemon: its histograms are of this load only. It picks up the bulk data.
            d.end()
            d = Daemon(config(policy, more="verify-rate 20000; verify-rate-source 20000"))
            load = subprocess.Popen(
                ["ip", "netns", "exec", client.name, PEER, "scan", "fin,rst",
                 str(10000 * (seconds + 2)), CLIENT[4], SERVER[4], "1", "10000"],
                stdout=subprocess.DEVNULL)
            time.sleep(1.5)
            times = ping.times(seconds / 2)
            most = d.held()
            times += ping.times(seconds / 2)
            times.sort()
            load.wait()
            poll(lambda: d.held() == 0, "the end of the load", 30)
            took = verdicts(d)
            row = [times[len(times) // 2] / 1e3, times[len(times) * 99 // 100] / 1e3, *took]
            table[policy].append(row)
            print(f"{policy:8} round trip p50 {row[0]:.0f} us p99 {row[1]:.0f} us; verdict p50 "
                  f"{row[2]:.0f} us p99 {row[3]:.0f} us; {most} held, RSS {d.rss_kib()} KiB")
    for i, name in enumerate(("round trip p50", "round trip p99", "verdict p50", "verdict p99")):
        a, b = (sorted(r[i] for r in table[p])[rounds // 2] for p in ("strict", "verify"))
        print(f"median of {name}: strict {a:.1f} us, verify {b:.1f} us, {100 * (b / a - 1):+.1f} %")
    server_ignores(False)
    steady.terminate()
    steady.wait()
    if waiting()[0] != 0:
        fail("packets are left")
    d.end()


def case_busy():
    """Forged segments of a busy connection whose packets go past the firewall: its server gets the
    probes. The transfer goes on as without them."""
    # Past the firewall: a link of its own.
    near, far = "10.9.0.1", "10.9.0.2"
    subprocess.run(["ip", "-n", client.name, "link", "add", "direct", "type", "veth", "peer", "name",
                    "direct", "netns", server.name], check=True)
    for ns, address in (client, near), (server, far):
        ns.run("ip", "addr", "add", address + "/24", "dev", "direct")
        ns.run("ip", "link", "set", "direct", "up")
    router.run("ip", "route", "add", far + "/32", "via", SERVER[4])
    busy(near, far, ("quiet", "strict", "verify"))


def case_busy_through():
    """The same where the firewall sees the transfer: its entry judges the forged segments."""
    busy(CLIENT[4], SERVER[4], ("quiet", "verify"))


def busy(near, far, columns):
    """The rate of a transfer from near to far: quiet, and attacked under a late policy, in turn."""
    rounds = int(os.environ.get("FINWALL_VERIFY_ROUNDS", "2"))
    seconds = float(os.environ.get("FINWALL_VERIFY_SECONDS", "2"))
    pace = int(os.environ.get("FINWALL_VERIFY_PACE", "1000"))
    is_past = far != SERVER[4]
    attacker = Ns(f"{TAG}-attacker")
    attacker.run("ip", "addr", "add", near + "/32", "dev", "lo")
    for ns in router, server:
        for name in "all", "default", "eth0", "east", "attack":
            path = f"net.ipv4.conf.{name}.rp_filter"
            subprocess.run(["ip", "netns", "exec", ns.name, "sysctl", "-qw", path + "=0"],
                           stderr=subprocess.DEVNULL, check=False)
    d = Daemon(config())
    hook()
    s = listener(server, far, PORT)
    c = client.socket(socket.AF_INET)
    # Below what the machine can do, so that losses lower the rate, and other processes do not.
    c.setsockopt(socket.SOL_SOCKET, 47, struct.pack("Q", BUSY_RATE))  # SO_MAX_PACING_RATE
    c.bind((near, 0))
    c.connect((far, PORT))
    peer, _ = s.accept()
    port = c.getsockname()[1]
    got = [0]

    def read():
        while True:
            data = peer.recv(1 << 18)
            got[0] += len(data)
            if not data:
                return
    threading.Thread(target=read, daemon=True).start()
    threading.Thread(target=lambda: [c.send(bytes(1 << 18)) for _ in iter(int, 1)],
                     daemon=True).start()
    table = {name: [] for name in columns}
    forged = 0
    for _ in range(rounds):
        for column in columns:
            d.reload(config(column if column != "quiet" else "verify"))
            probes = d.finwall.event("probes-sent")
            attack = None
            if column != "quiet":
                forged += int(pace * (seconds + 1))
                attack = subprocess.Popen(
                    ["ip", "netns", "exec", attacker.name, PEER, "scan", "fin,rst",
                     str(int(pace * (seconds + 1))), near, far, str(forged), str(pace), str(port),
                     str(PORT)], stdout=subprocess.DEVNULL)
                time.sleep(0.2)
            before, started = got[0], time.monotonic()
            time.sleep(seconds)
            rate = (got[0] - before) / (time.monotonic() - started) / 1e6
            if attack is not None and attack.wait() != 0:
                fail("the attack")
            poll(lambda: d.held() == 0, "the end of the attack")
            table[column].append(rate)
            print(f"{column}: {rate:.1f} MB/s, probes {d.finwall.event('probes-sent') - probes}",
                  flush=True)
    for column in columns:
        print(f"{column:6}: {quartiles(table[column], '.1f')} MB/s; of quiet in the same round: "
              f"{quartiles([b / a for a, b in zip(table['quiet'], table[column])], '.3f')}")
    print(f"(quartiles of {rounds} rounds; {pace} forged segments a second) "
          f"{d.late({n: 0 for n in d.finwall.reasons()})}")
    states = client.tcp_sockets().get((port, PORT, 4)), server.tcp_sockets().get((PORT, port, 4))
    share = sorted(b / a for a, b in zip(table["quiet"], table["verify"]))[rounds // 2]
    if share < 1 / 3 or any(state is None or state[0] != "ESTAB" for state in states) or \
            (d.finwall.event("probes-sent") > 0) != is_past or \
            d.finwall.reasons()["late-verified"] != 0:
        fail(f"the transfer: {states}")
    d.end()


def quartiles(values, form):
    """The middle one, and those at a quarter and three quarters."""
    row = sorted(values)
    low, middle, high = (row[min(len(row) - 1, len(row) * n // 4)] for n in (1, 2, 3))
    return f"{middle:{form}} ({low:{form}} to {high:{form}})"


def verdicts(d):
    """p50 and p99 of the time to the verdict, in microseconds."""
    row = d.latency("verdict")
    return (row[0]["p50_ns"] / 1e3, row[0]["p99_ns"] / 1e3) if row else (0, 0)


def start_bulk():
    port = str(BULK)
    subprocess.Popen(["ip", "netns", "exec", server.name, PEER, "serve", SERVER[4], port],
                     stdout=subprocess.DEVNULL)
    poll(lambda: "LISTEN" in server.run("ss", "-Htln", "sport = :" + port), "a server")
    return subprocess.Popen(["ip", "netns", "exec", client.name, PEER, "steady", SERVER[4], port,
                             "20"], stdout=subprocess.DEVNULL)


if __name__ == "__main__":
    try:
        globals()["case_" + sys.argv[4]]()
    finally:
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
