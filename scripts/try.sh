#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# sudo scripts/try.sh: installs the packages that finwall needs, builds it, and shows late closes of
# real connections in network namespaces: with the kernel's tracker and with finwall. Outside these
# namespaces it changes only packages and build/. Exit status: 0 if all rows are as expected.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
# shellcheck source=scripts/lib.sh
. "$here/lib.sh"

FIREWALLS=(kernel strict remembered restarted verify)
declare -A TITLE=(
	[kernel]='kernel conntrack' [strict]='finwall strict' [remembered]='finwall remembered'
	[restarted]='finwall, restarted' [verify]='finwall verify, r.'
)
rows=0
rows_wrong=0

main() {
	(($# == 0)) || die 'takes no arguments'
	((EUID == 0)) || die 'network namespaces need root; run: sudo scripts/try.sh'
	check_namespaces
	[[ -e /proc/sys/net/ipv6 ]] || die 'IPv6 is disabled in this kernel'
	install_packages "${BUILD_PACKAGES[@]}" "${NETNS_PACKAGES[@]}"
	build_preset release finwalld finwall peer
	forget_log
	carry_out
	show_closes
	show_scans
	show_summary
	((rows_wrong == 0))
}

carry_out() {
	local f failed='' started=$SECONDS
	export FINWALL_BIN=$FINWALL_TOP/build/release/bin
	# shellcheck source=tests/support/netns.sh
	. "$FINWALL_TOP/tests/support/netns.sh"
	# shellcheck source=tests/support/late_close.sh
	. "$FINWALL_TOP/tests/support/late_close.sh"
	netns_begin ip ss iptables ip6tables conntrack
	trap 'interrupted 130' INT
	trap 'interrupted 143' TERM
	printf 'case: 40 connections, idle for more than %d s, then closed ... ' "$LC_IDLE_S"
	for f in "${FIREWALLS[@]}"; do
		lc_start "$f" host "$f"
	done
	for f in "${FIREWALLS[@]}"; do
		lc_wait "$f" || failed="$failed, ${TITLE[$f]}"
	done
	[[ -z $failed ]] || die "failed: ${failed#, }"
	printf '%d s\n' $((SECONDS - started))
}

# Suppresses the shell's messages about the processes that the clean-up ends.
interrupted() {
	printf '\ninterrupted: cleaning up\n'
	exec 2>/dev/null
	exit "$1"
}

show_closes() {
	local f who how format='%-18s %-6s %-3s  %-16s  %-16s  %s\n'
	cat <<-END

		${BOLD}A TCP connection is idle for longer than the timeout, then one end closes it.${PLAIN}
		The firewall runs on the host of that end and drops INVALID packets. In the last two rows of
		firewalls (restarted, r.) it was restarted without saved state instead: it has never
		seen the connections.

	END
	# shellcheck disable=SC2059 # one format for all lines
	printf "$format" firewall closes by 'IPv4 closer/peer' 'IPv6 closer/peer' outcome
	printf '%s\n' "$(printf -- '-%.0s' {1..77})"
	for f in "${FIREWALLS[@]}"; do
		for who in client server; do
			for how in FIN RST; do
				# shellcheck disable=SC2059
				printf "$format" "${TITLE[$f]}" "$who" "$how" \
					"$(sockets "$f" "$who" "$how" ipv4)" \
					"$(sockets "$f" "$who" "$how" ipv6)" \
					"$(outcome "$f" "$who" "$how")"
				judge "$f" "$who" "$how"
			done
		done
		printf '%18s  %d segments dropped as INVALID\n' '' "$(field "$f" dropped 2)"
	done
}

# field FIREWALL KIND NUMBER: prints field NUMBER of the result's line of that kind
field() {
	# shellcheck disable=SC2154 # netns.sh's
	awk -v kind="$2" -v n="$3" '$1 == kind { print $n }' "$work/$1/result"
}

states() { # states FIREWALL WHO HOW FAMILY: "CLOSER PEER"
	awk -v key="close $2 $3 $4 " 'index($0, key) == 1 { print $5, $6 }' "$work/$1/result"
}

sockets() {
	local both
	both=$(states "$@")
	printf '%s' "${both/ //}"
}

is_as_expected() { # is_as_expected FIREWALL WHO HOW
	local want
	want=$(lc_expected "$1" "$3")
	[[ $(states "$@" ipv4) == "$want" && $(states "$@" ipv6) == "$want" ]]
}

outcome() {
	if ! is_as_expected "$@"; then
		printf '%sUNEXPECTED%s' "$RED" "$PLAIN"
	elif [[ $1 == remembered || $1 == verify ]]; then
		printf '%sclosed%s' "$GREEN" "$PLAIN"
	elif [[ $3 == FIN ]]; then
		printf '%sboth stuck%s' "$RED" "$PLAIN"
	else
		printf '%speer stuck%s' "$RED" "$PLAIN"
	fi
}

judge() {
	rows=$((rows + 1))
	is_as_expected "$@" || rows_wrong=$((rows_wrong + 1))
}

show_scans() {
	local f sent passed dropped word format='%-18s  %6s  %7s  %6s  %s\n'
	cat <<-END

		${BOLD}A scan: FIN and RST segments of connections that never existed.${PLAIN}

	END
	# shellcheck disable=SC2059
	printf "$format" firewall sent dropped passed outcome
	printf '%s\n' "$(printf -- '-%.0s' {1..55})"
	for f in "${FIREWALLS[@]}"; do
		sent=$(field "$f" scan 2) passed=$(field "$f" scan 3) dropped=$(field "$f" scan 4)
		word="${GREEN}dropped$PLAIN"
		rows=$((rows + 1))
		if ((passed != 0 || dropped != sent)); then
			word="${RED}UNEXPECTED$PLAIN"
			rows_wrong=$((rows_wrong + 1))
		fi
		# shellcheck disable=SC2059
		printf "$format" "${TITLE[$f]}" "$sent" "$dropped" "$passed" "$word"
	done
}

show_summary() {
	if ((rows_wrong)); then
		printf '\n%s%d of %d rows are not as expected.%s\n' \
			"$RED" "$rows_wrong" "$rows" "$PLAIN"
		return
	fi
	cat <<-END

		All $rows rows are as expected. Without a remembered connection the late close is
		dropped and sockets stay open. finwall lets it pass, and drops the same
		segments of unknown connections. With the policy verify it needs no memory: the other
		end proves the close.
		Next: README.md, "Use it".
	END
}

main "$@"
