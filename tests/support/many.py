#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Many connections between two hosts, opened, used and closed by commands.

many.py serve ADDRESS PORT          echoes what it gets by TCP; a datagram makes it send datagrams
                                    back for ever, 50 a second
many.py client ADDRESS PORT SOURCE  reads commands, one a line, and prints a line for each:

    open N [SECONDS]  N connections at once           -> "open GOOD SLOWEST_MS"
    echo [SECONDS]    on each 100 bytes, and back     -> "echo GOOD SLOWEST_MS"
    close [SECONDS]   a FIN on each, and the peer's   -> "closed GOOD"
    drop              forgets all, without a segment  -> "dropped N"
    busy N            N connections that echo all the time, until "calm"
    calm              -> "calm GOOD SLOWEST_MS": those that never failed, the longest gap
    udp N             a datagram from each of N sockets, then no other -> "udp ANSWERED"
    heard             -> "heard GOOD SLOWEST_MS": those that still get datagrams, the longest gap
"""
import asyncio
import resource
import sys
import time


async def answer(reader, writer):
    try:
        while data := await reader.read(65536):
            writer.write(data)
            await writer.drain()
        writer.close()
    except OSError:
        pass


class Sender(asyncio.DatagramProtocol):
    """Sends to everyone who has sent something once."""

    def __init__(self):
        self.transport = None
        self.to = {}

    def connection_made(self, transport):
        self.transport = transport

    def datagram_received(self, data, addr):
        if addr not in self.to:
            self.to[addr] = asyncio.ensure_future(self.send(addr))

    async def send(self, addr):
        while True:
            self.transport.sendto(b"x" * 100, addr)
            await asyncio.sleep(0.02)


class Receiver(asyncio.DatagramProtocol):
    def __init__(self):
        self.last = None
        self.gap = 0

    def datagram_received(self, data, addr):
        now = time.monotonic()
        self.gap = max(self.gap, now - self.last) if self.last is not None else 0
        self.last = now


async def serve(address, port):
    server = await asyncio.start_server(answer, address, port, backlog=4096)
    await asyncio.get_running_loop().create_datagram_endpoint(Sender, (address, port))
    print("ready", flush=True)
    await server.serve_forever()


class Client:
    def __init__(self, address, port, source):
        self.to = (address, port)
        self.source = source
        self.open = []
        self.busy = []
        self.streams = []
        self.is_calm = False

    async def connect(self):
        began = time.monotonic()
        pair = await asyncio.open_connection(*self.to, local_addr=(self.source, 0))
        return pair, time.monotonic() - began

    @staticmethod
    async def talk(pair):
        began = time.monotonic()
        reader, writer = pair
        writer.write(b"x" * 100)
        await writer.drain()
        await reader.readexactly(100)
        return time.monotonic() - began

    @staticmethod
    async def end(pair):
        reader, writer = pair
        writer.write_eof()
        while await reader.read(65536):
            pass
        writer.transport.abort()
        return 0

    @staticmethod
    async def all(calls, seconds):
        """The results of those that come in time, and the slowest in milliseconds."""
        tasks = [asyncio.ensure_future(c) for c in calls]
        if tasks:
            await asyncio.wait(tasks, timeout=seconds)
        good = []
        for task in tasks:
            if task.done() and task.exception() is None:
                good.append(task.result())
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        return good

    @staticmethod
    def slowest(times):
        return round(max(times, default=0) * 1000)

    async def chat(self, record):
        pair, _ = await self.connect()
        while not self.is_calm:
            record["gap"] = max(record["gap"], await self.talk(pair))
            await asyncio.sleep(0.02)
        record["good"] = True

    async def stream(self):
        """Asks until there is an answer, and is silent after that."""
        transport, receiver = await asyncio.get_running_loop().create_datagram_endpoint(
            Receiver, (self.source, 0), self.to)
        while receiver.last is None:
            transport.sendto(b"x")
            await asyncio.sleep(0.5)
        self.streams.append(receiver)

    async def run(self, words):
        seconds = float(words[2]) if len(words) > 2 else 20
        if words[0] == "open":
            good = await self.all([self.connect() for _ in range(int(words[1]))], seconds)
            self.open += [pair for pair, _ in good]
            return f"open {len(good)} {self.slowest([t for _, t in good])}"
        if words[0] == "echo":
            seconds = float(words[1]) if len(words) > 1 else 20
            good = await self.all([self.talk(p) for p in self.open], seconds)
            return f"echo {len(good)} {self.slowest(good)}"
        if words[0] == "close":
            seconds = float(words[1]) if len(words) > 1 else 20
            good = await self.all([self.end(p) for p in self.open], seconds)
            self.open = []
            return f"closed {len(good)}"
        if words[0] == "drop":
            dropped, self.open = len(self.open), []
            return f"dropped {dropped}"
        if words[0] == "busy":
            for _ in range(int(words[1])):
                record = {"gap": 0, "good": False}
                self.busy.append((record, asyncio.ensure_future(self.chat(record))))
            return f"busy {words[1]}"
        if words[0] == "calm":
            self.is_calm = True
            await asyncio.wait([t for _, t in self.busy], timeout=20)
            good = [r for r, _ in self.busy if r["good"]]
            for _, task in self.busy:
                task.cancel()
            return f"calm {len(good)} {self.slowest([r['gap'] for r in good])}"
        if words[0] == "udp":
            good = await self.all([self.stream() for _ in range(int(words[1]))], seconds)
            return f"udp {len(good)}"
        if words[0] == "heard":
            now = time.monotonic()
            good = [s for s in self.streams if now - s.last < 1]
            return f"heard {len(good)} {self.slowest([s.gap for s in good])}"
        return "what?"

    async def commands(self):
        loop = asyncio.get_running_loop()
        print("ready", flush=True)
        while line := await loop.run_in_executor(None, sys.stdin.readline):
            print(await self.run(line.split()), flush=True)


def main():
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, 65536), hard))
    if sys.argv[1] == "serve":
        asyncio.run(serve(sys.argv[2], int(sys.argv[3])))
    else:
        asyncio.run(Client(sys.argv[2], int(sys.argv[3]), sys.argv[4]).commands())


main()
