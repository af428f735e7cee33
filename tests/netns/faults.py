# SPDX-License-Identifier: GPL-2.0-or-later
"""Faults in a running daemon, each injected beside a transfer whose ends compare checksums.

	faults.py TAG WORK BIN CASE

The namespaces are those of topo_pair; the daemon is on the server. A case prints what it has seen.
doc/security.md, "Failures", has the documented behaviour.
"""
import ctypes
import errno
import json
import mmap
import os
import random
import signal
import socket
import struct
import subprocess
import sys
import threading
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))
from ends import PAIR, Connection, Finwall, Ns, libc, listener, poll, still_work  # noqa: E402

TAG, WORK, BIN = sys.argv[1:4]
PEER = os.path.join(BIN, "../tests/peer")
FAULTY = os.path.join(BIN, "../tests/libfaulty.so")
LOG = os.path.join(WORK, "daemon.log")
CLIENT, SERVER = PAIR["client"], PAIR["server"]
PORT, BULK, ADMIN, STORM = 7001, 7000, 7022, 7100

client, server = (Ns(f"{TAG}-{n}") for n in ("client", "server"))


def fail(text):
    sys.exit("FAIL: " + text)


def config(more="", rules="", late="remembered"):
    return f"""
settings {{
	queue {{ num 0; count 2 }}
	connections {{ max 65536; remember-max 4096; late-close {late} }}
	state {{ interval 1s }}
	{more}
}}
table inet finwall {{
	chain input {{
		type filter hook input priority filter; policy drop;
		ct state established,related accept
		iifname "eth0" tcp dport {{ {BULK}, {PORT}, {STORM} }} tcp flags & (fin|syn|rst|ack) == syn accept
		meta l4proto {{ icmp, ipv6-icmp }} accept
		{rules}
	}}
	chain output {{
		type filter hook output priority filter; policy accept;
		ct state invalid drop
	}}
}}
"""


class Faulty:
    """The file of libfaulty.so, and the environment with which a program reads it."""

    FIELDS = {"recv_every": 8, "recv_errno": 12, "send_every": 16, "send_errno": 20,
              "recv_failed": 24, "send_failed": 28}

    def __init__(self):
        self.path = os.path.join(WORK, "faulty")
        with open(self.path, "wb") as out:
            out.write(bytes(32))
        os.chmod(self.path, 0o666)
        with open(self.path, "r+b") as at:
            self.mem = mmap.mmap(at.fileno(), 32)
        asan = os.environ.get("ASAN_OPTIONS", "")
        self.env = [f"LD_PRELOAD={FAULTY}", f"FAULTY={self.path}",
                    f"ASAN_OPTIONS={asan}{':' if asan else ''}verify_asan_link_order=0"]

    def wall(self, seconds):
        self.mem[0:8] = struct.pack("q", seconds)

    def set(self, **fields):
        for name, value in fields.items():
            self.mem[self.FIELDS[name]:self.FIELDS[name] + 4] = struct.pack("I", value)

    def get(self, name):
        return struct.unpack("I", self.mem[self.FIELDS[name]:self.FIELDS[name] + 4])[0]


class Daemon:
    def __init__(self, text, state="none", before=(), env=()):
        self.conf = os.path.join(WORK, "faults.conf")
        self.socket = os.path.join(WORK, "finwall.sock")
        with open(self.conf, "w") as out:
            out.write(text)
        self.finwall = Finwall(os.path.join(BIN, "finwall"), self.socket)
        self.state, self.before_command, self.env = state, before, env
        self.start()

    def launch(self):
        self.before = os.path.getsize(LOG) if os.path.exists(LOG) else 0
        with open(LOG, "a") as err:
            self.process = subprocess.Popen(
                ["ip", "netns", "exec", server.name, *self.before_command, "env", *self.env,
                 os.path.join(BIN, "finwalld"), "-c", self.conf, "-s", self.socket, "-S",
                 self.state], stderr=err)
        self.pid = self.process.pid

    def start(self):
        self.launch()
        poll(lambda: self.log("finwalld: ready") or self.process.poll() is not None,
             "the daemon", 60)
        if self.process.poll() is not None:
            fail(f"the daemon ended with {self.process.returncode}")

    def log(self, text):
        with open(LOG, "rb") as at:
            at.seek(self.before)
            return text in at.read().decode()

    def logs(self, text, seconds=20):
        poll(lambda: self.log(text), f"\"{text}\" in the log", seconds)

    def stats(self):
        return self.finwall.json("stats")

    def is_well(self):
        """It answers, and no packet waits for long."""
        self.stats()
        poll(queues_empty, "packets without a verdict")

    def end(self):
        self.process.terminate()
        if self.process.wait() != 0:
            fail(f"the daemon's exit status {self.process.returncode}")

    def threads(self):
        """{name: thread ID}"""
        found = {}
        for tid in os.listdir(f"/proc/{self.pid}/task"):
            with open(f"/proc/{self.pid}/task/{tid}/comm") as comm:
                found[comm.read().strip()] = int(tid)
        return found


def waiting():
    """{queue: packets that wait for a verdict}"""
    lines = server.run("cat", "/proc/net/netfilter/nfnetlink_queue").splitlines()
    return {int(line.split()[0]): int(line.split()[2]) for line in lines}


def queues_empty():
    # The transfer goes on: a queue that is empty now and then has no packet that stays.
    return all(n == 0 for n in waiting().values())


def hook():
    for tables in "iptables", "ip6tables":
        for chain in "INPUT", "OUTPUT":
            server.run(tables, "-w", "-A", chain, "-m", "mark", "!", "--mark",
                       "0xa0000000/0xf0000000", "-j", "NFQUEUE", "--queue-balance", "0:1")


class Steady:
    """A transfer from the client to the server."""

    def __init__(self, speed=5):
        subprocess.Popen(["ip", "netns", "exec", server.name, PEER, "serve", SERVER[4], str(BULK)],
                         stdout=subprocess.DEVNULL)
        poll(lambda: "LISTEN" in server.run("ss", "-Htln", f"sport = :{BULK}"), "a server")
        self.process = subprocess.Popen(
            ["ip", "netns", "exec", client.name, PEER, "steady", SERVER[4], str(BULK), str(speed)],
            stdout=subprocess.PIPE, text=True)
        self.flows()

    def got(self):
        line = client.run("ss", "-Htin", f"dport = :{BULK}").split("bytes_acked:")
        return int(line[1].split()[0]) if len(line) > 1 else 0

    def flows(self):
        """It makes progress: more than any window."""
        start = self.got()
        poll(lambda: self.got() > start + (1 << 20), "the transfer goes on", 60)

    def end(self):
        self.flows()
        self.process.terminate()
        out, _ = self.process.communicate()
        if self.process.returncode != 0:
            fail(f"the transfer: {out}")
        print("the transfer:", out.strip())


def connects(family=4, seconds=5):
    """A new connection is opened, used and closed."""
    s = listener(server, SERVER[family], PORT)
    Connection(client, s, SERVER[family])
    s.close()


def case_link():
    """An interface goes down and up, and is removed and made again, with another index."""
    d = Daemon(config())
    hook()
    steady = Steady()
    for _ in range(5):
        for where, ns in (("server", server), ("client", client)):
            subprocess.run(["ip", "-n", ns.name, "link", "set", "eth0", "down"], check=True)
            time.sleep(0.1)
            subprocess.run(["ip", "-n", ns.name, "link", "set", "eth0", "up"], check=True)
            steady.flows()
    d.is_well()
    steady.end()
    print("down and up, ten times: the transfer went on")
    for n in range(3):
        before = int(server.run("cat", "/sys/class/net/eth0/ifindex"))
        subprocess.run(["ip", "-n", server.name, "link", "del", "eth0"], check=True)
        # another index
        subprocess.run(["ip", "-n", server.name, "link", "add", f"other{n}", "type", "veth",
                        "peer", "name", f"peer{n}"], check=True)
        subprocess.run(["ip", "-n", server.name, "link", "add", "eth0", "type", "veth", "peer",
                        "name", "eth0", "netns", client.name], check=True)
        for ns, address in (client, CLIENT), (server, SERVER):
            ns.run("ip", "addr", "add", address[4] + "/24", "dev", "eth0")
            ns.run("ip", "addr", "add", address[6] + "/64", "dev", "eth0", "nodad")
            ns.run("ip", "link", "set", "eth0", "up")
        if int(server.run("cat", "/sys/class/net/eth0/ifindex")) == before:
            fail("the same index")
        connects(4)
        connects(6)
    d.is_well()
    d.end()
    print("removed and made again, three times: rules with its name match at once")


def case_netlink():
    """One of N calls on the queue's socket fails, with each error that they can have."""
    faulty = Faulty()
    d = Daemon(config(), env=faulty.env)
    hook()
    steady = Steady()
    for name in "ENOBUFS", "ENOMEM", "EINTR", "EAGAIN", "EPERM", "ECONNREFUSED", "EIO":
        nr = getattr(errno, name)
        before = faulty.get("recv_failed"), faulty.get("send_failed")
        faulty.set(recv_errno=nr, send_errno=nr, recv_every=5, send_every=3)
        steady.flows()
        connects(4)
        connects(6)
        faulty.set(recv_every=0, send_every=0)
        d.is_well()
        failed = (faulty.get("recv_failed") - before[0], faulty.get("send_failed") - before[1])
        print(f"{name}: {failed[0]} receives and {failed[1]} sends failed, no packet is left")
        if min(failed) == 0:
            fail("no call failed")
    # All fail, for less than the second that a verdict is tried again.
    faulty.set(recv_errno=errno.ENOBUFS, send_errno=errno.ENOBUFS, recv_every=1, send_every=1)
    time.sleep(0.4)
    faulty.set(recv_every=0, send_every=0)
    steady.flows()
    d.is_well()
    steady.end()
    counts = {name: sum(c["count"] for q in d.stats()["queues"] for c in q["counters"]
                        if c["name"] == name)
              for name in ("receive-failures", "send-failures", "verdicts-lost")}
    print("counted:", counts)
    if counts["verdicts-lost"] != 0 or counts["send-failures"] == 0 or \
            counts["receive-failures"] == 0:
        fail("the counters")
    d.end()


def case_clock():
    """The wall clock jumps, forward and back, while the daemon runs and while it is stopped."""
    faulty = Faulty()
    state = os.path.join(WORK, "state")
    d = Daemon(config(), state, env=faulty.env)
    hook()
    steady = Steady()
    conns = opened(10)
    for years in 10, -20, 0, 30, -30, 0:
        faulty.wall(years * 365 * 86400)
        inode = saved(state)
        steady.flows()
        connects(4)
        poll(lambda: saved(state) != inode, "saved again", 10)
    still_work(conns)
    print("jumps of years while it runs: transfer, connections and saving go on")
    for years in 0, -10, 0, 10, 0:
        d.end()
        faulty.wall(years * 365 * 86400)
        d.start()
        d.logs("loaded ")
        steady.flows()
        still_work(conns)
    print("set back and forward while it is stopped: connections go on")
    d.end()
    faulty.wall(0)
    d.start()
    steady.end()
    d.end()


def opened(number, family=4):
    s = listener(server, SERVER[family], PORT)
    conns = [Connection(client, s, SERVER[family]) for _ in range(number)]
    s.close()
    return conns


def saved(path):
    """Differs from save to save."""
    try:
        st = os.stat(path)
    except FileNotFoundError:
        return None
    return st.st_ino, st.st_mtime_ns


def case_disk():
    """The disk of the saved state is full, and read-only: what was saved stays, the daemon goes on,
    and saves again."""
    disk = os.path.join(WORK, "disk")
    os.mkdir(disk)
    os.chmod(disk, 0o777)
    # In a mount namespace of the daemon's: nothing is left when the test is killed.
    script = f"mount -t tmpfs -o size=256k,mode=0777 none {disk} && exec \"$@\""
    d = Daemon(config(), os.path.join(disk, "state"),
               before=("unshare", "-m", "sh", "-c", script, "sh"))
    hook()
    steady = Steady()
    inside = f"/proc/{d.pid}/root{disk}"
    state = os.path.join(inside, "state")
    poll(lambda: saved(state), "the first save")
    conns = opened(20)
    first = saved(state)
    poll(lambda: saved(state) != first, "the next save")

    def broken(what, text, begin, end):
        begin()
        kept = None
        poll(lambda: d.log(text), f"{what}: a message", 20)
        kept = open(state, "rb").read(), saved(state)
        time.sleep(2)
        if (open(state, "rb").read(), saved(state)) != kept:
            fail(f"{what}: the file has changed")
        names = sorted(os.listdir(inside))
        steady.flows()
        still_work(conns)
        d.stats()
        if [n for n in names if n not in ("state", "filler")]:
            fail(f"{what}: left {names}")
        end()
        poll(lambda: saved(state) != kept[1], f"{what}: saved again", 20)
        d.logs("connections saved again")
        print(f"{what}: reported, the saved file stays, traffic goes on, later saved again")
        d.before = os.path.getsize(LOG)

    filler = os.path.join(inside, "filler")

    def fill():
        with open(filler, "wb", buffering=0) as out:
            try:
                while out.write(bytes(512)):
                    pass
            except OSError as e:
                if e.errno != errno.ENOSPC:
                    raise
    broken("full", "cannot save connections: No space left on device", fill,
           lambda: os.unlink(filler))

    def remount(how):
        subprocess.run(["nsenter", "-m", "-t", str(d.pid), "mount", "-o", f"remount,{how}", disk],
                       check=True)
    broken("read-only", "cannot save connections: Read-only file system", lambda: remount("ro"),
           lambda: remount("rw"))

    # At the end too: the last save fails, and what was saved before is loaded. The descriptor
    # keeps the file system.
    fill()
    d.logs("cannot save connections: No space")
    with open(state, "rb") as at:
        data = at.read()
        d.process.terminate()
        status = d.process.wait()
        at.seek(0)
        if status != 0 or at.read() != data:
            fail(f"exit status {status}")
    with open(os.path.join(disk, "state"), "wb") as out:
        out.write(data)
    os.chmod(os.path.join(disk, "state"), 0o666)
    d.before_command = ()
    d.start()
    d.logs("loaded ")
    steady.end()
    still_work(conns)
    d.end()
    print("full at the end: exit status 0, the last good file is loaded")


def case_signals():
    """Signals in any order, while it starts, runs and stops."""
    seed = int(os.environ.get("FINWALL_SEED", str(random.randrange(1 << 32))))
    print("seed", seed, flush=True)
    rnd = random.Random(seed)
    state = os.path.join(WORK, "state")
    harmless = [signal.SIGHUP, signal.SIGPIPE, signal.SIGCHLD, signal.SIGURG, signal.SIGWINCH,
                signal.SIGCONT]
    d = Daemon(config(), state)
    hook()
    steady = Steady()
    for _ in range(150):
        os.kill(d.pid, rnd.choice(harmless))
        if rnd.random() < 0.1:
            os.kill(d.pid, signal.SIGSTOP)
            time.sleep(rnd.random() / 20)
            os.kill(d.pid, signal.SIGCONT)
        time.sleep(rnd.random() / 50)
    d.is_well()
    steady.flows()
    print("150 signals while it runs: the transfer goes on")
    ends = [signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGPIPE, signal.SIGCHLD]
    for n in range(10):
        for _ in range(rnd.randrange(5)):
            os.kill(d.pid, rnd.choice(harmless))
        os.kill(d.pid, rnd.choice((signal.SIGTERM, signal.SIGINT)))
        for _ in range(rnd.randrange(8)):
            time.sleep(rnd.random() / 100)
            if d.process.poll() is None:
                os.kill(d.pid, rnd.choice(ends))
        if d.process.wait() != 0:
            fail(f"exit status {d.process.returncode} after signals at the stop")
        if waiting():
            fail(f"queues are left: {waiting()}")
        d.start()
        if not d.log("loaded ") or d.log(".bad"):
            fail("the state was not loaded")
    print("10 stops with further signals: exit status 0, state loaded each time")
    left = {"by signal": 0, "0": 0}
    for n in range(20):
        d.end()
        d.launch()
        time.sleep(rnd.random() / 3)
        os.kill(d.pid, rnd.choice((signal.SIGTERM, signal.SIGINT, signal.SIGHUP)))
        time.sleep(rnd.random() / 10)
        os.kill(d.pid, signal.SIGTERM)
        status = d.process.wait()
        if status not in (0, -signal.SIGTERM, -signal.SIGINT, -signal.SIGHUP):
            fail(f"exit status {status} after a signal at the start")
        left["0" if status == 0 else "by signal"] += 1
        if waiting() or os.path.exists(state + ".bad"):
            fail(f"left: {waiting()}")
        d.start()
        steady.flows()  # or its retransmission timeout grows from start to start
    print("20 starts that a signal ends:", left)
    steady.end()
    d.end()


def case_kills():
    """SIGKILL at random moments, while it starts, runs and saves, under new connections and a
    transfer. FINWALL_KILLS: how often."""
    number = int(os.environ.get("FINWALL_KILLS", "10"))
    seed = int(os.environ.get("FINWALL_SEED", str(random.randrange(1 << 32))))
    print("seed", seed, flush=True)
    rnd = random.Random(seed)
    folder = os.path.join(WORK, "var")
    os.mkdir(folder)
    os.chmod(folder, 0o777)
    state = os.path.join(folder, "state")
    d = Daemon(config(more=f"hook {{ backend iptables; admin-port {ADMIN}; watch off }}"), state)
    subprocess.run(["ip", "netns", "exec", server.name, os.path.join(BIN, "finwall"), "--socket",
                    d.socket, "hook", "up", "-c", d.conf], check=True, stdout=subprocess.DEVNULL)
    rules = [server.run(t, "-w", "-S") for t in ("iptables", "ip6tables")]
    steady = Steady(20)
    conns = opened(20)
    poll(lambda: saved(state), "the first save")
    first = saved(state)
    poll(lambda: saved(state) != first, "saved with the connections")
    subprocess.Popen(["ip", "netns", "exec", server.name, PEER, "answer", str(STORM), SERVER[4]],
                     stdout=subprocess.DEVNULL)
    storm = subprocess.Popen(["ip", "netns", "exec", client.name, PEER, "storm", "100", "100000",
                              str(STORM), SERVER[4]], stdout=subprocess.DEVNULL,
                             stderr=subprocess.DEVNULL)
    early = loads = 0
    before = time.monotonic()
    for n in range(number):
        time.sleep(rnd.choice((rnd.random() / 10, rnd.random() / 2, 0)))
        if n % 10 == 0:
            # Lives on until it has saved, and the transfer has gone on.
            poll(lambda: d.log("finwalld: ready"), "the daemon", 60)
            inode = saved(state)
            poll(lambda i=inode: saved(state) != i, "saved", 20)
            steady.flows()
        early += not d.log("finwalld: ready")
        loads += d.log("loaded ")
        if d.process.poll() is not None:
            fail(f"it ended with {d.process.returncode}")
        d.process.kill()
        d.process.wait()
        poll(lambda: not waiting(), "no queue and no packet after SIGKILL")
        if d.log(".bad") or d.log("empty connection table") or d.log("invalid record"):
            fail("the saved state")
        if [server.run(t, "-w", "-S") for t in ("iptables", "ip6tables")] != rules:
            fail("the hook rules have changed")
        d.launch()
    poll(lambda: d.log("finwalld: ready"), "the last daemon", 60)
    if not d.log("loaded ") or not os.path.exists(state):
        fail("the state was not loaded")
    still_work(conns)
    steady.flows()
    inode = saved(state)
    poll(lambda: saved(state) != inode, "saved again")
    # A save that was killed leaves one temporary file at most, which the next one replaces.
    names = sorted(os.listdir(folder))
    storm.terminate()
    storm.wait()
    steady.end()
    d.is_well()
    print(f"{number} kills in {time.monotonic() - before:.0f} s, {early} of them before it was "
          f"ready, {loads} after it had loaded; no packet, rule or damaged file left: {names}")
    if names != ["state"]:
        fail("files are left")
    d.end()


PTRACE_SEIZE, PTRACE_INTERRUPT, PTRACE_DETACH = 0x4206, 0x4207, 17


class Hang:
    """Stops one thread of another process."""

    def __init__(self, tid):
        self.tid = tid
        self.go, self.stopped = threading.Event(), threading.Event()
        self.why = None
        self.thread = threading.Thread(target=self.hold, daemon=True)
        self.thread.start()
        self.stopped.wait()
        if self.why:
            print("cannot trace a thread:", self.why)
            sys.exit(77)

    def hold(self):
        # The thread that traces must do all of it.
        ptrace = libc.ptrace
        ptrace.argtypes = [ctypes.c_long, ctypes.c_long, ctypes.c_void_p, ctypes.c_void_p]
        ptrace.restype = ctypes.c_long
        if ptrace(PTRACE_SEIZE, self.tid, None, None) != 0 or \
                ptrace(PTRACE_INTERRUPT, self.tid, None, None) != 0:
            self.why = os.strerror(ctypes.get_errno())
            self.stopped.set()
            return
        os.waitpid(self.tid, 0x40000000)  # __WALL
        self.stopped.set()
        self.go.wait()
        ptrace(PTRACE_DETACH, self.tid, None, None)

    def end(self):
        self.go.set()
        self.thread.join()


def case_worker():
    """A worker hangs: the watchdog is not fed, the other queue and the control socket work. One that
    crashes ends the daemon; the next one has the connections."""
    state = os.path.join(WORK, "state")
    manager = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    manager.bind(os.path.join(WORK, "notify"))
    os.chmod(os.path.join(WORK, "notify"), 0o666)
    fed = [0.0]

    def read():
        while True:
            if b"WATCHDOG=1" in manager.recv(4096):
                fed[0] = time.monotonic()
    threading.Thread(target=read, daemon=True).start()
    d = Daemon(config(), state, env=(f"NOTIFY_SOCKET={WORK}/notify", "WATCHDOG_USEC=1000000"))
    # The transfer in queue 0, the rest in queue 1.
    for chain, port in (("INPUT", "--dport"), ("OUTPUT", "--sport")):
        server.run("iptables", "-w", "-A", chain, "-p", "tcp", port, str(BULK), "-j", "NFQUEUE",
                   "--queue-num", "0")
        for tables in "iptables", "ip6tables":
            server.run(tables, "-w", "-A", chain, "-j", "NFQUEUE", "--queue-num", "1")
    steady = Steady()
    poll(lambda: fed[0] > 0, "the watchdog is fed")

    def is_fed():
        since = time.monotonic()
        poll(lambda: fed[0] > since, "the watchdog is fed", 5)
    hang = Hang(d.threads()["queue 0"])
    stopped = time.monotonic()
    time.sleep(2)
    at = fed[0]
    if at - stopped > 1:
        fail("the watchdog is fed although a worker hangs")
    connects(4)
    connects(6)
    d.stats()
    hang.end()
    is_fed()
    steady.flows()
    print(f"a worker that hangs: no message to the watchdog after {max(0, at - stopped):.2f} s; "
          "the other queue and the control socket work")
    hang = Hang(d.threads()["finwalld"])
    connects(4)
    steady.flows()
    is_fed()
    hang.end()
    d.stats()
    print("the main thread hangs: packets are judged")
    conns = opened(10)
    inode = saved(state)
    poll(lambda: saved(state) not in (None, inode), "saved", 10)
    inode = saved(state)
    poll(lambda: saved(state) != inode, "saved", 10)
    for nr in signal.SIGSEGV, signal.SIGABRT, signal.SIGKILL:
        os.kill(d.pid, nr)
        d.process.wait()
        poll(lambda: not waiting(), "no queue after a crash")
        d.start()
        d.logs("loaded ")
        steady.flows()
        still_work(conns)
        inode = saved(state)
        poll(lambda: saved(state) != inode, "saved", 10)
    open(LOG, "w").close()  # the sanitizer's report of SIGSEGV
    print("SIGSEGV, SIGABRT, SIGKILL: the next one has the connections")
    steady.end()
    d.end()


def case_raw():
    """The raw packet sender is stopped: what needs it is lost or late, all else goes on."""
    d = Daemon(config(rules="tcp dport 7009 reject with tcp reset", late="verify"))
    hook()
    steady = Steady()
    raw = int(subprocess.run(["pgrep", "-P", str(d.pid), "-x", "finwall-raw"], check=True,
                             stdout=subprocess.PIPE, text=True).stdout)
    conns = opened(5)
    os.kill(raw, signal.SIGSTOP)
    d.finwall("delete", "--dport", str(PORT), "--forget")
    steady.flows()
    for c in conns:
        c.close("client", "FIN")
    # More requests than its buffer has.
    client.run(PEER, "scan", "fin,rst", "10000", CLIENT[4], SERVER[4], "1", "20000")
    for family in 4, 6:
        connects(family)
    steady.flows()
    poll(lambda: sum(q["held"] for q in d.stats()["queues"]) == 0, "held packets", 20)
    print("stopped: new connections and the transfer go on, nothing stays held")
    os.kill(raw, signal.SIGCONT)

    def all_closed():
        for c in conns:
            c.step("server")
        return all(c.end_of["server"] for c in conns)
    poll(all_closed, "retransmitted FINs are proved", 40)
    print("continued: the closes that were retransmitted pass")
    d.is_well()
    steady.end()
    d.end()


def is_stopped(pid, tid):
    with open(f"/proc/{pid}/task/{tid}/stat") as stat:
        return stat.read().rsplit(")", 1)[1].split()[0] in "Tt"


def case_stopped():
    """A stopped daemon: packets wait, until it continues or is killed. After some seconds finwall
    hook watch lets the admin port pass, and nothing else, for that time."""
    state = os.path.join(WORK, "state")
    d = Daemon(config(more=f"hook {{ backend iptables; admin-port {ADMIN} }}",
                      rules=f"tcp dport {ADMIN} accept"), state)
    watch_log = os.path.join(WORK, "watch.log")
    with open(watch_log, "w") as log:
        watch = subprocess.Popen(["ip", "netns", "exec", server.name, os.path.join(BIN, "finwall"),
                                  "--socket", d.socket, "hook", "watch"], stdout=log, stderr=log)

    def watched(text):
        with open(watch_log) as at:
            return text in at.read()

    def admin_rules():
        return [line for line in server.run("iptables", "-S").splitlines()
                if f"port {ADMIN} " in line]
    poll(lambda: len(admin_rules()) == 2, "the hook rules")
    listening = [listener(server, SERVER[4], port) for port in (ADMIN, PORT)]

    def answers(port):
        s = client.socket(socket.AF_INET)
        s.settimeout(1.5)
        try:
            s.connect((SERVER[4], port))
            return True
        except OSError:
            return False
        finally:
            s.close()
    for port in ADMIN, PORT:
        if not answers(port):
            fail(f"port {port}")
    steady = Steady()
    inode = saved(state)
    poll(lambda: saved(state) not in (None, inode), "saved", 10)
    os.kill(d.pid, signal.SIGSTOP)
    poll(lambda: all(is_stopped(d.pid, tid) for tid in d.threads().values()), "it stops")
    begun = time.monotonic()
    if answers(ADMIN) or answers(PORT):
        fail("a port passes at once while the daemon is stopped")
    poll(lambda: answers(ADMIN), "the admin port passes", 20)
    print(f"stopped: the admin port answers after {time.monotonic() - begun:.1f} s")
    if answers(PORT):
        fail("another port passes while the daemon is stopped")
    if not watched(f"TCP port {ADMIN} of this machine is accepted"):
        fail("finwall hook watch does not report it")
    os.kill(d.pid, signal.SIGCONT)
    steady.flows()
    poll(lambda: watched("gives verdicts again"), "finwall hook watch reports the end", 20)
    poll(lambda: all("NFQUEUE" in rule for rule in admin_rules()), "the admin port is queued", 20)
    poll(lambda: answers(ADMIN) and answers(PORT), "both ports")
    print("continued: the admin port is queued again")
    os.kill(d.pid, signal.SIGSTOP)
    os.kill(d.pid, signal.SIGKILL)
    d.process.wait()
    if not answers(ADMIN) or answers(PORT):
        fail("after SIGKILL only the admin port passes")
    print("killed: only the admin port passes")
    d.start()
    steady.end()
    watch.terminate()
    watch.wait()
    d.end()
    for s in listening:
        s.close()


def case_memory():
    """Its address space may not grow: a reload, lists and traffic fail singly or go on."""
    text = config()
    d = Daemon(text)
    with open(f"/proc/{d.pid}/maps") as maps:
        if "libasan" in maps.read() or "libtsan" in maps.read():
            print("sanitizers need address space")
            d.end()
            sys.exit(77)
    hook()
    steady = Steady()
    conns = opened(50)
    with open(f"/proc/{d.pid}/statm") as statm:
        size = int(statm.read().split()[0]) * os.sysconf("SC_PAGESIZE")
    subprocess.run(["prlimit", "--pid", str(d.pid), f"--as={size + 65536}:"], check=True)
    big = text.replace("chain output", "set s { type ipv4_addr; elements = { " + ", ".join(
        f"10.{i >> 16 & 255}.{i >> 8 & 255}.{i & 255}" for i in range(0, 400000, 2)) +
        " } }\n\tchain output")
    with open(d.conf, "w") as out:
        out.write(big)
    refused = subprocess.run([os.path.join(BIN, "finwall"), "--socket", d.socket, "reload"],
                             stderr=subprocess.PIPE, text=True)
    print("reload:", refused.returncode, refused.stderr.strip()[:200])
    if refused.returncode == 0:
        fail("a reload without memory")
    for _ in range(20):
        subprocess.run([os.path.join(BIN, "finwall"), "--socket", d.socket, "list"],
                       stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        connects(4)
    steady.flows()
    still_work(conns)
    if d.process.poll() is not None:
        fail(f"it ended with {d.process.returncode}")
    subprocess.run(["prlimit", "--pid", str(d.pid), "--as=unlimited:"], check=True)
    d.finwall("reload")
    steady.end()
    d.end()
    print("without memory: traffic goes on; afterwards the reload succeeds")


if __name__ == "__main__":
    globals()["case_" + sys.argv[4]]()
