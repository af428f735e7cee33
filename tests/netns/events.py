# SPDX-License-Identifier: GPL-2.0-or-later
"""The stream of events, for events.sh."""
import json
import os
import re
import socket
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))
from ends import Connection, Finwall, Ns, listener, poll  # noqa: E402

tag, work, binaries = sys.argv[1:4]
client, server = Ns(f"{tag}-client"), Ns(f"{tag}-server")
finwall = Finwall(os.path.join(binaries, "finwall"), os.path.join(work, "finwall.sock"))
peer = os.path.join(binaries, "../tests/peer")


def lines(name):
    with open(os.path.join(work, name)) as f:
        return [json.loads(line) for line in f.read().split("\n")[:-1]]


def readers():
    return finwall.json("stats")["event_readers"]


def text_reader(*args):
    before = readers()
    p = subprocess.Popen(finwall.start + ["events", *args], stdout=subprocess.PIPE, text=True)
    poll(lambda: readers() > before, "a reader")
    return p


everything = finwall.events(os.path.join(work, "all"), "late", "log")
only_log = finwall.events(os.path.join(work, "log"), "log")
three = text_reader("late", "-n", "3")
nine = text_reader("log", "--count", "1")

# Log statements, and late closes of connections that never existed.
client.socket(socket.AF_INET6, socket.SOCK_DGRAM).sendto(b"x", ("fd01::2", 9))
client.run(peer, "scan", "fin,rst", "10", "10.1.0.1", "10.1.0.2", "1")
poll(lambda: len(lines("all")) == 11, "11 events")
log, = [e["event"] for e in lines("all") if e["event"]["type"] == "log"]
assert {k: log[k] for k in ("prefix", "hook", "state", "in", "out", "source", "destination",
                            "destination_port", "family", "protocol_number", "length")} == {
    "prefix": "NINE: ", "hook": "input", "state": "new", "in": "eth0", "out": "",
    "source": "fd01::1", "destination": "fd01::2", "destination_port": 9, "family": "ipv6",
    "protocol_number": 17, "length": 49}, log
late = [e["event"] for e in lines("all") if e["event"]["type"] == "late"]
assert {e["class"] for e in late} == {"FIN", "RST"}
for e in late:
    assert (e["policy"], e["outcome"], e["verdict"]) == ("remembered", "late-unknown", "drop"), e
    assert "remembered" not in e and e["source"] == "10.1.0.1" and e["family"] == "ipv4"
assert [e["event"] for e in lines("log")] == [log]

out, _ = three.communicate(timeout=10)
assert three.returncode == 0
assert len(out.splitlines()) == 3, out
assert re.fullmatch(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{3} late FIN SRC=10\.1\.0\.1 DST=10\.1\.0\.2 "
                    r"PROTO=TCP SPT=\d+ DPT=\d+ policy=remembered outcome=late-unknown "
                    r"verdict=drop", out.splitlines()[0]), out
out, _ = nine.communicate(timeout=10)
assert re.search(r"NINE: IN=eth0 OUT= SRC=fd01::1 DST=fd01::2 LEN=49 .*PROTO=UDP", out), out
only_log.terminate()
only_log.wait()
poll(lambda: readers() == 1, "the end of the other readers")

# A late close that fits: why and when its entry was removed, and the distance from its window.
s = listener(server, "10.1.0.2", 7001)
c = Connection(client, s, "10.1.0.2")
poll(lambda: not finwall.json("list", "--proto", "tcp"), "the idle timeout")
c.close("client", "FIN")
poll(lambda: len(lines("all")) == 12, "the 12th event")
e = lines("all")[-1]["event"]
assert (e["class"], e["outcome"], e["verdict"]) == ("FIN", "late-revived", "accept"), e
assert e["source_port"] == c.client_port and e["destination_port"] == 7001
assert e["remembered"]["state"] == "ESTABLISHED" and e["remembered"]["cause"] == "idle", e
assert e["remembered"]["seq_distance"] == 0 and 0 <= e["remembered"]["ended_ms_ago"] < 5000, e

# Invalid parameters.
def ask(parameters, more=True):
    s = socket.socket(socket.AF_UNIX)
    s.settimeout(10)
    s.connect(os.path.join(work, "finwall.sock"))
    s.sendall(json.dumps({"method": "org.finwall.Control.StreamEvents", "more": more,
                          "parameters": parameters}).encode() + b"\0")
    return s


for parameters in {"kinds": ["x"]}, {"kinds": []}, {"kinds": [1]}, {"format": "xml"}, {"format": 1}, \
        {"rate": 0}, {"rate": "x"}, {"filter": {"port": -1}}, {"filter": {"hook": "prerouting"}}:
    assert b"InvalidParameter" in ask(parameters).recv(4096), parameters
assert b"ExpectedMore" in ask({}, more=False).recv(4096)

# A reader that does not read, and one that does.
before = len(lines("all"))
lazy = ask({"kinds": ["late"]})
poll(lambda: readers() == 2, "the lazy reader")
sent = 0
while finwall.json("stats")["events_skipped"] < 500:
    assert sent < 60000, "no event is skipped for a reader that does not read"
    client.run(peer, "scan", "fin", "500", "10.1.0.1", "10.1.0.2")
    sent += 500
    poll(lambda: len(lines("all")) >= before + sent, "the events of the other reader")
skipped = finwall.json("stats")["events_skipped"]
got, lost, rest = 0, 0, b""
lazy.settimeout(0.5)
while True:  # what was buffered
    try:
        rest += lazy.recv(1 << 16)
    except TimeoutError:
        break
client.run(peer, "scan", "fin", "1", "10.1.0.1", "10.1.0.2")
lazy.settimeout(10)
while lost == 0:
    rest += lazy.recv(1 << 16)
    *whole, rest = rest.split(b"\0")
    for m in whole:
        got += 1
        lost += json.loads(m)["parameters"].get("lost", 0)
assert lost == skipped and got + lost == sent + 1, (got, lost, skipped, sent)
assert all("lost" not in e for e in lines("all"))
print(f"{sent + 1} events: one reader got all, the slow one {got} and learned of {lost} lost")
lazy.close()
poll(lambda: readers() == 1, "the end of the lazy reader")
everything.terminate()
everything.wait()
