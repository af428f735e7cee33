#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# sudo scripts/try-cluster.sh: installs the packages that finwall needs, and Redis, keepalived and
# conntrackd for this trial, builds finwall, and lets one gateway take over from another in network
# namespaces: with finwall in both ways to replicate, and with the kernel's tracker and conntrackd
# (FTFW). Outside these namespaces it changes only packages and build/. With FINWALL_BIN=DIR it
# installs and builds nothing. Exit status: 0 if finwall lost no connection with before-accept.
#
# IDLE, BUSY, STREAMS and AT_ONCE are numbers of connections; ADVERT is the interval of keepalived's
# messages in seconds. PEERS and TRIALS are what to try.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
# shellcheck source=scripts/lib.sh
. "$here/lib.sh"

IDLE=${IDLE:-1000}
BUSY=${BUSY:-50}
STREAMS=${STREAMS:-20}
AT_ONCE=${AT_ONCE:-1000}
ADVERT=${ADVERT:-1}
LATE=50
read -ra PEERS <<<"${PEERS:-async before-accept conntrackd}"
read -ra TRIALS <<<"${TRIALS:-failover late asymmetric}"
declare -A RESULT

main() {
	(($# == 0)) || die 'takes no arguments'
	((EUID == 0)) || die 'network namespaces need root; run: sudo scripts/try-cluster.sh'
	check_namespaces
	if [[ -z ${FINWALL_BIN:-} ]]; then
		install_packages "${BUILD_PACKAGES[@]}" "${NETNS_PACKAGES[@]}" \
			redis-server redis-tools conntrackd keepalived
		build_preset release finwalld finwall
		export FINWALL_BIN=$FINWALL_TOP/build/release/bin
	fi
	for peer_kind in "${PEERS[@]}"; do
		for trial in "${TRIALS[@]}"; do
			printf '%s, %s ... ' "$peer_kind" "$trial"
			RESULT[$peer_kind,$trial]=$(bash "$here/try-cluster.sh" --one "$peer_kind" "$trial" \
				2>"${TMPDIR:-/tmp}/try-cluster.$$" | tail -n 1) || true
			if [[ -z ${RESULT[$peer_kind,$trial]} ]]; then
				cat "${TMPDIR:-/tmp}/try-cluster.$$" >&2
				RESULT[$peer_kind,$trial]='failed'
			fi
			rm -f "${TMPDIR:-/tmp}/try-cluster.$$"
			printf '%s\n' "${RESULT[$peer_kind,$trial]}"
		done
	done
	show
	[[ ${RESULT[before-accept,failover]:-0 of $((IDLE + BUSY + STREAMS))} == \
		"0 of $((IDLE + BUSY + STREAMS))"* &&
		${RESULT[before-accept,asymmetric]:-0 of $AT_ONCE} == "0 of $AT_ONCE"* ]]
}

show() {
	local format='%-22s  %-52s  %-12s  %s\n' peer_kind
	cat <<-END

		Two gateways. failover: $IDLE idle and $BUSY busy connections and $STREAMS streams of UDP from the
		server, then the first gateway's links are down and its processes are killed, and keepalived moves
		its addresses (advert_int $ADVERT); gaps: the longest of a stream and of a busy connection. late:
		$LATE connections that have expired on the first gateway are closed after its daemon was killed
		and the routes were moved. asymmetric: $AT_ONCE connections at once, SYNs by one gateway and the
		answers by the other; slowest: of those that were opened.

	END
	# shellcheck disable=SC2059 # one format for all lines
	printf "$format" 'state shared by' 'failover: lost' 'late: stuck' 'asymmetric: failed'
	for peer_kind in "${PEERS[@]}"; do
		# shellcheck disable=SC2059
		printf "$format" "$([[ $peer_kind == conntrackd ]] && echo 'kernel, conntrackd' ||
			echo "finwall, $peer_kind")" "${RESULT[$peer_kind,failover]:-}" \
			"${RESULT[$peer_kind,late]:-}" "${RESULT[$peer_kind,asymmetric]:-}"
	done
}

# one KIND TRIAL: in namespaces of its own; prints the result.
one() {
	kind=$1
	established=1h
	established_s=3600
	if [[ $2 == late ]]; then
		established=4s
		established_s=4
	fi
	# shellcheck source=tests/support/netns.sh
	. "$FINWALL_TOP/tests/support/netns.sh"
	# shellcheck source=tests/support/cluster.sh
	. "$FINWALL_TOP/tests/support/cluster.sh"
	# shellcheck source=tests/support/cluster_conntrackd.sh
	. "$FINWALL_TOP/tests/support/cluster_conntrackd.sh"
	netns_begin iptables ip6tables python3 redis-server redis-cli conntrackd conntrack keepalived
	if [[ $2 == failover ]]; then
		cluster_networks
	else
		cluster_topology
	fi
	ns_link gw1 sync 10.4.0.1/30 - gw2 sync 10.4.0.2/30 -
	if [[ $kind == conntrackd ]]; then
		keepalived_check=/bin/true
		conntrackd_start 1
		conntrackd_start 2
		sleep 2
	else
		engine_start
		for gw in 1 2; do
			ns_queue gw$gw FORWARD --queue-num 0
			gateway_config $gw "$kind"
			gateway_start $gw
		done
		wait_until has_number 2 nodes.0.alive -eq 1
		wait_until has_number 1 nodes.0.alive -eq 1
	fi
	server_start
	if [[ $2 == failover ]]; then
		keepalived_start 1 100
		keepalived1_pid=$keepalived_pid
		wait_until has_addresses 1
		keepalived_start 2 50
	fi
	client_start
	"trial_$2"
}

# shared N: the second gateway has so many connections.
shared() {
	if [[ $kind == conntrackd ]]; then
		wait_until has_entries 2 "$1"
	else
		wait_until has_number 2 replicated -ge "$1"
	fi
}

take_over() {
	kill -KILL "$gw1_pid"
	via client 2
	via server 2
}

# die_at_once: the first gateway with all that is on it. The kernel's links are down before its processes
# are, because the kernel's tracker filters without a process.
die_at_once() {
	ip -n "$ns_tag-gw1" link set lan0 down
	ip -n "$ns_tag-gw1" link set wan0 down
	kill -KILL "$keepalived1_pid" "$gw1_pid"
}

second_word() {
	cut -d' ' -f2 <<<"$answer"
}

third_word() {
	cut -d' ' -f3 <<<"$answer"
}

trial_failover() {
	command_client open "$IDLE"
	command_client busy "$BUSY"
	command_client udp "$STREAMS"
	shared $((IDLE + BUSY + STREAMS))
	sleep 1
	die_at_once
	wait_until has_addresses 2
	sleep 1
	command_client calm
	good=$(second_word)
	gap=$(third_word)
	command_client heard
	good=$((good + $(second_word)))
	udp_gap=$(third_word)
	command_client echo 20
	good=$((good + $(second_word)))
	all=$((IDLE + BUSY + STREAMS))
	echo "$((all - good)) of $all, gap UDP $udp_gap ms, TCP $gap ms"
}

trial_late() {
	command_client open "$LATE"
	shared "$LATE"
	sleep 8
	take_over
	command_client close 10
	echo "$((LATE - $(second_word))) of $LATE"
}

trial_asymmetric() {
	via server 2
	# Neighbours are looked up by the first packets, which would be lost otherwise.
	for gw in 1 2; do
		ns gw$gw ping -qc 1 -W 2 10.9.0.1 >/dev/null || true
		ns gw$gw ping -qc 1 -W 2 10.9.0.2 >/dev/null || true
	done
	command_client open "$AT_ONCE" 30
	echo "$((AT_ONCE - $(second_word))) of $AT_ONCE, slowest $(third_word) ms"
}

if [[ ${1:-} == --one ]]; then
	one "$2" "$3"
else
	main "$@"
fi
