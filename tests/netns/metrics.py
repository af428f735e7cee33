#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Clients of the metrics server.

usage: metrics.py get FILE tcp:ADDRESS:PORT|unix:PATH [ACCEPT]   headers to stdout, body to FILE
       metrics.py check FILE                                     OpenMetrics, strictly
       metrics.py abuse ADDRESS PORT                             clients that do harm
"""
import re
import socket
import sys
import time


def connect(where):
    kind, rest = where.split(":", 1)
    if kind == "unix":
        s = socket.socket(socket.AF_UNIX)
        s.connect(rest)
        return s
    address, port = rest.rsplit(":", 1)
    return socket.create_connection((address, int(port)), timeout=30)


def read_all(s):
    parts = []
    while part := s.recv(65536):
        parts.append(part)
    return b"".join(parts)


def request(where, text):
    s = connect(where)
    s.sendall(text)
    return read_all(s)


def get(where, accept=""):
    text = "GET /metrics HTTP/1.1\r\nHost: x\r\n"
    if accept:
        text += f"Accept: {accept}\r\n"
    head, body = request(where, (text + "\r\n").encode()).split(b"\r\n\r\n", 1)
    if not head.startswith(b"HTTP/1.1 200 "):
        sys.exit(f"not OK: {head}")
    size = int(re.search(rb"Content-Length: (\d+)", head).group(1))
    if size != len(body):
        sys.exit(f"{len(body)} bytes, not {size}")
    return head.decode(), body.decode()


LABEL = r'[a-zA-Z_]\w*="(?:[^"\\\n]|\\["\\n])*"'
SAMPLE = re.compile(rf'([a-zA-Z_:][\w:]*)(\{{{LABEL}(?:,{LABEL})*\}})? (\S+)$')
SUFFIXES = {
    "counter": ("_total",),
    "gauge": ("",),
    "histogram": ("_bucket", "_sum", "_count"),
}


def check(text):
    """The rules of OpenMetrics 1.0 that apply: order, suffixes, units, unique samples, buckets."""
    lines = text.split("\n")
    assert lines.pop() == "", "no newline at the end"
    assert lines.pop() == "# EOF", "no # EOF"
    families = set()
    seen = set()
    family = kind = None
    last_le = {}
    for line in lines:
        if line.startswith("# "):
            word, name, rest = (line[2:] + " ").split(" ", 2)
            rest = rest.strip()
            if word == "HELP":
                assert name not in families, f"{name} comes twice"
                families.add(name)
                family, kind = name, None
            assert name == family, line
            if word == "TYPE":
                kind = rest
                assert kind in SUFFIXES, line
            if word == "UNIT":
                assert name.endswith("_" + rest), line
            continue
        m = SAMPLE.match(line)
        assert m, f"not a sample: {line}"
        name, labels, value = m.group(1), m.group(2) or "", m.group(3)
        assert name in [family + s for s in SUFFIXES[kind]], f"{name} in family {family}"
        assert (name, labels) not in seen, f"twice: {line}"
        seen.add((name, labels))
        number = float(value)
        assert number >= 0 or kind == "gauge", line
        if name.endswith("_bucket"):
            le = re.search(r',?le="([^"]*)"', labels)
            key = (name, labels.replace(le.group(0), ""))
            bound, count = last_le.get(key, (-1.0, -1.0))
            assert float(le.group(1)) > bound and number >= count, f"out of order: {line}"
            last_le[key] = (float(le.group(1)), number)
    assert all(bound == float("inf") for bound, _ in last_le.values()), "no +Inf bucket"
    assert len(families) > 25, "few families"


def status(where, text):
    return request(where, text).split(b"\r\n", 1)[0].decode()


def abuse(address, port):
    where = f"tcp:{address}:{port}"
    for text, want in [
        (b"GET /other HTTP/1.1\r\n\r\n", "404"),
        (b"HEAD /metrics HTTP/1.0\r\n\r\n", "200"),
        (b"GET /metrics?x=1 HTTP/1.1\r\n\r\n", "200"),
        (b"POST /metrics HTTP/1.1\r\n\r\n", "405"),
        (b"\0\0\0\0", "400"),
        (b"nonsense\r\n\r\n", "400"),
        (b"GET /" + b"a" * 3000 + b" HTTP/1.1\r\n\r\n", "404"),
        (b"GET /metrics HTTP/1.1\r\nX: " + b"a" * 8192, "431"),
    ]:
        got = status(where, text)
        assert got.startswith(f"HTTP/1.1 {want} "), f"{text[:40]}: {got}"
    # Half a request, byte by byte: ended after ten seconds in all, and its place is free again.
    slow = [connect(where) for _ in range(40)]
    start = time.monotonic()
    open_ones = list(slow)
    while open_ones:
        assert time.monotonic() - start < 30, f"{len(open_ones)} slow clients are still served"
        for s in list(open_ones):
            s.setblocking(False)
            try:
                s.send(b"G")
                if s.recv(100) == b"":
                    open_ones.remove(s)
            except BlockingIOError:
                pass
            except OSError:
                open_ones.remove(s)
        time.sleep(0.1)
    get(where)
    # A thousand that come and go.
    for i in range(1000):
        try:
            s = connect(where)
            if i % 2:
                s.send(b"GET /metrics HTTP/1.1\r\n\r\n"[: i % 26])
            s.close()
        except OSError:
            pass
    for _ in range(50):
        try:
            get(where)
            return
        except (OSError, ValueError):
            time.sleep(0.1)
    sys.exit("no answer after a thousand clients")


def main():
    match sys.argv[1:]:
        case ["get", path, where, *accept]:
            head, body = get(where, *accept)
            print(head.replace("\r", ""))
            with open(path, "w", encoding="utf-8") as f:
                f.write(body)
        case ["check", path]:
            with open(path, encoding="utf-8") as f:
                check(f.read())
        case ["abuse", address, port]:
            abuse(address, int(port))
        case _:
            sys.exit(__doc__)


if __name__ == "__main__":
    main()
