#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Every late policy with real sockets; late_matrix.py has the cases and the expected states.
# Two firewalls: on the server (input, output) and on a gateway (forward).
#
#	late_matrix.sh [fast-path]
#
# fast-path: with the kernel fast path, which has leased every connection before it is idle.
# shellcheck source=tests/support/fast_path.sh
. "$(dirname "$0")/../support/fast_path.sh"

netns_begin ip ss iptables ip6tables python3
python3 -c 'import ctypes; ctypes.CDLL(None).setns' 2>/dev/null || skip "needs setns in Python"

topo_pair hclient hserver
topo_gateway gclient router gserver

python3 "$(dirname "$0")/late_matrix.py" config >"$work/matrix.conf"
if [ "${1:-}" = fast-path ]; then
	sed -i 's/^settings {/settings {\n\thook { fast-path on }/' "$work/matrix.conf"
	grep -q 'fast-path on' "$work/matrix.conf" || fail "no setting"
fi
for bed in hserver router; do
	mkdir "$work/$bed"
	[ "${1:-}" != fast-path ] || fast_path_begin "$work/$bed"
	daemon_start "$bed" "$work/matrix.conf" -s "$work/$bed/finwall.sock"
	eval "daemon_$bed=$daemon_pid"
	mv "$work/daemon.log" "$work/$bed.log"
	ns "$bed" "$bin/finwall" --socket "$work/$bed/finwall.sock" hook up -c "$work/matrix.conf" \
		>"$work/$bed.hook"
	if [ "${1:-}" = fast-path ]; then
		! grep -q 'no pinned bpf match' "$work/$bed.hook" || skip "no xt_bpf"
		grep -q 'kernel fast path for' "$work/$bed.hook" || fail "no kernel fast path"
		wait_until grep -q 'the kernel fast path is used' "$work/$bed.log"
	fi
done

# resolve neighbours first: a scan's segments would be lost meanwhile
for to in 10.1.0.2 fd01::2; do wait_until ns_ping hclient "$to"; done
for to in 10.3.0.2 fd03::2; do wait_until ns_ping gclient "$to"; done

# shellcheck disable=SC2154 # set by eval
python3 "$(dirname "$0")/late_matrix.py" run "$ns_tag" "$work" "$bin" \
	"$daemon_hserver" "$daemon_router" || fail "the table differs"
if [ "${1:-}" = fast-path ]; then
	for bed in hserver router; do
		granted=$(fast_path_field granted "$work/$bed/finwall.sock")
		echo "$bed: $granted leases granted," \
			"$(fast_path_field packets "$work/$bed/finwall.sock") packets accepted by the kernel"
		[ "$granted" -ge 200 ] || fail "only $granted leases were granted"
	done
fi
for daemon_pid in "$daemon_hserver" "$daemon_router"; do
	daemon_end
done
