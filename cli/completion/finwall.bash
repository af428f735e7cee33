# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
#
# Completion in bash for finwall, finwalld and finwall-bench. What there is to complete is asked from
# the programs: --help is the only list of commands and options there is, so this one is never old.

# _finwall_help PROGRAM [COMMAND]
_finwall_help() {
	command "$@" --help 2>/dev/null
}

# One line for each option: its names, then what its value is called, if it takes one. Options stand
# at the beginning of a line of the help text, two blanks before what they mean.
_finwall_options() {
	_finwall_help "$@" | sed -n '/^ *-/ { s/^ *//; s/  .*//; s/,//g; p }'
}

# Commands: indented lines that begin with a word.
_finwall_commands() {
	_finwall_help "$1" | sed -n 's/^  \([a-z][a-z-]*\) .*/\1/p'
}

# The first line, without the program's own part: what the command takes.
_finwall_usage() {
	_finwall_help "$@" | sed -n '1 s/.*\] '"${2-}"' //p'
}

# _finwall_value OPTION PROGRAM [COMMAND]: the line of an option that wants a value; fails for others.
_finwall_value() {
	local line name option=$1
	shift
	while read -r line; do
		for name in $line; do
			[[ $name == "$option" && ${line##* } != -* ]] && printf '%s\n' "$line" && return
		done
	done < <(_finwall_options "$@")
	return 1
}

# _finwall_values LINE PROGRAM [COMMAND]: the words that this option's value can be; "FILE" for a file.
_finwall_values() {
	local name line=$1 words=${1##* }
	shift
	for name in $line; do
		# "--output FORMAT" in the list is "--output text|json" in the first line
		[[ $(_finwall_usage "$@") =~ \[$name\ ([a-z]+\|[a-z|]+)\] ]] && words=${BASH_REMATCH[1]}
	done
	case $words in
	FILE* | PATH) echo FILE ;;
	*'|'*) printf '%s\n' "${words//|/ }" ;;
	esac
}

# What else a command takes: the words of its first line that are meant as they stand.
_finwall_words() {
	_finwall_usage "$@" | sed 's/\[-[^][]*\]//g; s/[][|.]/ /g' | tr ' ' '\n' | grep -x 'FILE\|[a-z-]*'
}

_finwall() {
	local program=${COMP_WORDS[0]} cur=${COMP_WORDS[COMP_CWORD]} previous=${COMP_WORDS[COMP_CWORD - 1]}
	local i line words='' what
	local -a asked=("$program")

	COMPREPLY=()
	# The command is the first word that is neither an option nor an option's value.
	for ((i = 1; i < COMP_CWORD; i++)); do
		if [[ ${COMP_WORDS[i]} != -* ]]; then
			[[ ${program##*/} != finwall ]] || asked+=("${COMP_WORDS[i]}")
			break
		fi
		_finwall_value "${COMP_WORDS[i]}" "$program" >/dev/null && ((i++))
	done
	if line=$(_finwall_value "$previous" "${asked[@]}"); then
		words=$(_finwall_values "$line" "${asked[@]}")
	elif [[ $cur == -* ]]; then
		words="$(_finwall_options "${asked[@]}" | tr ' ' '\n' | grep '^-') --help"
	elif ((i >= COMP_CWORD)); then
		words=$(_finwall_commands "$program")
	elif [[ ${asked[1]-} == help ]]; then
		words=$(_finwall_commands "$program")
	elif ((${#asked[@]} > 1)); then
		words=$(_finwall_words "${asked[@]}")
	else
		words=FILE
	fi
	for what in $words; do
		if [[ $what == FILE ]]; then
			compopt -o filenames 2>/dev/null
			mapfile -t -O "${#COMPREPLY[@]}" COMPREPLY < <(compgen -f -- "$cur")
		elif [[ $what == "$cur"* ]]; then
			COMPREPLY+=("$what")
		fi
	done
}

complete -F _finwall finwall finwalld finwall-bench
