#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# What a list of CONNECTIONS live connections costs the packets that arrive meanwhile, and the
# client: verdict latency with and without a running list, in turn; time and memory of the list in
# each format. Before that, what metrics cost without connections and with them. Needs a release
# build, FINWALL_BIN.
#
# usage: list_time.sh [CONNECTIONS [ROUNDS]]      as root; needs python3
# shellcheck source=tests/support/netns.sh
. "$(dirname "$0")/../tests/support/netns.sh"

netns_begin iptables ip6tables python3
here=$(dirname "$0")
connections=${1:-1000000}
rounds=${2:-5}
topo_pair client server
sock=$work/finwall.sock
accepting_config >"$work/finwall.conf" <<'END'
	queue { num 7; count 2; latency on }
	connections { max 1200000; accounting on }
	metrics { port 9477 }
	udp { timeout unreplied 1h }
END
daemon_start server "$work/finwall.conf"
ns server "$bin/finwall" --socket "$sock" hook up -c "$work/finwall.conf" >"$work/hook.log"
for i in $(seq 16); do
	ns client ip addr add "10.1.2.$i/32" dev lo
done
ns server ip route add 10.1.2.0/24 via 10.1.0.1
ns server python3 "$here/list_time.py" scrape
ns client python3 "$here/list_time.py" fill "$connections" "$bin/finwall" "$sock"
ns server python3 "$here/list_time.py" scrape
ns_bg server python3 "$here/list_time.py" serve 2>"$work/serve.log"
ns_bg client python3 "$here/list_time.py" traffic 2>"$work/traffic.log"
ns server python3 "$here/list_time.py" measure "$rounds" "$bin/finwall" "$sock"
daemon_end
