#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
#
# A configuration with an input chain only, the example of finwall.conf(5): connections in both
# directions work, because input and output are hooked together. A forward chain alone stays alone.
# shellcheck source=tests/support/netns.sh
. "$(dirname "$0")/../support/netns.sh"
# shellcheck source=tests/support/cli.sh
. "$(dirname "$0")/../support/cli.sh"

netns_begin iptables ip6tables socat ss
topo_pair client server
sock=$work/finwall.sock
cat >"$work/finwall.conf" <<'CONF'
settings {
	queue { num 3; count 1 }
	hook { backend iptables }
}
table inet filter {
	set blocked {
		type ipv4_addr
		flags interval
		elements = { 192.0.2.0/24, 198.51.100.7 }
	}
	chain input {
		type filter hook input priority filter; policy drop;
		ct state established,related accept
		ip saddr @blocked counter drop
		tcp dport { 22, 443 } ct state new accept
	}
}
CONF
sed 's/hook input/hook forward/' "$work/finwall.conf" >"$work/forward.conf"

# hooks FILE: the hooks that `hook print` queues.
hooks() {
	"$bin/finwall" --socket "$work/none" hook print --backend iptables -c "$1" |
		sed -n 's/^-I \([A-Z]*\) 1 -j FINWALL_.*/\1/p' | sort -u | tr '\n' ' '
}
[ "$(hooks "$work/finwall.conf")" = "INPUT OUTPUT " ] || fail "hooks: $(hooks "$work/finwall.conf")"
[ "$(hooks "$work/forward.conf")" = "FORWARD " ] || fail "hooks: $(hooks "$work/forward.conf")"

# answers FROM ADDRESS PORT: a TCP connection is answered with a line.
answers() {
	[ "$(ns "$1" socat -T 3 - "TCP:$2:$3,connect-timeout=3" </dev/null)" = hello ]
}
for place in server client; do
	ns_bg "$place" socat TCP-LISTEN:22,fork,reuseaddr 'SYSTEM:echo hello'
	wait_until ns_listens "$place" 22
done
"$bin/finwalld" -n -c "$work/finwall.conf" || fail "the configuration is refused"
daemon_start server "$work/finwall.conf"
ends 0 hook up -c "$work/finwall.conf"
answers client 10.1.0.2 22 || fail "no connection to this machine"
answers server 10.1.0.1 22 || fail "no connection from this machine"
code=0
finwall doctor -c "$work/finwall.conf" || code=$?
out_has 'ok +hooks'

# One of the two is lost: the doctor reports it.
ns server iptables -w -D OUTPUT -j FINWALL_OUTPUT
finwall doctor -c "$work/finwall.conf" && fail "no problem without the output hook"
out_has 'problem +hooks +IPv4: .* output'
daemon_end
