# SPDX-License-Identifier: GPL-2.0-or-later
# A UDP connection and pings, on command.
#
#	talk.py serve ADDR PORT         echoes UDP; `push` on standard input sends to the last sender
#	talk.py hold ADDR PORT          `udp` and `ping` on standard input send; prints `udp` or `ping`
#	                                for each reply, `pushed` for other datagrams. `ready` first.
import os, select, socket, struct, sys
mode, addr, port = sys.argv[1], sys.argv[2], int(sys.argv[3])
family = socket.AF_INET6 if ":" in addr else socket.AF_INET
udp = socket.socket(family, socket.SOCK_DGRAM)
socks = [udp]
if mode == "serve":
	udp.bind((addr, port))
else:
	udp.connect((addr, port))
	proto = socket.IPPROTO_ICMPV6 if ":" in addr else socket.IPPROTO_ICMP
	icmp = socket.socket(family, socket.SOCK_DGRAM, proto)
	icmp.connect((addr, 0))
	socks.append(icmp)
print("ready", flush=True)
partner = None
commands = b""
while True:
	for s in select.select(socks + [0], [], [])[0]:
		if s == 0:
			commands += os.read(0, 100)
			while b"\n" in commands:
				line, commands = commands.split(b"\n", 1)
				if line == b"push":
					udp.sendto(b"unasked", partner)
				elif line == b"udp":
					udp.send(b"hello")
				elif line == b"ping":
					kind = 128 if ":" in addr else 8
					head = struct.pack("!BBHHH", kind, 0, 0, 0, 1)
					total = sum(struct.unpack("!4H", head))
					icmp.send(struct.pack("!BBHHH", kind, 0, 0xffff & ~total, 0, 1))
		elif mode == "serve":
			data, partner = s.recvfrom(100)
			s.sendto(data, partner)
		else:
			data = s.recv(100)
			print("ping" if s is not udp else "udp" if data == b"hello" else "pushed", flush=True)
