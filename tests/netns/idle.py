# SPDX-License-Identifier: GPL-2.0-or-later
"""The cases of idle.sh: what happens to idle connections, and when.

Port 7001: probe, both ends alive. 7002: probe, the client's address is removed. 7003: probe, the
server's address is removed. 7004: reset. The timeout is 2 s, a probe takes 2 times 1 s. All cases
wait at the same time; every end is in a blocking read.
"""
import os
import sys
import threading
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))
from ends import GATEWAY, PAIR, Connection, Finwall, Ns, listener, poll  # noqa: E402

TIMEOUT, PROBE = 2, 2
SLACK = 1.5  # ticks, scheduling on a busy machine
ALIVE_FOR = 6 * TIMEOUT

BEDS = {  # name: client, server, firewall; addresses of client and server
    "host": ("hclient", "hserver", "hserver", PAIR),
    "gateway": ("gclient", "gserver", "router", GATEWAY),
}


class Reader(threading.Thread):
    """A blocking read: its result, and when."""

    def __init__(self, sock):
        super().__init__(daemon=True)
        self.sock, self.got, self.at = sock, None, None
        sock.settimeout(ALIVE_FOR + 10)
        self.start()

    def run(self):
        try:
            self.got = "data" if self.sock.recv(1) else "eof"
        except ConnectionResetError:
            self.got = "ECONNRESET"
        except OSError as e:
            self.got = str(e)
        self.at = time.monotonic()


def address(ns, net, family, number, change):
    """Returns an address of an end; adds or deletes it unless change is "show"."""
    if change != "show":
        ns.run("ip", "addr", change, f"{net}{number}/{24 if family == 4 else 64}", "dev", "eth0",
               *(["nodad"] if family == 6 and change == "add" else []))
    return f"{net}{number}"


def connect(client, server, server_address, port, client_address):
    s = listener(server, server_address, port)
    c = Connection(client, s, server_address, client_address)
    s.close()
    c.since = time.monotonic()
    return c


def main():
    tag, work, binaries = sys.argv[1:4]
    only_reset = sys.argv[4:] == ["again"]
    cases = []
    for name, (client_name, server_name, firewall, addresses) in BEDS.items():
        if only_reset and name != "gateway":
            continue
        client, server = Ns(f"{tag}-{client_name}"), Ns(f"{tag}-{server_name}")
        finwall = Finwall(os.path.join(binaries, "finwall"),
                          os.path.join(work, firewall, "finwall.sock"))
        for family in 4, 6:
            client_net = addresses["client"][family][:-1]
            server_net = addresses["server"][family][:-1]
            for port in (7004,) if only_reset else (7001, 7002, 7003, 7004):
                ends = [address(client, client_net, family, 1, "show"),
                        address(server, server_net, family, 2, "show")]
                if port == 7002:
                    ends[0] = address(client, client_net, family, 77, "add")
                if port == 7003:
                    ends[1] = address(server, server_net, family, 88, "add")
                c = connect(client, server, ends[1], port, ends[0])
                if port == 7002:
                    address(client, client_net, family, 77, "del")
                if port == 7003:
                    address(server, server_net, family, 88, "del")
                cases.append((name, family, port, finwall, c, Reader(c.client), Reader(c.server)))
    return report(cases, only_reset)


def is_tracked(finwall, c):
    """An expired entry before its probe is not listed for a tick; a removed one is never listed."""
    return any((f["family"], f["original"]["source_port"], f["original"]["destination_port"]) ==
               (f"ipv{c.family}", c.client_port, c.port)
               for f in finwall.json("list", "--proto", "tcp"))


def report(cases, only_reset):
    wrong = 0
    last = max(c.since for _, _, _, _, c, _, _ in cases)
    poll(lambda: time.monotonic() > last + (TIMEOUT + SLACK if only_reset else ALIVE_FOR),
         "time to pass", ALIVE_FOR + 5)
    print("where    family case                 client                server")
    for name, family, port, finwall, c, client, server in cases:
        text = []
        for r in client, server:
            text.append(f"{r.got} {r.at - c.since:.1f} s" if r.got else "none")
        soon = {7001: None, 7002: (server,), 7003: (client,), 7004: (client, server)}[port]
        most = TIMEOUT + SLACK + (PROBE if port != 7004 else 0)
        if name == "host" and port == 7003:
            # The firewall's own address is gone: the client's replies to probes reach no firewall,
            # so neither end is reset.
            good = client.got is None and server.got is None
        elif soon is None:
            alive = client.got is None and server.got is None
            poll(lambda: is_tracked(finwall, c), "the entry of a connection that is alive")
            c.client.send(b"x")
            server.join(5)
            c.server.send(b"y")
            client.join(5)
            good = alive and server.got == "data" and client.got == "data"
            text = [t + ", then data" for t in text]
        else:
            good = all(r.got == "ECONNRESET" and TIMEOUT - 0.5 <= r.at - c.since <= most
                       for r in soon)
        wrong += not good
        label = {7001: "probe, both alive", 7002: "probe, client gone", 7003: "probe, server gone",
                 7004: "reset"}[port]
        print(f"{name:8} IPv{family}   {label:20} {text[0]:21} {text[1]}",
              "" if good else "-- WRONG")
    print(f"{len(cases)} cases, {wrong} wrong; timeout {TIMEOUT} s, probe {PROBE} s, "
          f"watched for {ALIVE_FOR} s")
    return 1 if wrong else 0


sys.exit(main())
