# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
#
# Bash completion for finwall, finwalld and finwall-bench. It reads the commands and options from the
# --help texts of the programs, so it has no list of its own that could become outdated.

# _finwall_help PROGRAM [COMMAND]
_finwall_help() {
	command "$@" --help 2>/dev/null
}

# Prints one line for each option: its names, then the name of its value if it has one. In the help
# text an option begins a line, and two blanks separate it from its description.
_finwall_options() {
	_finwall_help "$@" | sed -n '/^ *-/ { s/^ *//; s/  .*//; s/,//g; p }'
}

# Prints the commands: indented lines that begin with a word.
_finwall_commands() {
	_finwall_help "$1" | sed -n 's/^  \([a-z][a-z-]*\) .*/\1/p'
}

# Prints the arguments of the command, from the usage line, which may be folded.
_finwall_usage() {
	_finwall_help "$@" | sed '/^$/,$d' | tr -s '\n ' '  ' | sed -n 's/.*\] '"${2-}"' //p'
}

# _finwall_value OPTION PROGRAM [COMMAND]: prints the line of an option with a value; fails for others.
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

# _finwall_values LINE PROGRAM [COMMAND]: prints the values that the option accepts; "FILE" for a file.
_finwall_values() {
	local name line=$1 words=${1##* }
	shift
	for name in $line; do
		# "--output FORMAT" in the list is "--output text|json" in the usage line
		[[ $(_finwall_usage "$@") =~ \[$name\ ([a-z]+\|[a-z|]+)\] ]] && words=${BASH_REMATCH[1]}
	done
	case $words in
	FILE* | PATH) echo FILE ;;
	*'|'*) printf '%s\n' "${words//|/ }" ;;
	esac
}

# Prints the literal words of the usage line.
_finwall_words() {
	_finwall_usage "$@" | sed 's/\[-[^][]*\]//g; s/[][|.]/ /g' | tr ' ' '\n' | grep -x 'FILE\|[a-z-]*'
}

_finwall() {
	local program=${COMP_WORDS[0]} cur=${COMP_WORDS[COMP_CWORD]} previous=${COMP_WORDS[COMP_CWORD - 1]}
	local i line words='' word
	local -a help_of=("$program")

	COMPREPLY=()
	# The command is the first word that is neither an option nor an option's value.
	for ((i = 1; i < COMP_CWORD; i++)); do
		if [[ ${COMP_WORDS[i]} != -* ]]; then
			[[ ${program##*/} != finwall ]] || help_of+=("${COMP_WORDS[i]}")
			break
		fi
		_finwall_value "${COMP_WORDS[i]}" "$program" >/dev/null && ((i++))
	done
	if line=$(_finwall_value "$previous" "${help_of[@]}"); then
		words=$(_finwall_values "$line" "${help_of[@]}")
	elif [[ $cur == -* ]]; then
		words="$(_finwall_options "${help_of[@]}" | tr ' ' '\n' | grep '^-') --help"
	elif ((i >= COMP_CWORD)); then
		words=$(_finwall_commands "$program")
	elif [[ ${help_of[1]-} == help ]]; then
		words=$(_finwall_commands "$program")
	elif ((${#help_of[@]} > 1)); then
		words=$(_finwall_words "${help_of[@]}")
	else
		words=FILE
	fi
	for word in $words; do
		if [[ $word == FILE ]]; then
			compopt -o filenames 2>/dev/null
			mapfile -t -O "${#COMPREPLY[@]}" COMPREPLY < <(compgen -f -- "$cur")
		elif [[ $word == "$cur"* ]]; then
			COMPREPLY+=("$word")
		fi
	done
}

complete -F _finwall finwall finwalld finwall-bench
