# SPDX-License-Identifier: GPL-2.0-or-later
"""Both ends of many TCP connections in one process, for tests with network namespaces.

A socket belongs to the namespace in which it is made, so one process can hold the client's and the
server's end and close them in any order. Knows nothing of finwall but its command line.
"""
import ctypes
import json
import os
import socket
import struct
import subprocess
import sys
import time

CLONE_NEWNET = 0x40000000
libc = ctypes.CDLL(None, use_errno=True)
HOME = os.open("/proc/self/ns/net", os.O_RDONLY)

# The addresses of topo_pair and topo_gateway in netns.sh, which builds all namespaces.
PAIR = {"client": {4: "10.1.0.1", 6: "fd01::1"}, "server": {4: "10.1.0.2", 6: "fd01::2"}}
GATEWAY = {"client": {4: "10.2.0.1", 6: "fd02::1"}, "server": {4: "10.3.0.2", 6: "fd03::2"}}


class Ns:
    """A named namespace: sockets and programs in it."""

    def __init__(self, name):
        self.name = name
        self.fd = os.open("/run/netns/" + name, os.O_RDONLY)

    def socket(self, family, kind=socket.SOCK_STREAM, proto=0):
        if libc.setns(self.fd, CLONE_NEWNET):
            raise OSError(ctypes.get_errno(), "setns")
        try:
            return socket.socket(family, kind, proto)
        finally:
            libc.setns(HOME, CLONE_NEWNET)

    def run(self, *args):
        return subprocess.run(("ip", "netns", "exec", self.name) + args, check=True,
                              stdout=subprocess.PIPE, text=True).stdout

    def tcp_sockets(self):
        """{(local port, peer port, family): (state, retransmissions)} of all but listeners."""
        found = {}
        for line in self.run("ss", "-Htano", "state", "connected").splitlines():
            word = line.split()
            family = 6 if word[3].startswith("[") else 4
            key = int(word[3].rsplit(":", 1)[1]), int(word[4].rsplit(":", 1)[1]), family
            times = 0
            if "timer:(on," in line:
                times = int(line.split("timer:(", 1)[1].split(")")[0].split(",")[2])
            found[key] = word[0], times
        return found


class Finwall:
    """Runs finwall for one daemon."""

    def __init__(self, binary, control_socket):
        self.start = [binary, "--socket", control_socket]

    def __call__(self, *args):
        return subprocess.run(self.start + list(args), check=True, stdout=subprocess.PIPE,
                              text=True).stdout

    def json(self, *args):
        return json.loads(self(*args, "--output", "json"))

    def reasons(self):
        return {r["name"]: r["packets"] for r in self.json("stats")["reasons"]}

    def event(self, name):
        return {e["name"]: e["count"] for e in self.json("stats")["events"]}[name]

    def events(self, path, *args):
        """Writes the stream of events to a file; returns the process when the daemon serves it."""
        before = self.json("stats")["event_readers"]
        with open(path, "w") as out:
            p = subprocess.Popen(self.start + ["events", "--output", "json", *args], stdout=out)
        poll(lambda: self.json("stats")["event_readers"] > before, "a reader of events")
        return p


def poll(condition, what, seconds=10):
    """Waits until condition() is true; ends the test when it stays false."""
    end = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > end:
            sys.exit("FAIL: timeout: " + what)
        time.sleep(0.02)


def family_of(address):
    return socket.AF_INET6 if ":" in address else socket.AF_INET


def listener(ns, address, port):
    s = ns.socket(family_of(address))
    s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    s.bind((address, port))
    s.listen(512)
    return s


class Connection:
    """Both ends, established, with a byte sent and acknowledged each way."""

    def __init__(self, client_ns, listening, address, client_address=None):
        self.port = listening.getsockname()[1]
        self.family = 6 if ":" in address else 4
        self.client = client_ns.socket(family_of(address))
        self.client.settimeout(10)
        if client_address:
            self.client.bind((client_address, 0))
        self.client.connect((address, self.port))
        self.client_port = self.client.getsockname()[1]
        listening.settimeout(10)
        self.server, _ = listening.accept()
        self.server.settimeout(10)
        self.client.send(b"c")
        self.server.recv(1)
        self.server.send(b"s")
        self.client.recv(1)
        self.got = {"client": b"", "server": b""}
        self.end_of = {"client": None, "server": None}  # how the end of the connection was reported
        self.client.setblocking(False)
        self.server.setblocking(False)

    def half_close(self):
        """The client sends its FIN; returns when it is acknowledged."""
        self.client.shutdown(socket.SHUT_WR)
        poll(lambda: self.server.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 1) == b"\x08" and
             self.client.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 1) == b"\x05",
             "CLOSE_WAIT and FIN_WAIT_2")

    def end(self, who):
        return self.client if who == "client" else self.server

    def close(self, who, how):
        s = self.end(who)
        if how == "RST":
            s.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        s.close()

    def step(self, who, close_on_end=True):
        """Reads; an end that reads end-of-file closes too, as most programs do."""
        s = self.end(who)
        if s.fileno() < 0 or self.end_of[who]:
            return
        try:
            data = s.recv(4096)
        except BlockingIOError:
            return
        except ConnectionResetError:
            self.end_of[who] = "reset"
            s.close()
            return
        except OSError as e:
            self.end_of[who] = e.strerror
            s.close()
            return
        if data:
            self.got[who] += data
            return
        self.end_of[who] = "eof"
        if close_on_end:
            s.close()

    def states(self, client_sockets, server_sockets):
        """The states of both ends; "closed" where the socket is gone."""
        return (client_sockets.get((self.client_port, self.port, self.family), ("closed", 0)),
                server_sockets.get((self.port, self.client_port, self.family), ("closed", 0)))


def still_work(conns):
    """A byte goes each way."""
    for c in conns:
        c.client.send(b"x")
        c.server.send(b"x")

    def all_there():
        for c in conns:
            c.step("client")
            c.step("server")
        return all(len(c.got[w]) == c.want for c in conns for w in ("client", "server"))
    for c in conns:
        c.want = getattr(c, "want", 0) + 1
    poll(all_there, "the connections work", 30)
