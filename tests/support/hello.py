# SPDX-License-Identifier: GPL-2.0-or-later
# Whether a port can be reached.
#
#	hello.py serve PORT...         sends hello to every client, IPv4 and IPv6
#	hello.py ask ADDRESS PORT      fails unless hello arrives within 3 seconds
import selectors, socket, sys
if sys.argv[1] == "serve":
	s = selectors.DefaultSelector()
	for port in sys.argv[2:]:
		listener = socket.create_server(("::", int(port)), family=socket.AF_INET6, dualstack_ipv6=True)
		s.register(listener, selectors.EVENT_READ)
	while True:
		for key, _ in s.select():
			c = key.fileobj.accept()[0]
			try:
				c.sendall(b"hello")
			except OSError:
				pass
			c.close()
c = socket.create_connection((sys.argv[2], int(sys.argv[3])), 3)
c.settimeout(3)
sys.exit(c.recv(9) != b"hello")
