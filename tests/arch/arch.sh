#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# Checks the layers of doc/design.md: which file includes which, which symbols the core needs, that
# each header compiles alone, that each file begins with the SPDX line.
#
# usage: arch.sh includes|spdx SOURCE_DIR
#        arch.sh headers SOURCE_DIR BUILD_DIR CC
#        arch.sh symbols NM ARCHIVE...      lowest layer first
set -u

# Where layers.txt and shared.txt are; includes_test.sh has its own.
tables=${ARCH_TABLES:-$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd)}
# Where the sources of the programs are, and nothing else.
sources='include/finwall daemon chart cli bench'
failed=0

fail() {
	echo "$*" >&2
	failed=1
}

# Prints the layer of a path; nothing when layers.txt does not list it. A pattern's * does not match
# a slash: the directories are compared first, the names by the pattern.
layer_of() {
	while read -r layer pattern; do
		case $layer in
		'#' | '') continue ;;
		esac
		if [ "${1%/*}" != "${pattern%/*}" ]; then
			continue
		fi
		# shellcheck disable=SC2254 # a pattern
		case ${1##*/} in
		${pattern##*/})
			echo "$layer"
			return
			;;
		esac
	done < "$tables/layers.txt"
}

# header_path FILE NAME: the project header that FILE's #include of NAME means, as a path; nothing
# for a system header. The include path of a target is its program's folder and daemon/.
header_path() {
	case $2 in
	finwall/*) echo "include/$2" ;;
	*)
		for dir in "${1%/*}" "${1%%/*}" daemon daemon/* cli bench .; do
			if [ -f "$dir/$2" ]; then
				path=$dir/$2
				echo "${path#./}"
				return
			fi
		done
		;;
	esac
}

check_core_system_header() {
	case $2 in
	stdint.h | stdbool.h | stddef.h | string.h | stdatomic.h | emmintrin.h | arm_neon.h) ;;
	*) fail "$1: the core must not include <$2>" ;;
	esac
}

check_includes_of() {
	file=$1
	own=$(layer_of "$file")
	if [ -z "$own" ]; then
		fail "$file: no layer; put it into tests/arch/layers.txt"
		return
	fi
	# shellcheck disable=SC2013 # one word each
	for inc in $(sed -n 's/^[ 	]*#[ 	]*include[ 	]*["<]\([^">]*\)[">].*/\1/p' "$file"); do
		path=$(header_path "$file" "$inc")
		if [ -z "$path" ]; then
			case $own in
			[012]) check_core_system_header "$file" "$inc" ;;
			esac
			continue
		fi
		theirs=$(layer_of "$path")
		if [ -z "$theirs" ]; then
			fail "$file: $path has no layer"
		elif [ "$theirs" -gt "$own" ]; then
			fail "$file (layer $own) includes $path (layer $theirs)"
		fi
		check_folders "$file" "$path"
	done
}

# check_folders FILE PATH: what a file must not include of another folder, whatever the
# layers.
check_folders() {
	case ${1%/*}:$2 in
	daemon/core:daemon/core/*) return ;;
	*:daemon/core/*)
		grep -qxF "${1%/*} $2" "$tables/shared.txt" ||
			fail "$1 includes $2, which is private to daemon/core (see tests/arch/shared.txt)"
		;;
	daemon/wire:daemon/policy/* | daemon/io:daemon/policy/* | \
		daemon/wire:daemon/sets/* | daemon/io:daemon/sets/*)
		fail "$1 includes $2: wire and io must not know the language"
		;;
	daemon/policy:daemon/wire/* | daemon/policy:daemon/io/* | \
		daemon/sets:daemon/wire/* | daemon/sets:daemon/io/*)
		fail "$1 includes $2: the language must not know wire and io"
		;;
	daemon/sets:daemon/policy/* | daemon/text:daemon/policy/* | daemon/text:daemon/sets/*)
		fail "$1 includes $2: policy uses sets, and sets use text, not the reverse"
		;;
	daemon/text:daemon/wire/* | daemon/text:daemon/io/*)
		fail "$1 includes $2: text must not know wire and io"
		;;
	esac
}

check_includes() {
	cd "$1" || exit 2
	# shellcheck disable=SC2086 # several folders
	for file in $(find $sources -name '*.[chly]' | sort); do
		check_includes_of "$file"
	done
}

# In a script, behind the lines that only tools read.
check_spdx() {
	cd "$1" || exit 2
	for file in $(find bench chart cli daemon include tests cmake scripts \
		-name '*.[chly]' -o -name '*.sh' -o -name '*.py' -o -name '*.pkt' -o -name '*.cmake' \
		-o -name CMakeLists.txt) CMakeLists.txt; do
		first=$(sed -n '1{/^#!/n;/^# shellcheck/n;p;q;}' "$file")
		case $first in
		*'SPDX-License-Identifier: GPL-2.0-or-later'*) ;;
		*) fail "$file: its first line is not the SPDX line" ;;
		esac
	done
}

# Every header compiles alone, and twice. Some of daemon/policy need what bison makes.
check_headers() {
	cd "$1" || exit 2
	set -- "$2" "$3" -std=gnu11 -Wall -Wextra -Werror -D_GNU_SOURCE -fsyntax-only \
		-I. -Iinclude -Idaemon -Idaemon/policy -Icli "-I$2/daemon/policy"
	cc=$2
	shift 2
	# shellcheck disable=SC2086 # several folders
	for header in $(find $sources -name '*.h' | sort); do
		if ! printf '#include "%s"\n#include "%s"\n' "$header" "$header" | "$cc" "$@" -xc -; then
			fail "$header does not compile alone, or twice"
		fi
	done
}

# What any archive may leave to the compiler and the C library.
is_allowed_symbol() {
	case $1 in
	memcmp | memcpy | memmove | memset | memchr) return 0 ;;
	strlen | strcmp | strncmp | strchr | strnlen) return 0 ;;
	__memcpy_chk | __memset_chk | __memmove_chk) return 0 ;;
	__stack_chk_fail | __stack_chk_guard | _GLOBAL_OFFSET_TABLE_) return 0 ;;
	__cpu_model | __cpu_indicator_init | __popcount[sd]i2) return 0 ;; # libgcc's
	__asan_* | __ubsan_* | __tsan_* | __sanitizer_* | __sancov_* | __odr_asan*) return 0 ;;
	esac
	return 1
}

# Each archive may need what it and those before it define.
check_symbols() {
	nm=$1
	shift
	defined=$(mktemp) || exit 2
	trap 'rm -f "$defined"' EXIT
	for archive in "$@"; do
		if [ ! -s "$archive" ]; then
			fail "$archive: not there"
			continue
		fi
		"$nm" --defined-only "$archive" 2> /dev/null | awk 'NF == 3 { print $3 }' >> "$defined"
		"$nm" -u "$archive" 2> /dev/null | awk '$1 == "U" { print $2 }' | sort -u |
			grep -vxF -f "$defined" > "$defined.missing"
		while read -r symbol; do
			if ! is_allowed_symbol "$symbol"; then
				fail "$archive needs $symbol, which is not of its own or a lower layer"
			fi
		done < "$defined.missing"
		rm -f "$defined.missing"
	done
}

case ${1-} in
includes) check_includes "$2" ;;
spdx) check_spdx "$2" ;;
headers) check_headers "$2" "$3" "$4" ;;
symbols)
	shift
	check_symbols "$@"
	;;
*)
	echo "usage: arch.sh includes|spdx|headers|symbols ..." >&2
	exit 2
	;;
esac
exit "$failed"
