#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
#
# long.sh RULES FINWALLD [PACKETS [PART/PARTS]]: rule files against the kernel, with many packets each: all
# of this directory and of files/, and each construct of constructs alone. PART/PARTS carries out every
# PARTS-th of them. Prints a line for each with a difference, and the totals. Needs root.
rules=$1
finwalld=$2
packets=${3:-20000}
part=${4:-1/1}
here=$(dirname "$0")
work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT
nr=0
right=0
wrong=0
left_out=0

# compare NAME PACKETS FILE [ARG...]
compare() {
	name=$1
	len=$2
	shift 2
	nr=$((nr + 1))
	[ $((nr % ${part#*/})) = $((${part%/*} % ${part#*/})) ] || return 0
	"$rules" --packets "$len" "$@" >"$work/out" 2>&1
	rc=$?
	[ "$rc" != 77 ] || {
		cat "$work/out"
		exit 77
	}
	# Under load a message of the kernel can be late; a difference is there again.
	grep -q "^$len packets, .* 0 differences" "$work/out" || {
		seed=$(sed -n 's/^seed //p' "$work/out")
		"$rules" --packets "$len" --seed "$seed" "$@" >"$work/out" 2>&1
	}
	if grep -q "^$len packets, .* 0 differences" "$work/out"; then
		right=$((right + 1))
	else
		wrong=$((wrong + 1))
		printf '%s: %s\n' "$name" "$(tail -n 8 "$work/out")"
	fi
}

for file in "$here"/*.rules "$here"/*.rules6 "$here"/*.nft; do
	case $(basename "$file") in
	blocklist.rules) compare "$file" "$packets" --prefixes 100000 "$file" ;;
	counts.nft) compare "$file" 2000 --ticking "$file" ;;
	paced.nft) compare "$file" 2000 --pace 250 "$file" ;;
	*) compare "$file" "$packets" "$file" ;;
	esac
done
for file in "$here"/files/*.nft; do
	if "$finwalld" -n -c "$file" >"$work/out" 2>&1; then
		# Not with "flush ruleset", which removes the rules that watch the verdicts.
		sed '/^flush ruleset/d' "$file" >"$work/$(basename "$file")"
		compare "$file" "$packets" --own "$work/$(basename "$file")"
	else
		left_out=$((left_out + 1))
		echo "$file: left out: $(head -n 1 "$work/out")"
	fi
done
# One rule a line: in chains of their own, for each family that has the construct.
while IFS= read -r line; do
	case $line in
	'' | '#'*) continue ;;
	esac
	family=${line%% *}
	rule=${line#* }
	for verdict in drop accept; do
		{
			echo "table $family t {"
			for hook in input forward output; do
				printf '\tchain %s {\n\t\ttype filter hook %s priority filter; policy %s;\n\t\t%s %s\n\t}\n' \
					"$hook" "$hook" "$([ "$verdict" = drop ] && echo accept || echo drop)" "$rule" "$verdict"
			done
			echo '}'
		} >"$work/construct.nft"
		if "$finwalld" -n -c "$work/construct.nft" >"$work/out" 2>&1; then
			compare "$family $rule $verdict" "$packets" "$work/construct.nft"
		else
			left_out=$((left_out + 1))
			echo "$family $rule: left out: $(head -n 1 "$work/out")"
		fi
	done
done <"$here/constructs"
echo "$right as the kernel with $packets packets each, $wrong not, $left_out left out"
[ "$wrong" = 0 ]
