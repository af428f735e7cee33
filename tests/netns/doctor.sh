#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
#
# finwall doctor: reports problems without daemon and hook rules, none with them, and one for a
# rule of another owner that drops INVALID, whichever tool added it and whichever tools can list it. In
# shadow mode it reports that.
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

# finwall ARG...: runs finwall in the namespace.
finwall() {
	ns host "$bin/finwall" --socket "$work/finwall.sock" "$@"
}
doctor() {
	finwall doctor -c "$work/finwall.conf" "$@" >"$work/doctor.out" 2>"$work/doctor.err"
}
# shows LEVEL CHECK
shows() {
	grep -q "^$1 *$2 " "$work/doctor.out" || fail "no $1 of $2: $(cat "$work/doctor.out")"
}

if doctor; then
	fail "no problem without a daemon"
fi
shows problem hooks
shows problem daemon
shows ok config

daemon_start host "$work/finwall.conf"
finwall hook up -c "$work/finwall.conf" >"$work/hook.log" 2>&1 || fail "no hooks"
doctor || fail "an unexpected problem: $(cat "$work/doctor.out")"
shows ok hooks
shows ok daemon
shows ok losses
shows ok invalid

# A rule of nft, where iptables is not installed; a rule of the other variant of iptables.
if command -v nft >/dev/null; then
	ns host nft -f - <<-'NFT'
		table inet other {
			chain bad {
				drop
			}
			chain pre {
				type filter hook prerouting priority raw; policy accept;
				ct state invalid jump bad
			}
		}
	NFT
	! doctor || fail "no problem for a rule of nft that drops INVALID"
	shows problem invalid
	mkdir "$work/sbin"
	cp "$(command -v nft)" "$work/sbin"
	# shellcheck disable=SC2016 # the inner shell expands it
	ns host unshare -m sh -c 'mount --bind "$1" /usr/sbin && shift && PATH=/usr/sbin:/bin exec "$@"' \
		sh "$work/sbin" "$bin/finwall" --socket "$work/finwall.sock" doctor \
		-c "$work/finwall.conf" >"$work/doctor.out" 2>"$work/doctor.err" &&
		fail "no problem where only nft is installed"
	shows problem invalid
	ns host nft delete table inet other
fi
for save in iptables-nft iptables-legacy; do
	command -v "$save" >/dev/null || continue
	ns host "$save" -w -A INPUT -m conntrack --ctstate INVALID -j DROP 2>/dev/null || continue
	is_other=$("$save" -V | grep -c "$(iptables -V | grep -o 'nf_tables\|legacy')") || true
	if [ "$is_other" = 0 ]; then
		! doctor || fail "$save: no problem for a rule that drops INVALID"
		shows problem invalid
	fi
	ns host "$save" -w -D INPUT -m conntrack --ctstate INVALID -j DROP
done
doctor || fail "a problem after its cause was removed: $(cat "$work/doctor.out")"

# Shadow mode: the hook rules must fit it.
sed -i 's/hook { backend iptables }/hook { backend iptables }; connections { enforce off }/' "$work/finwall.conf"
! doctor || fail "no problem for hook rules that bypass other rules"
shows problem hooks
finwall reload || fail "reload failed"
wait_until log_has 'enforce off: every packet is accepted'
finwall hook up -c "$work/finwall.conf" >"$work/hook.log" 2>&1 || fail "no hooks"
doctor || fail "shadow mode is a problem: $(cat "$work/doctor.out")"
shows warning enforce

ns host iptables -t mangle -A PREROUTING -m conntrack --ctstate INVALID -j DROP ||
	skip "needs iptables in table mangle with conntrack"
if doctor; then
	fail "no problem for a rule that drops INVALID"
fi
shows problem invalid
if doctor --output json; then
	fail "JSON: no problem"
fi
grep -q '"level": "problem"' "$work/doctor.out" || fail "JSON: no level problem"
