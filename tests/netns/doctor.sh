#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
#
# finwall doctor: problems before daemon and hooks, none with them, one again with a rule of others
# that drops INVALID.
# shellcheck source=tests/support/netns.sh
. "$(dirname "$0")/../support/netns.sh"

netns_begin iptables ip6tables iptables-save
ns_add host
cat >"$work/finwall.conf" <<'CONF'
settings {
	queue { num 5; count 1; on-absent accept }
	hook { backend iptables }
}
table inet finwall {
	chain input {
		type filter hook input priority filter; policy accept;
	}
}
CONF

# finwall ARG...: the command line in the namespace.
finwall() {
	ns host "$bin/finwall" --socket "$work/finwall.sock" "$@"
}
doctor() {
	finwall doctor -c "$work/finwall.conf" "$@" >"$work/doctor.out" 2>"$work/doctor.err"
}
# says LEVEL CHECK
says() {
	grep -q "^$1 *$2 " "$work/doctor.out" || fail "no $1 of $2: $(cat "$work/doctor.out")"
}

if doctor; then
	fail "nothing runs, and nothing is a problem"
fi
says problem hooks
says problem daemon
says ok config

daemon_start host "$work/finwall.conf"
finwall hook up -c "$work/finwall.conf" >"$work/hook.log" 2>&1 || fail "no hooks"
doctor || fail "a problem where none is: $(cat "$work/doctor.out")"
says ok hooks
says ok daemon
says ok losses
says ok invalid

ns host iptables -t mangle -A PREROUTING -m conntrack --ctstate INVALID -j DROP ||
	skip "needs iptables in table mangle with conntrack"
if doctor; then
	fail "a rule that drops INVALID is no problem"
fi
says problem invalid
if doctor --output json; then
	fail "as JSON it is no problem"
fi
grep -q '"level": "problem"' "$work/doctor.out" || fail "no problem in JSON"
