#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# usage.sh FINWALL: invalid command lines. Each must end with exit status 2 before the daemon is
# contacted, and name what is wrong.
set -euo pipefail

finwall=$1
failed=0
err=$(mktemp)
trap 'rm -f "$err"' EXIT

# refuses MESSAGE ARG...
refuses() {
	local message=$1 code=0
	shift
	"$finwall" --socket /nonexistent/finwall.sock "$@" >/dev/null 2>"$err" || code=$?
	if [[ $code != 2 ]] || ! grep -qF -- "$message" "$err"; then
		echo "finwall $*: exit status $code, expected 2 and \"$message\"; got: $(cat "$err")" >&2
		failed=1
	fi
}

refuses 'unknown command "lists"' lists
refuses 'unknown command "lists"' help lists
for command in counter delete doctor events flush get hook import-iptables list quota set show stats; do
	refuses 'Usage: finwall [--socket PATH] '"$command" "$command" --no-such-option
done
for command in counter doctor events get list quota set stats; do
	refuses 'unknown output format "xml"' "$command" -o xml
done
for command in doctor flush import-conntrack list reload stats version; do
	refuses 'unexpected argument "surplus"' "$command" surplus
done
refuses 'invalid interval "0"' stats --watch=0
refuses 'unexpected argument "3601"' stats --watch 3601
refuses 'unexpected argument "2"' stats 2
refuses 'unexpected argument "late-close"' stats late-close late-close
refuses '--watch excludes' stats --watch 1 --output json
refuses '--watch excludes' stats --watch --all
refuses 'invalid count "0"' events -n 0
refuses 'invalid count "1x"' events -n 1x
refuses 'invalid port "65536"' list -P 65536
refuses 'invalid port "no-such-service"' list -P no-such-service
refuses 'invalid source port "-1"' list --sport=-1
refuses 'invalid destination port "65536"' list --dport 65536
refuses 'invalid protocol "tpc": expected a name or number' list --protocol tpc
refuses 'invalid source "10.1.0.0/33"' list --source 10.1.0.0/33
refuses 'invalid destination "example.org"' list --dst example.org
refuses 'of the same family as the source' list --src 10.1.0.1 --dst ::1
refuses 'invalid state "OPEN": expected SYN_SENT, SYN_RECV' list --state OPEN
refuses 'invalid state "CLOSE,"' list --state CLOSE,
refuses 'invalid interface "a-name-too-long0"' list -i a-name-too-long0
refuses 'unknown order "size"' list --sort size
refuses 'invalid limit "0"' list --sort state --limit 0
refuses 'invalid limit "20001"' list --sort state --limit 20001
refuses '--limit is for --sort only' list --limit 5
refuses '--count and --sort exclude each other' list --count --sort state
refuses 'unknown output format "conntrack"' list --count -o conntrack
refuses 'invalid time "soon"' list --expires-under soon
refuses 'invalid time "0s"' list --expires-under 0s
refuses '--interface, --expires-under, --idle-over and --rule are for live connections' list -x -i eth0
refuses 'expected PROTO FROM TO' delete tcp 192.0.2.1:80
refuses 'expected PROTO FROM TO' delete tcp 192.0.2.1:80 192.0.2.2:65536
refuses 'expected PROTO FROM TO' delete tcp '[2001:db8::1]:80' '[2001:db8::2]80'
refuses 'expected PROTO FROM TO, or filters' delete
refuses 'expected PROTO FROM TO, or filters' delete --dry-run
refuses 'PROTO FROM TO and filters exclude each other' delete tcp 192.0.2.1:80 192.0.2.2:80 --sport 80
refuses 'exclude each other' delete --sport 80 --forget --remember
refuses 'invalid number "x"' delete icmp 192.0.2.1 192.0.2.2 --type x --id 1
refuses 'invalid source "192.0.2.300"' delete --source 192.0.2.300
refuses 'invalid source "192.0.2.300"' flush --source 192.0.2.300
refuses 'expected PROTO FROM TO' get tcp 192.0.2.1:80
refuses 'missing subcommand: up, down, watch, print, load or unload' hook
refuses 'unknown subcommand "renew": up, down, watch, print, load or unload' hook renew
refuses 'too many arguments' hook up down
refuses 'unknown backend "ebtables"' hook up --backend ebtables
refuses 'missing subcommand: ruleset or settings' show
refuses 'unknown subcommand "rules": ruleset or settings' show rules
refuses '--counters is for ruleset only' show settings --counters
refuses 'missing subcommand' set
refuses 'unknown subcommand "clear"' set clear blocked
refuses 'list: too many arguments' set list blocked other
refuses 'add: expected NAME ELEMENT...' set add blocked
refuses 'flush: expected NAME only' set flush blocked 192.0.2.1
refuses 'missing subcommand' counter
refuses 'unknown subcommand, expected list or reset' quota clear
refuses 'reset: expected NAME or --all' counter reset
refuses 'reset: expected NAME or --all' quota reset daily --all
refuses '--all is for reset only' counter list --all
refuses 'list: too many arguments' quota list daily other
# Every help text fits 80 columns.
for command in '' $("$finwall" help | awk '/^  [a-z]/ { print $1 }'); do
	"$finwall" help ${command:+"$command"} | expand | awk -v command="$command" '
		length($0) > 80 { print "help " command ": " length($0) " columns: " $0; wide = 1 }
		END { exit wide }' >&2 || failed=1
done
exit "$failed"
