# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
#
# Bash completion for finwall, finwalld and finwall-bench. It reads the commands and options from the
# --help texts of the programs, so it has no list of its own that could become outdated. The values of
# some options, names of sets and connections come from the system and from the running daemon; a
# daemon that does not answer has none.

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

# _finwall_ask ARG...: the output of finwall, with the --socket of the line.
_finwall_ask() {
	timeout 2 "${_finwall_client[@]}" "$@" 2>/dev/null
}

# _finwall_system LINE: prints the values of an option of finwall that the help text cannot list;
# fails for other options.
_finwall_system() {
	local name
	for name in $1; do
		case $name in
		--state) echo SYN_SENT SYN_RECV ESTABLISHED FIN_WAIT CLOSE_WAIT LAST_ACK TIME_WAIT CLOSE SYN_SENT2 ;;
		--proto | --protocol) echo tcp udp icmp icmpv6 sctp gre esp ah igmp ospf vrrp ;;
		--interface) (cd /sys/class/net && echo *) ;;
		--columns) echo proto from to state expires ended status cause hook interface age idle packets bytes mark rule ;;
		--sort) echo bytes packets age idle expiry state address ;;
		--table) _finwall_ask set list | sed '1d; s/  */ /g' | cut -d' ' -f4 | sort -u ;;
		*) continue ;;
		esac
		return
	done
	return 1
}

# _finwall_objects COMMAND WORD...: prints what the argument after the words can be: a set or one of
# its elements, or a part of a connection.
_finwall_objects() {
	case $*,$# in
	set\ list,2 | set\ add,2 | set\ delete,2 | set\ flush,2) _finwall_ask set list | sed '1d; s/ .*//' ;;
	set\ delete\ *) _finwall_ask set list "$3" | head -n 1000 | sed 's/ .*//' ;;
	counter\ list,2 | counter\ reset,2 | quota\ list,2 | quota\ reset,2) _finwall_ask "$1" list | sed '1d; s/ .*//' ;;
	get,1 | delete,1) _finwall_ask list --sort expiry --limit 1000 | sed '1d; s/ .*//' | sort -u ;;
	get\ *,2 | delete\ *,2 | get\ *,3 | delete\ *,3)
		_finwall_ask list --sort expiry --limit 1000 | awk -v proto="$2" -v from="${3-}" \
			'$1 == proto && from == "" { print $2 } $1 == proto && $2 == from { print $3 }'
		;;
	esac
}

# Prints the literal words of the usage line.
_finwall_words() {
	_finwall_usage "$@" | sed ':a; s/\[-[^][]*\]//g; ta; s/[][|.]/ /g' | tr ' ' '\n' | grep -x 'FILE\|[a-z-]*'
}

_finwall() {
	local program=${COMP_WORDS[0]} cur=${COMP_WORDS[COMP_CWORD]} previous=${COMP_WORDS[COMP_CWORD - 1]}
	local i line words='' word whole
	local -a help_of=("$program") plain=() _finwall_client=("$program")

	COMPREPLY=()
	# bash splits words at colons, those of addresses and ports too.
	whole=$cur
	for ((i = COMP_CWORD; i > 1; i--)); do
		[[ ${COMP_WORDS[i]} == :* || ${COMP_WORDS[i - 1]} == *: ]] || break
		whole=${COMP_WORDS[i - 1]}$whole
	done
	# The command is the first word that is neither an option nor an option's value.
	for ((i = 1; i < COMP_CWORD; i++)); do
		if [[ ${COMP_WORDS[i]} != -* ]]; then
			[[ ${program##*/} != finwall ]] || help_of+=("${COMP_WORDS[i]}")
			break
		fi
		[[ ${COMP_WORDS[i]} != --socket ]] || _finwall_client+=(--socket "${COMP_WORDS[i + 1]}")
		_finwall_value "${COMP_WORDS[i]}" "$program" >/dev/null && ((i++))
	done
	# What is neither an option nor its value, before the word, from the command on.
	for ((; i < COMP_CWORD; i++)); do
		word=${COMP_WORDS[i]}
		if ((${#plain[@]} > 0)) && [[ $word == :* || ${COMP_WORDS[i - 1]} == *: ]]; then
			plain[-1]+=$word
		elif [[ $word == -* ]]; then
			_finwall_value "$word" "${help_of[@]}" >/dev/null && ((i++))
		else
			plain+=("$word")
		fi
	done
	[[ $whole == "$cur" ]] || unset 'plain[-1]'
	i=1
	while ((i < COMP_CWORD)) && [[ ${COMP_WORDS[i]} == -* ]]; do
		_finwall_value "${COMP_WORDS[i]}" "$program" >/dev/null && ((i++))
		((++i))
	done
	if line=$(_finwall_value "$previous" "${help_of[@]}"); then
		[[ ${program##*/} == finwall ]] && words=$(_finwall_system "$line") ||
			words=$(_finwall_values "$line" "${help_of[@]}")
	elif [[ $cur == -* ]]; then
		words="$(_finwall_options "${help_of[@]}" | tr ' ' '\n' | grep '^-') --help"
	elif ((i >= COMP_CWORD)); then
		words=$(_finwall_commands "$program")
	elif [[ ${help_of[1]-} == help ]]; then
		words=$(_finwall_commands "$program")
	elif ((${#help_of[@]} > 1)); then
		words=$(_finwall_objects "${plain[@]}")
		[[ -n $words ]] || words=$(_finwall_words "${help_of[@]}")
	else
		words=FILE
	fi
	for word in $words; do
		if [[ $word == FILE ]]; then
			compopt -o filenames 2>/dev/null
			mapfile -t -O "${#COMPREPLY[@]}" COMPREPLY < <(compgen -f -- "$cur")
		elif [[ $word == "$whole"* ]]; then
			COMPREPLY+=("${word#"${whole%"$cur"}"}")
		fi
	done
}

complete -F _finwall finwall finwalld finwall-bench
