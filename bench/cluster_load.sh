#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
#
# What the replication of new connections costs: RATE connections a second, opened and closed with
# six segments each, pass one of two gateways of a cluster for SECONDS, in network namespaces. The
# same load is run without a cluster, with `async` and with `before-accept`, ROUNDS times in turn.
#
# Printed for each: processor time of finwalld, by threads, in percent of one core, on the gateway
# that the packets pass and on the other one; that of the engine; the lag; and how long the segments
# took from one end to the other, those that wait for the engine (SYN, SYN+ACK) and those that do
# not. Then medians, and what the replication adds: the differences to the load without a cluster.
#
# usage: cluster_load.sh [RATE [SECONDS [ROUNDS]]]    as root; needs redis-server and python3.
# FINWALL_BIN: the folder of finwalld (build/release/bin). KINDS: "none async before-accept".
# SNAPSHOT: the setting (1m).
set -eu

here=$(cd "$(dirname "$0")" && pwd)
rate=${1:-20000}
seconds=${2:-30}
rounds=${3:-3}

# one KIND: in namespaces of its own; prints a line of JSON.
one() {
	kind=$1
	# shellcheck source=tests/support/netns.sh
	. "$here/../tests/support/netns.sh"
	many=$here/../tests/support/many.py
	# shellcheck source=tests/support/cluster.sh
	. "$here/../tests/support/cluster.sh"
	netns_begin iptables ip6tables python3 redis-server redis-cli
	cluster_topology
	engine_start
	gateways="1 2"
	replicate=$kind
	if [ "$kind" = none ]; then
		gateways=1
		replicate=async
	fi
	for gw in $gateways; do
		ns_queue "gw$gw" FORWARD --queue-num 0
		gateway_config "$gw" "$replicate" "snapshot ${SNAPSHOT:-1m}"
		sed -i 's/resurrect off/&; max 4M; prefault on/' "$work/gw$gw.conf"
		[ "$kind" != none ] || sed -i '/cluster {/,/^\t*}$/d' "$work/gw$gw.conf"
		gateway_start "$gw"
	done
	if [ "$kind" != none ]; then
		wait_until has_number 2 nodes.0.alive -eq 1
		wait_until has_number 1 nodes.0.alive -eq 1
	fi
	wire_start "$rate" $((seconds + 6))
	sleep 3
	python3 "$here/cluster_load.py" measure "$seconds" "gw1=$gw1_pid" "gw2=${gw2_pid:-0}" \
		"engine=$engine_pid" "load=$wire_pid" >"$work/times.json"
	status=0
	wait "$wire_pid" || status=$?
	[ "$status" = 0 ] || echo "segments were lost: $(cat "$work/wire.json")" >&2
	for gw in 1 2; do
		if [ "$kind" = none ] || ! gateway $gw cluster --output json >"$work/cluster$gw.json"; then
			echo '{}' >"$work/cluster$gw.json"
		fi
	done
	python3 "$here/cluster_load.py" join "$kind" "$work"
}

if [ "${1:-}" = --one ]; then
	rate=$3
	seconds=$4
	one "$2"
	exit
fi
results=$(mktemp)
trap 'rm -f "$results"' EXIT
for round in $(seq "$rounds"); do
	for kind in ${KINDS:-none async before-accept}; do
		sh "$0" --one "$kind" "$rate" "$seconds" >>"$results"
		tail -n 1 "$results" | python3 "$here/cluster_load.py" line "$round"
	done
done
python3 "$here/cluster_load.py" table "$results"
