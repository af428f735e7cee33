#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
#
# finwall hook by the kernel's means: the queue statement of nft where it exists, otherwise iptables,
# or an error if nft is required. Up, up again, a flush by another program, down; other tables stay.
# shellcheck source=tests/support/netns.sh
. "$(dirname "$0")/../support/netns.sh"

netns_begin nft iptables
ns_add host

cat >"$work/auto.conf" <<'CONF'
settings { queue { num 5; count 2; on-absent accept } }
table inet finwall {
	chain input { type filter hook input priority filter; policy accept; }
	chain output { type filter hook output priority filter; policy accept; }
}
CONF
sed 's/on-absent accept/on-absent drop/' "$work/auto.conf" >"$work/drop.conf"
sed 's/ } }$/ }; hook { backend nft } }/' "$work/auto.conf" >"$work/nft.conf"

# hook ARG...
hook() {
	ns host "$bin/finwall" --socket "$work/finwall.sock" hook "$@" >"$work/hook.out" 2>"$work/hook.err"
}
says() {
	grep -q -- "$2" "$work/$1" || fail "hook did not print \"$2\" but: $(cat "$work/$1")"
}
rules() {
	ns host nft -s list ruleset >"$work/$1"
}
same() {
	diff -u "$work/$1" "$work/$2" >&2 || fail "$3"
}

ns host nft -f - <<'NFT' || skip "nft does not work here"
table inet theirs {
	chain input {
		type filter hook input priority 5; policy accept;
		tcp dport 22 accept
	}
}
NFT
rules before

if ! printf 'table inet t {\n chain c {\n queue to 1\n }\n}\n' | ns host nft -c -f - 2>/dev/null; then
	hook up -c "$work/nft.conf" && fail "backend nft without a queue statement"
	says hook.err 'no nft queue statement'
	rules now
	same before now "a refused up changed something"
	hook up -c "$work/auto.conf" || fail "no other backend was used: $(cat "$work/hook.err")"
	says hook.out 'iptables NFQUEUE (this kernel has no nft queue statement)'
	hook down || fail "down"
	exit 0
fi

hook up -c "$work/drop.conf" && fail "up accepted rules that cut the machine off"
says hook.err '--force'
rules now
same before now "a refused up changed something"

for conf in auto nft; do
	hook up -c "$work/$conf.conf" || fail "up: $(cat "$work/hook.err")"
	says hook.out 'nft queue statement'
	rules up
	[ "$(grep -c 'queue flags bypass to' "$work/up")" = 2 ] || fail "not both chains queue"
	hook up -c "$work/$conf.conf" || fail "second up"
	rules now
	same up now "up twice is not up once"
	ns host nft flush chain inet finwall_hook input
	hook up -c "$work/$conf.conf" || fail "third up"
	rules now
	same up now "up does not restore a flushed chain"
	ns host nft delete table inet finwall_hook
	hook up -c "$work/$conf.conf" || fail "fourth up"
	rules now
	same up now "up does not restore a deleted table"
	hook down || fail "down"
	says hook.out 'hook: down'
	rules now
	same before now "down does not restore the rules"
	hook down || fail "second down"
	says hook.out 'was not up'
done

# The other backend's rules go when this one's are there.
ns host "$bin/finwall" --socket "$work/none" hook up --backend iptables -c "$work/auto.conf" \
	>"$work/hook.out" || fail "up with iptables"
ns host iptables-save | grep -q FINWALL_INPUT || fail "no rules of iptables"
hook up -c "$work/auto.conf" || fail "up with nft after iptables"
ns host iptables-save | grep -q FINWALL_INPUT && fail "the rules of iptables are still there"
hook down || fail "last down"
