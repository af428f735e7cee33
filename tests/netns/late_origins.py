# SPDX-License-Identifier: GPL-2.0-or-later
"""The cases of late_origins.sh: how connections of every origin close after their entry expired.

The entries expire after 3 s (imported ones when the kernel's would). Picking up is off but for the
connections that are to be picked up.
"""
import os
import subprocess
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))
from ends import GATEWAY, Connection, Finwall, Ns, listener, poll  # noqa: E402

PORT = 7001
MOVED = 2 << 20

CONFIG = """
settings {{
	queue {{ num 0; count 1 }}
	connections {{ max 4096; remember-max 4096 }}
	state {{ interval 1s; import-kernel {imports} }}
	tcp {{ loose {loose}; timeout established 3s; timeout unacknowledged 3s;
		timeout max-retrans 3s }}
}}
table inet finwall {{
	chain forward {{
		type filter hook forward priority filter; policy drop;
		ct state established,related,untracked accept
		ct state new {new} accept
		meta l4proto {{ icmp, ipv6-icmp }} accept
	}}
}}
"""


class Router:
    """The gateway and its daemon, which is stopped, killed and started again."""

    def __init__(self, tag, work, binaries):
        self.tag, self.work, self.binaries = tag, work, binaries
        self.finwall = Finwall(os.path.join(binaries, "finwall"), os.path.join(work, "socket"))
        self.state = os.path.join(work, "state")
        self.daemon = None

    def start(self, loose="off", imports="off", new="tcp flags & (fin|syn|rst|ack) == syn"):
        config = os.path.join(self.work, "origins.conf")
        with open(config, "w") as out:
            out.write(CONFIG.format(loose=loose, imports=imports, new=new))
        log = open(os.path.join(self.work, "daemon.log"), "a")
        self.daemon = subprocess.Popen(
            ["ip", "netns", "exec", f"{self.tag}-router", os.path.join(self.binaries, "finwalld"),
             "-c", config, "-s", os.path.join(self.work, "socket"), "-S", self.state], stderr=log)
        poll(self.answers, "the daemon", 30)

    def answers(self):
        if self.daemon.poll() is not None:
            sys.exit("FAIL: finwalld ended")
        return subprocess.run(self.finwall.start + ["stats"], stdout=subprocess.DEVNULL,
                              stderr=subprocess.DEVNULL).returncode == 0

    def hook(self, up):
        subprocess.run(["ip", "netns", "exec", f"{self.tag}-router"] + self.finwall.start +
                       ["hook", up], check=True, stdout=subprocess.DEVNULL)

    def stop(self, kill=False):
        if kill:
            self.daemon.kill()
        else:
            self.daemon.terminate()
        code = self.daemon.wait()
        if not kill and code != 0:
            sys.exit(f"FAIL: finwalld exited with {code}")

    def forget(self):
        if os.path.exists(self.state):
            os.unlink(self.state)

    def wait_saved(self):
        """Until a save that began now has ended."""
        start = time.time()
        poll(lambda: os.path.exists(self.state) and os.path.getmtime(self.state) > start,
             "a save")
        start = time.time()
        poll(lambda: os.path.getmtime(self.state) > start, "another save")

    def wait_expired(self, connections):
        wanted = {c.client_port for c in connections.values()}

        def listed(*args):
            # The opener of a connection that was picked up may be either end.
            return {f["original"][end] for f in self.finwall.json("list", *args)
                    for end in ("source_port", "destination_port")}
        poll(lambda: wanted <= listed("--expired") and not wanted & listed("--proto", "tcp"),
             "connections that expire", 30)


def open_all(ends):
    """One for each family, end and way to close."""
    made = {}
    for family, address in GATEWAY["server"].items():
        s = listener(ends["server"], address, PORT)
        for who in "client", "server":
            for how in "FIN", "RST":
                made[family, who, how] = Connection(ends["client"], s, address)
        s.close()
    return made


def talk(connections, size=1):
    """Both ends send and receive."""
    for c in connections.values():
        for sender, receiver in (c.client, c.server), (c.server, c.client):
            left = size
            while left > 0:
                try:
                    left -= 0 if left == 0 else sender.send(bytes(min(left, 65536)))
                except BlockingIOError:
                    pass
                drain(receiver)
            got = time.monotonic() + 5
            while time.monotonic() < got and not is_empty(sender):
                drain(receiver)
            drain(receiver)


def drain(s):
    try:
        while s.recv(1 << 20):
            pass
    except BlockingIOError:
        pass


def is_empty(s):
    """Everything that it has sent is acknowledged."""
    import fcntl
    import struct
    import termios
    return struct.unpack("i", fcntl.ioctl(s.fileno(), termios.TIOCOUTQ, b"\0\0\0\0"))[0] == 0


def seen(router, ends):
    router.start()
    router.hook("up")
    return open_all(ends)


def revived(router, ends):
    made = seen(router, ends)
    router.wait_expired(made)
    talk(made)
    return made


def after_stop(router, ends):
    made = seen(router, ends)
    router.stop()
    router.start()
    return made


def after_crash(router, ends):
    made = seen(router, ends)
    router.wait_saved()
    router.stop(kill=True)
    router.start()
    return made


def after_crash_moved(router, ends):
    """Remembered when it is saved; then it is revived, moves on, and the daemon is killed."""
    made = seen(router, ends)
    router.wait_expired(made)
    router.wait_saved()
    saved = open(router.state, "rb").read()
    talk(made, MOVED)
    router.stop(kill=True)
    with open(router.state, "wb") as out:
        out.write(saved)
    router.start()
    return made


def picked_up(router, ends):
    made = seen(router, ends)
    router.stop(kill=True)
    router.forget()
    router.start(loose="on", new="meta l4proto tcp")
    talk(made)
    return made


def imported(router, ends):
    made = open_all(ends)
    router.start(imports="on")
    router.hook("up")
    return made


def imported_heard(router, ends):
    made = imported(router, ends)
    talk(made)
    return made


ORIGINS = [seen, revived, after_stop, after_crash, after_crash_moved, picked_up]
IMPORTED = [imported, imported_heard]


def closed_well(c, who, how, clients, servers):
    states = [s for s, _ in c.states(clients, servers)]
    if who == "server":
        states.reverse()
    return "/".join(states), states == (["TIME-WAIT", "closed"] if how == "FIN"
                                        else ["closed", "closed"])


def run(origin, router, ends):
    connections = origin(router, ends)
    router.wait_expired(connections)
    for (_, who, how), c in connections.items():
        c.close(who, how)

    def settled():
        for (_, who, _), c in connections.items():
            c.step("client")
            c.step("server")
        clients, servers = ends["client"].tcp_sockets(), ends["server"].tcp_sockets()
        return all(closed_well(c, who, how, clients, servers)[1]
                   for (_, who, how), c in connections.items())
    end = time.monotonic() + 20
    while time.monotonic() < end and not settled():
        time.sleep(0.05)
    clients, servers = ends["client"].tcp_sockets(), ends["server"].tcp_sockets()
    wrong = 0
    for (family, who, how), c in connections.items():
        text, good = closed_well(c, who, how, clients, servers)
        wrong += not good
        print(f"{origin.__name__:18} IPv{family} {how} from the {who:7} {text}",
              "" if good else "-- WRONG")
    late = {n: v for n, v in router.finwall.reasons().items() if n.startswith("late-") and v}
    print(f"{origin.__name__:18} {late}")
    router.hook("down")
    router.stop()
    router.forget()
    return wrong


def main():
    tag, work, binaries, tracked = sys.argv[1:5]
    ends = {name: Ns(f"{tag}-{name}") for name in ("client", "server")}
    router = Router(tag, work, binaries)
    wrong = 0
    origins = ORIGINS + (IMPORTED if tracked == "yes" else [])
    for origin in origins:
        wrong += run(origin, router, ends)
    print(f"{len(origins) * 8} cases, {wrong} wrong")
    return 1 if wrong else 0


sys.exit(main())
