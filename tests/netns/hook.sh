#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
#
# finwall hook with backend iptables: up and down, each also twice; only chains of finwall change.
#
#	hook.sh nft|legacy
#
# PATH decides which of the two variants of iptables is used. The backend is set, because a kernel
# with a queue statement prefers nft; hook_queue.sh tests that.
# shellcheck source=tests/support/netns.sh
. "$(dirname "$0")/../support/netns.sh"

kind=$1

netns_begin iptables ip6tables
multi=$(command -v "xtables-$kind-multi") || skip "needs xtables-$kind-multi"
mkdir "$work/tools" "$work/no-tools"
for tool in iptables-save iptables-restore ip6tables-save ip6tables-restore; do
	ln -s "$multi" "$work/tools/$tool"
done

ns_add host
chains() {
	cat <<CONF
settings {
	queue { num 5; count 1; on-absent $1 }
	hook { backend iptables }
}
table inet finwall {
	chain input {
		type filter hook input priority filter; policy accept;
	}
	chain output {
		type filter hook output priority filter; policy accept;
	}
}
CONF
}
chains accept >"$work/accept.conf"
chains drop >"$work/drop.conf"
sed 's/hook input/hook forward/; s/num 5; count 1/num 5; count 2/; /chain output/,/^\t}/d' \
	"$work/accept.conf" >"$work/moved.conf"
echo 'settings { queue { num 5 } }' >"$work/empty.conf"

# hook ARG...: runs finwall hook in the namespace.
hook() {
	ns host env PATH="$work/tools:$PATH" "$bin/finwall" --socket "$work/finwall.sock" hook "$@" \
		>"$work/hook.out" 2>"$work/hook.err"
}
# shows FILE PATTERN
shows() {
	grep -q -- "$2" "$work/$1" || fail "hook did not print \"$2\" but: $(cat "$work/$1")"
}
# rules FILE: writes all rules, without dates.
rules() {
	for save in "$multi iptables-save" "$multi ip6tables-save"; do
		# shellcheck disable=SC2086 # two words
		ns host $save | grep -v '^#'
	done >"$work/$1"
}
same() {
	diff -u "$work/$1" "$work/$2" >&2 || fail "$3"
}

# Rules of others, some with names like those of finwall's chains.
for tables in iptables ip6tables; do
	ns host "$multi" "$tables" -w -N THEIRS
	ns host "$multi" "$tables" -w -A INPUT -p tcp --dport 22 -j ACCEPT
	ns host "$multi" "$tables" -w -A INPUT -j THEIRS
	ns host "$multi" "$tables" -w -A THEIRS -m comment --comment "-A INPUT -j FINWALL_INPUT" -j RETURN
	ns host "$multi" "$tables" -w -P FORWARD DROP
	ns host "$multi" "$tables" -w -t mangle -A OUTPUT -p udp -j MARK --set-mark 7
done
rules before

hook down || fail "down without up"
shows hook.out 'was not up'
rules now
same before now "down changed something that is not ours"

# print shows what up would do.
hook print -c "$work/accept.conf" || fail "print"
rules now
same before now "print changed something"
shows hook.out '^ip6tables-restore --noflush'
shows hook.out '-j NFQUEUE --queue-num 5 --queue-bypass$'

# Rules that drop everything while no daemon runs are refused, after a wait for one.
hook up -c "$work/drop.conf" && fail "up accepted rules that cut the machine off"
shows hook.err '--force'
rules now
same before now "a refused up changed something"

hook up -c "$work/accept.conf" || fail "up: $(cat "$work/hook.err")"
shows hook.out 'iptables NFQUEUE'
rules up
grep -qx -- '-A INPUT -j FINWALL_INPUT' "$work/up" || fail "no jump"
[ "$(grep -A1 -x -- '-A INPUT -j FINWALL_INPUT' "$work/up" | grep -c 'dport 22')" = 2 ] ||
	fail "the jump is not the first rule, in both families"
grep -vE '^(:|-A |-A [A-Z]+ -j )FINWALL_' "$work/up" >"$work/others"
same before others "up changed other rules"
hook up -c "$work/accept.conf" || fail "second up"
rules now
same up now "up twice is not up once"

# Another rule before the jump, and a lost rule: up repairs both.
ns host "$multi" iptables -w -I INPUT 1 -p udp --dport 53 -j ACCEPT
ns host "$multi" iptables -w -F FINWALL_OUTPUT
hook up -c "$work/accept.conf" || fail "third up"
ns host "$multi" iptables -w -D INPUT -p udp --dport 53 -j ACCEPT
rules now
same up now "up does not repair the rules"

# A configuration with other hooks and other queues.
hook up -c "$work/moved.conf" || fail "moved up"
rules moved
for rule in '-m bpf --bytecode .* -j NFQUEUE --queue-num 5' '-j NFQUEUE --queue-num 6'; do
	grep -qx -- "-A FINWALL_FORWARD $rule --queue-bypass" "$work/moved" ||
		fail "two queues are not used"
done
grep -q 'FINWALL_INPUT -' "$work/moved" && fail "the input hook is still there"

hook down || fail "down"
shows hook.out 'hook: down'
rules now
same before now "down changes other rules"
hook down || fail "second down"
shows hook.out 'was not up'

# Other rules jump to chains of finwall: down empties these and names the rule.
hook up -c "$work/accept.conf" || fail "up"
ns host "$multi" iptables -w -A THEIRS -p tcp -j FINWALL_INPUT
ns host "$multi" ip6tables -w -I OUTPUT 1 -o lo -g FINWALL_OUTPUT
hook down || fail "down with other references: $(cat "$work/hook.err")"
shows hook.out 'hook: down'
shows hook.err '-A THEIRS -p tcp -j FINWALL_INPUT'
rules now
grep -q NFQUEUE "$work/now" && fail "packets are still queued"
hook up -c "$work/moved.conf" || fail "up with other references: $(cat "$work/hook.err")"
hook down || fail "second down with other references"
rules now
grep -q NFQUEUE "$work/now" && fail "packets are queued after a second down"
ns host "$multi" iptables -w -D THEIRS -p tcp -j FINWALL_INPUT
ns host "$multi" ip6tables -w -D OUTPUT -o lo -g FINWALL_OUTPUT
hook down || fail "third down"
rules now
same before now "down after the references went"

hook up --force -c "$work/drop.conf" || fail "--force"
rules now
grep -qx -- '-A FINWALL_INPUT -j NFQUEUE --queue-num 5' "$work/now" || fail "bypass after --force"
hook down
rules now
same before now "down after --force"

hook up -c "$work/empty.conf" && fail "up without a chain"
shows hook.err 'nothing to queue'
hook up -c "$work/none.conf" && fail "up without a configuration"
code=0
hook sideways || code=$?
[ "$code" = 2 ] || fail "usage is not exit status 2"
rules now
same before now "failed commands changed something"

# The error names the missing tools.
# shellcheck disable=SC2016 # the inner shell expands it
ns host unshare -m sh -c 'mount -t tmpfs none /usr/sbin && PATH=$1 exec "$2" --socket "$1/none" hook up -c "$3"' \
	sh "$work/no-tools" "$bin/finwall" "$work/accept.conf" 2>"$work/hook.err" &&
	fail "up without tools"
shows hook.err 'iptables-save is not installed'

# Without CAP_NET_ADMIN.
chmod 755 "$work"
ns host setpriv --reuid 65534 --clear-groups "$bin/finwall" \
	--socket "$work/none" hook up -c "$work/accept.conf" 2>"$work/hook.err" && fail "up without rights"
shows hook.err 'root'
