#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
#
# A real Prometheus scrapes the daemon, loads the alert rules as they are in conf/monitoring, and
# each query of the dashboard and of the alerts returns data. Optional: needs Prometheus.
# shellcheck source=tests/support/netns.sh
. "$(dirname "$0")/../support/netns.sh"

netns_begin iptables ip6tables python3 prometheus promtool
here=$(dirname "$0")
monitoring=$here/../../conf/monitoring
topo_pair client server
sock=$work/finwall.sock
cat >"$work/finwall.conf" <<'END'
settings {
	queue { num 7; count 2; latency on }
	metrics { port 9477 }
}
table inet finwall {
	set block {
		type ipv4_addr
		elements = { 192.0.2.1 }
	}
	chain input {
		type filter hook input priority filter; policy accept;
		udp dport 9 counter drop
	}
	chain output {
		type filter hook output priority filter; policy accept;
	}
}
END
daemon_start server "$work/finwall.conf"
# shellcheck source=tests/support/cli.sh
. "$here/../support/cli.sh"
ends 0 hook up -c "$work/finwall.conf"

promtool check rules "$monitoring/finwall-alerts.yml" >"$work/promtool.log" ||
	fail "the alert rules are invalid"
cp "$monitoring/finwall-alerts.yml" "$work"
sed 's/scrape_interval: 15s/scrape_interval: 1s/' "$monitoring/prometheus.yml" >"$work/prometheus.yml"
promtool check config "$work/prometheus.yml" >"$work/promtool.log" || fail "prometheus.yml is invalid"
ns_bg server prometheus --config.file="$work/prometheus.yml" --storage.tsdb.path="$work/tsdb" \
	--web.listen-address=127.0.0.1:9090 --log.level=error 2>"$work/prometheus.log"
ns_bg client python3 -c 'import socket, time
u = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
while True:
    u.sendto(b"x", ("10.1.0.2", 9)); u.sendto(b"x", ("10.1.0.2", 19)); time.sleep(0.05)'

ns server python3 "$here/prometheus.py" http://127.0.0.1:9090 "$monitoring" >"$work/queries" ||
	fail "$(cat "$work/queries")"
cat "$work/queries"
daemon_end
