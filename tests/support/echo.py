# SPDX-License-Identifier: GPL-2.0-or-later
# A connection with constant traffic and checked contents.
#
#	echo.py serve ADDRESS               on port 7000: sends back what it receives, `ready` first
#	echo.py send ADDRESS ENOUGH ROUNDS  sends and compares until the file ENOUGH exists; the file
#	                                    ROUNDS has the number of rounds so far. Ends with `intact N`,
#	                                    or fails.
import os, socket, sys
address = sys.argv[2]
if sys.argv[1] == "serve":
	s = socket.create_server((address, 7000))
	print("ready", flush=True)
	c = s.accept()[0]
	while data := c.recv(65536):
		c.sendall(data)
	print("closed", flush=True)
	sys.exit()
c = socket.create_connection((address, 7000))
c.settimeout(30)
rounds = 0
while not os.path.exists(sys.argv[3]):
	rounds += 1
	sent = rounds.to_bytes(4, "big") * 8192
	c.sendall(sent)
	got = b""
	while len(got) < len(sent):
		part = c.recv(65536)
		assert part, "closed"
		got += part
	assert got == sent, "damaged"
	with open(sys.argv[4] + ".new", "w") as f:
		f.write(str(rounds))
	os.rename(sys.argv[4] + ".new", sys.argv[4])
c.close()
print("intact", rounds, flush=True)
