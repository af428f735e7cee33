#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# Proves what doc/design.md says of the layers: who includes whom, what the core may ask of its
# surroundings, that each header stands alone, that each file says its licence first.
#
# usage: arch.sh includes|spdx SOURCE_DIR
#        arch.sh headers SOURCE_DIR CC
#        arch.sh symbols NM ARCHIVE...      lowest layer first
set -u

here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd)
failed=0

fail() {
	echo "$*" >&2
	failed=1
}

# Prints the layer of a path, nothing for one that the table does not have.
layer_of() {
	while read -r layer pattern; do
		case $layer in
		'#' | '') continue ;;
		esac
		# shellcheck disable=SC2254 # a pattern it is
		case $1 in
		$pattern)
			echo "$layer"
			return
			;;
		esac
	done < "$here/layers.txt"
}

# The project header that a file's #include means, as a path, or nothing.
header_path() {
	case $2 in
	finwall/*) echo "include/$2" ;;
	*)
		for dir in "$(dirname "$1")" daemon cli .; do
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
	done
}

# Codecs and language do not know of each other, the shell not of the language.
check_neighbours() {
	if grep -n '^#.*include.*policy/' daemon/wire/*.[ch] daemon/io/*.[ch] 2> /dev/null; then
		fail "wire and io must not know the language"
	fi
	if grep -n '^#.*include.*\(wire\|io\)/' daemon/policy/*.[chly] 2> /dev/null; then
		fail "the language must not know wire or io"
	fi
}

check_includes() {
	cd "$1" || exit 2
	for file in include/finwall/*.h daemon/*.[ch] daemon/*/*.[ch] cli/*.[ch] cli/*/*.[ch] bench/*.[ch] \
		chart/*.[ch]; do
		if [ -f "$file" ]; then
			check_includes_of "$file"
		fi
	done
	check_neighbours
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

check_headers() {
	cd "$1" || exit 2
	for header in include/finwall/*.h daemon/core/*.h; do
		if ! printf '#include "%s"\n#include "%s"\n' "$header" "$header" |
			$2 -std=gnu11 -Wall -Wextra -Werror -D_GNU_SOURCE -Iinclude -I. -fsyntax-only -xc -; then
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
	__cpu_model | __cpu_indicator_init) return 0 ;; # what the processor can do: the compiler's own
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
headers) check_headers "$2" "$3" ;;
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
