#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""A Varlink client that knows nothing of finwall.

usage: varlink.py introspect SOCKET   reads the interface's description, calls the methods that
                                      change nothing, and checks the types of their replies
       varlink.py abuse SOCKET        a thousand clients that do harm
"""
import json
import re
import socket
import sys
import time


def connect(path, timeout):
    """Waits while the daemon has not accepted those before."""
    while True:
        s = socket.socket(socket.AF_UNIX)
        s.settimeout(timeout)
        try:
            s.connect(path)
            return s
        except BlockingIOError:
            s.close()
            time.sleep(0.01)


class Client:
    def __init__(self, path):
        self.sock = connect(path, 30)
        self.buf = b""

    def send(self, message):
        self.sock.sendall(json.dumps(message).encode() + b"\0")

    def receive(self):
        while b"\0" not in self.buf:
            part = self.sock.recv(65536)
            if not part:
                raise ConnectionError("closed")
            self.buf += part
        message, self.buf = self.buf.split(b"\0", 1)
        return json.loads(message)

    def call(self, method, parameters=None, more=False):
        """All replies of a call."""
        message = {"method": method, "parameters": parameters or {}}
        if more:
            message["more"] = True
        self.send(message)
        while True:
            reply = self.receive()
            yield reply
            if not reply.get("continues"):
                return


TOKEN = re.compile(r"#[^\n]*|->|\[\]|[?(),:]|[A-Za-z_][\w.]*|\s+")


class Description:
    """A parser of the interface language: types, methods, errors."""

    def __init__(self, text):
        pos = 0
        self.tokens = []
        while pos < len(text):
            m = TOKEN.match(text, pos)
            assert m, f"not Varlink: {text[pos:pos + 40]!r}"
            pos = m.end()
            if not m.group().isspace() and not m.group().startswith("#"):
                self.tokens.append(m.group())
        self.types, self.methods, self.errors = {}, {}, {}
        assert self.next() == "interface"
        self.name = self.next()
        while self.tokens:
            kind, name = self.next(), self.next()
            assert kind in ("type", "method", "error"), kind
            if kind == "type":
                self.types[name] = self.struct()
            elif kind == "error":
                self.errors[name] = self.struct()
            else:
                given = self.struct()
                assert self.next() == "->"
                self.methods[name] = (given, self.struct())

    def next(self):
        return self.tokens.pop(0)

    def struct(self):
        members = {}
        assert self.next() == "("
        while self.tokens[0] != ")":
            name = self.next()
            assert name not in members and self.next() == ":", name
            members[name] = self.type()
            if self.tokens[0] == ",":
                self.next()
        self.next()
        return members

    def type(self):
        if self.tokens[0] == "?":
            self.next()
            return ("optional", self.type())
        if self.tokens[0] == "[]":
            self.next()
            return ("array", self.type())
        if self.tokens[0] == "(":
            return ("struct", self.struct())
        return self.next()

    def check_nested(self):
        """systemd refuses a nested struct with a member of a named type."""
        for where, members in (*self.types.items(), *self.errors.items(),
                               *((f"{n} {i}", m) for n, both in self.methods.items()
                                 for i, m in enumerate(both))):
            for name, kind in members.items():
                while isinstance(kind, tuple) and kind[0] != "struct":
                    kind = kind[1]
                assert not isinstance(kind, tuple), f"{where}: {name} is a nested struct"

    def check(self, value, kind, where):
        if isinstance(kind, tuple) and kind[0] == "optional":
            if value is not None:
                self.check(value, kind[1], where)
        elif isinstance(kind, tuple) and kind[0] == "array":
            assert isinstance(value, list), where
            for i, item in enumerate(value):
                self.check(item, kind[1], f"{where}[{i}]")
        elif isinstance(kind, tuple) or kind in self.types:
            members = kind[1] if isinstance(kind, tuple) else self.types[kind]
            assert isinstance(value, dict), where
            self.check_members(value, members, where)
        else:
            types = {"string": str, "int": int, "bool": bool, "float": float, "object": dict}
            assert kind in types, f"{where}: unknown type {kind}"
            assert isinstance(value, types[kind]), f"{where}: {value!r} is no {kind}"
            assert kind != "int" or not isinstance(value, bool), where

    def check_members(self, value, members, where):
        for name in value:
            assert name in members, f"{where}: member {name} is not described"
        for name, kind in members.items():
            if name not in value:
                assert isinstance(kind, tuple) and kind[0] == "optional", f"{where}: no {name}"
            self.check(value.get(name), kind, f"{where}.{name}")


def introspect(path):
    client = Client(path)
    (info,) = client.call("org.varlink.service.GetInfo")
    interfaces = info["parameters"]["interfaces"]
    assert interfaces[0] == "org.varlink.service", interfaces
    (reply,) = client.call("org.varlink.service.GetInterfaceDescription",
                           {"interface": interfaces[1]})
    d = Description(reply["parameters"]["description"])
    assert d.name == interfaces[1], d.name
    (reply,) = client.call("org.varlink.service.GetInterfaceDescription",
                           {"interface": interfaces[0]})
    service = Description(reply["parameters"]["description"])
    service.check_members(info["parameters"], service.methods["GetInfo"][1], "GetInfo")
    d.check_nested()
    calls = {
        "ListConnections": [{}, {"expired": True}, {"format": "conntrack", "options": ["id"]},
                            {"sort": "bytes", "limit": 5}],
        "CountConnections": [{}],
        "CountQueued": [{}],
        "GetConnection": [],
        "GetStats": [{}],
        "GetHooks": [{}],
        "GetSettings": [{}],
        "GetRuleset": [{}, {"counters": True}],
        "ListSets": [{}],
        "ListElements": [{"set": "block"}],
    }
    streams = ("ListConnections", "CountConnections", "CountQueued", "ListElements")
    for name, parameters in calls.items():
        for p in parameters:
            given, out = d.methods[name]
            d.check_members(p, given, name)
            for reply in client.call(f"{d.name}.{name}", p, name in streams):
                assert "error" not in reply, reply
                d.check_members(reply.get("parameters", {}), out, name)
        print(name, len(parameters))
    # Errors: of the protocol, and described ones.
    for method, parameters, error in [
        (f"{d.name}.Dance", {}, "org.varlink.service.MethodNotFound"),
        ("org.example.Other.Do", {}, "org.varlink.service.InterfaceNotFound"),
        (f"{d.name}.ListElements", {"set": "block"}, "org.varlink.service.ExpectedMore"),
        (f"{d.name}.GetRuleset", {"counters": 1}, "org.varlink.service.InvalidParameter"),
        (f"{d.name}.GetConnection", {"protocol": "udp", "source": "192.0.2.1",
                                     "destination": "192.0.2.2", "source_port": 1,
                                     "destination_port": 2}, f"{d.name}.NotFound"),
    ]:
        (reply,) = client.call(method, parameters)
        assert reply.get("error") == error, reply
        if error.startswith(d.name):
            d.check_members(reply["parameters"], d.errors[error.rsplit(".", 1)[1]], error)
    print(f"{len(d.methods)} methods, {len(d.types)} types, {len(d.errors)} errors described")


def harmful(path, nr):
    """One client. Returns a socket that stays open, or None."""
    s = connect(path, 5)
    call = b'{"method":"org.finwall.Control.ListConnections","more":true}\0'
    kind = nr % 10
    try:
        if kind == 0:
            s.sendall(b"nonsense\0" * 10)
        elif kind == 1:
            s.sendall(b"{" * 100000)
        elif kind == 2:
            s.sendall(b'{"method":' + b"[" * 5000 + b"\0")
        elif kind == 3:
            s.sendall(b"\0" * 1000)
        elif kind == 4:
            s.sendall(bytes(range(256)) * 20)
        elif kind == 5:
            s.sendall(call[:20])  # half a call, and then nothing
            return s
        elif kind == 6:
            return s  # nothing at all
        elif kind == 7:
            s.sendall(call * 200)  # many calls, no reply is read
            return s
        elif kind == 8:
            s.sendall(b'{"method":"org.finwall.Control.StreamEvents","more":true}\0' + call)
            return s
        else:
            s.sendall(call)
            s.shutdown(socket.SHUT_RD)
    except OSError:
        pass
    s.close()
    return None


def is_served(path):
    """A well-behaved client is served, as soon as those that have gone are noticed."""
    start = time.monotonic()
    while True:
        try:
            (info,) = Client(path).call("org.varlink.service.GetInfo")
            if "error" not in info:
                return
        except ConnectionError:
            pass
        assert time.monotonic() - start < 20, "no reply beside harmful clients"
        time.sleep(0.05)


def abuse(path):
    kept = []
    for nr in range(1000):
        s = harmful(path, nr)
        if s is not None:
            kept.append(s)
        if len(kept) > 100:
            for s in kept:
                s.close()
            kept = []
        if nr % 50 == 0 and len(kept) < 20:
            is_served(path)
    for s in kept:
        s.close()
    is_served(path)


{"introspect": introspect, "abuse": abuse}[sys.argv[1]](sys.argv[2])
