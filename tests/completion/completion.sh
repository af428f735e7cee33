#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# completion.sh BIN_DIR COMPLETION: completion offers exactly the commands and options of the --help
# texts, and the values that these list.
set -euo pipefail

PATH=$1:$PATH
# shellcheck source=cli/completion/finwall.bash
. "$2"
failed=0

complain() {
	echo "FAIL: $*" >&2
	failed=1
}

# offers WORD...: prints the completions of the last word, one a line.
offers() {
	COMP_WORDS=("$@") COMP_CWORD=$(($# - 1))
	COMPREPLY=()
	_finwall
	((${#COMPREPLY[@]} == 0)) || printf '%s\n' "${COMPREPLY[@]}" | sort -u
}

# is_offered EXPECTED WORD...: the completions of the last word are EXPECTED.
is_offered() {
	local expected=$1 got
	shift
	got=$(offers "$@" | tr '\n' ' ')
	[[ ${got% } == "$expected" ]] || complain "\"$*\" offers \"${got% }\", not \"$expected\""
}

# has_options COMMAND...: completion offers exactly the options that occur in the help text.
has_options() {
	local option shown offered
	offered=$(offers "$@" -)
	shown=$("$@" --help | grep -Eo -- '(^|[^[:alnum:]-])--?[[:alnum:]][[:alnum:]-]*' | grep -o -- '-.*' | sort -u)
	for option in $shown; do
		# an option before the command, or of conntrack(8) or tcpdump(8)
		[[ $option == --socket && $# -gt 1 || $option == -[ELw] ]] && continue
		# several short options in one word, as in "-nv"
		[[ $option =~ ^-[[:alnum:]]{2,}$ ]] && continue
		grep -qx -- "$option" <<<"$offered" || complain "$*: $option is not offered"
	done
	for option in $offered; do
		grep -qx -- "$option" <<<"$shown" || [[ $option == --help ]] ||
			complain "$*: $option is offered, but not in the help text"
	done
}

commands=$(finwall --help | awk '/^  [a-z]/ { print $1 }')
[[ $(wc -w <<<"$commands") -ge 13 ]] || complain "few commands: $commands"
is_offered "$(sort <<<"$commands" | xargs)" finwall ''
is_offered "$(sort <<<"$commands" | xargs)" finwall --socket /x ''
for command in $commands; do
	has_options finwall "$command"
done
has_options finwall
has_options finwalld
has_options finwall-bench

is_offered 'down load print unload up watch' finwall hook ''
is_offered 'unload up' finwall hook u
is_offered 'iptables nft' finwall hook up --backend ''
is_offered 'conntrack json text' finwall list -o ''
is_offered 'json text' finwall stats --output ''
is_offered '--sort --source --sport --src --state' finwall list --s
is_offered 'conntrack json text' finwall get --output ''
is_offered '--destination --dport --dry-run --dst' finwall flush --d
is_offered 'late-close' finwall stats ''
is_offered 'ruleset settings' finwall show ''
is_offered 'hook' finwall help ho
is_offered 'assured compare destroy late log new reject update' finwall events ''
is_offered 'json text' finwall trace -o ''
is_offered '' finwall events -n ''
is_offered 'latency' finwall-bench lat
is_offered 'CLOSE CLOSE_WAIT' finwall list --state CLOSE
is_offered 'FIN_WAIT' finwall delete -s F
is_offered 'icmp icmpv6' finwall list -p ic
is_offered 'lo' finwall list --interface lo
is_offered 'packets' finwall top --sort p
is_offered 'add delete flush list' finwall set ''
cd "$(dirname "$2")"
is_offered 'finwall.bash' finwall replay fin
is_offered 'finwall.bash' finwall hook up -c fin
is_offered 'finwall.bash' finwalld --config fin
is_offered 'finwall.bash' finwall --socket fin
is_offered 'finwall.bash' finwall-bench compare fin
exit "$failed"
