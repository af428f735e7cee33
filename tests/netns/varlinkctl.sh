#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
#
# The control protocol with the Varlink client of systemd: it accepts the descriptions of all
# interfaces, calls methods with one and with several replies, and understands errors. Optional:
# needs varlinkctl (systemd 255; `validate-idl` 257), or VARLINKCTL=PROGRAM.
# shellcheck source=tests/support/netns.sh
. "$(dirname "$0")/../support/netns.sh"

varlinkctl=${VARLINKCTL:-varlinkctl}
netns_begin iptables ip6tables python3 "$varlinkctl"
here=$(dirname "$0")
topo_pair client server
sock=$work/finwall.sock
accepting_config '	set block {
		type ipv4_addr
		elements = { 192.0.2.1 }
	}' >"$work/finwall.conf" <<'END'
	queue { num 7; count 1 }
	connections { accounting on }
END
daemon_start server "$work/finwall.conf"
# shellcheck source=tests/support/cli.sh
. "$here/../support/cli.sh"
ends 0 hook up -c "$work/finwall.conf"
ns client python3 -c 'import socket
u = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
for port in range(9, 1009): u.sendto(b"x", ("10.1.0.2", port))'

# ctl CODE ARG...: varlinkctl, whose exit status must be CODE: 0, or 1 for any other.
ctl() {
	want=$1
	code=0
	shift
	"$varlinkctl" --no-pager "$@" >"$work/out" 2>"$work/err" || code=1
	[ "$code" = "$want" ] || fail "varlinkctl $*: $code: $(cat "$work/out" "$work/err")"
}
ctl 0 info "$sock"
out_has '^ *Product: finwalld$'
ctl 0 list-interfaces "$sock"
out_has '^org\.finwall\.Control$'
out_has '^org\.varlink\.service$'
for interface in org.varlink.service org.finwall.Control; do
	ctl 0 introspect "$sock" "$interface"
	out_has "^interface $interface\$"
	cp "$work/out" "$work/$interface"
	if "$varlinkctl" --help | grep -q validate-idl; then
		ctl 0 validate-idl "$work/$interface"
	fi
done
grep -q '^method ListConnections($' "$work/org.finwall.Control" || fail "no ListConnections"

method=org.finwall.Control
ctl 0 -j call "$sock" $method.ListSets '{}'
out_has '"name":"block"'
ctl 0 -j call "$sock" $method.AddElements '{"set":"block","elements":["192.0.2.7"]}'
out_has '^\{"changed":1\}$'
ctl 0 -j --more call "$sock" $method.ListElements '{"set":"block"}'
[ "$(tr -d '\n' <"$work/out" | grep -o '192\.0\.2\.[17]' | tr '\n' ' ')" = '192.0.2.1 192.0.2.7 ' ] ||
	fail "elements: $(cat "$work/out")"
# Many replies: each connection once.
has_all() {
	ctl 0 -j --more call "$sock" $method.ListConnections '{"filter":{"protocol":"udp"}}'
	[ "$(grep -o '"destination_port":[0-9]*,"packets":1' "$work/out" | sort -u | wc -l)" = 1000 ]
}
wait_until has_all
[ "$(wc -l <"$work/out")" -ge 2 ] || fail "one reply only"
ctl 0 -j --more call "$sock" $method.CountConnections '{}'
out_has '"protocol":"udp","protocol_number":17,"state":"unreplied","count":1000'
# Errors: of the protocol, and finwall's own with their parameters.
ctl 1 -j call "$sock" $method.ListConnections '{}'
err_has 'org\.varlink\.service\.ExpectedMore'
ctl 1 -j call "$sock" $method.GetRuleset '{"counters":1}'
cat "$work/err" >>"$work/out"
out_has 'org\.varlink\.service\.InvalidParameter'
out_has '"parameter":"counters"'
ctl 1 -j call "$sock" $method.Dance '{}'
err_has 'org\.varlink\.service\.MethodNotFound'
ctl 1 -j call "$sock" $method.AddElements '{"set":"none","elements":["192.0.2.1"]}'
err_has 'org\.finwall\.Control\.NotFound'
daemon_end
