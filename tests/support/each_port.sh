# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=sh
#
# Datagrams and their replies between the namespaces client and server, after netns.sh.
#
#	each_port_begin                  # the server replies, on port 7000
#	each_port ADDRESS FIRST LAST SECONDS
#	                                 # one from every second port below LAST, with a reply within
#	                                 # so many seconds

each_port_begin() {
	cat >"$work/serve.py" <<'SERVE'
import socket
s = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)
s.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
s.bind(("::", 7000))
print("ready", flush=True)
while True:
    data, peer = s.recvfrom(100)
    s.sendto(data, peer)
SERVE
	ns_bg server python3 "$work/serve.py" >"$work/serve.log"
	wait_until grep -q ready "$work/serve.log"
}

each_port() {
	ns client python3 - "$@" <<'EACH'
import socket, sys
to, first, last = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
for port in range(first, last, 2):
    s = socket.socket(socket.AF_INET6 if ":" in to else socket.AF_INET, socket.SOCK_DGRAM)
    s.settimeout(int(sys.argv[4]))
    s.bind(("", port))
    s.sendto(b"x", (to, 7000))
    s.recv(100)
    s.close()
EACH
}
