#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
#
# finwall top in tmux, at 80x24 and 200x50, resized while it runs, with 0, 10 and 100 000
# connections: each screen is whole, the keys work, and the terminal is clean afterwards. With
# CAPTURES=DIRECTORY the screens are kept there.
# shellcheck source=tests/support/netns.sh
. "$(dirname "$0")/../support/netns.sh"

netns_begin iptables ip6tables python3 tmux
here=$(dirname "$0")
topo_pair client server
sock=$work/finwall.sock
accepting_config >"$work/finwall.conf" <<'END'
	queue { num 7; count 1; latency on }
	connections { max 200000; accounting on }
	udp { timeout unreplied 1h }
END
daemon_start server "$work/finwall.conf"
# shellcheck source=tests/support/cli.sh
. "$here/../support/cli.sh"
ends 0 top --help
if grep -q 'no ncurses' "$work/out"; then
	skip "built without ncurses"
fi
ends 1 top
err_has 'needs a terminal'
ends 2 top --sort size
ends 2 top --filter 10.0.0.0.1
ends 0 hook up -c "$work/finwall.conf"

tmux() {
	command tmux -S "$work/tmux" -f /dev/null "$@"
}
screen() { # screen: what the terminal shows
	tmux capture-pane -p -t top >"$work/screen"
}
shows() { # shows PATTERN
	screen && grep -Eq -- "$1" "$work/screen"
}
see() { # see NAME PATTERN...: the screen has all of them, soon
	name=$1
	shift
	for pattern; do
		seen=$pattern
		(wait_sec=30 wait_until shows "$pattern") >/dev/null 2>&1 ||
			fail "$name: no \"$seen\": $(cat "$work/screen")"
	done
	[ -z "${CAPTURES-}" ] || cp "$work/screen" "$CAPTURES/$name"
}
key() {
	tmux send-keys -t top "$@"
}
tmux new-session -d -s top -x 80 -y 24 "ip netns exec $ns_tag-server sh"
key "PS1='clean> '; export TERM=screen; stty -a | md5sum; clear" Enter
see prompt '^clean>'
key "stty -a >$work/stty.before; clear" Enter
see clear '^clean>'
key "'$bin/finwall' --socket '$sock' top -i 1" Enter
see 80x24-0 '^finwall top - up .*, 0 of 200000 connections' '^PROTO +FROM +TO +STATE' '^q quit'

# Ten connections, one of which is busy.
ns_bg server python3 -c 'import socket, threading, time
s = socket.create_server(("10.1.0.2", 7000)); print("ready", flush=True)
def serve(c):
    while c.recv(65536): pass
while True:
    threading.Thread(target=serve, args=(s.accept()[0],), daemon=True).start()' >"$work/serve.log"
wait_until grep -q ready "$work/serve.log"
ns_bg client python3 -c 'import socket, time
c = [socket.create_connection(("10.1.0.2", 7000), source_address=("10.1.0.1", 40000 + i)) for i in range(10)]
for s in c: s.send(b"hello")
while True: c[3].send(b"x" * 1000); time.sleep(0.001)'
see 80x24-10 ', 10 of 200000 connections' '^tcp +10\.1\.0\.1:40003 +10\.1\.0\.2:7000 +ESTABLISHED +[0-9.]+[kM]? +[0-9.]+[kM]? +0s' \
	'ESTABLISHED 10' 'verdict p99: [0-9]+ [um]s'
[ "$(sed -n 7p "$work/screen" | cut -d' ' -f1)" = tcp ] || fail "no row below the heading"
sed -n 7p "$work/screen" | grep -q :40003 || fail "not by bytes: $(cat "$work/screen")"
key f
see ask '^filter \(protocol'
key ':7000 udp' Enter
see filtered 'filter: :7000 udp'
! grep -q '^tcp' "$work/screen" || fail "the filter does not work"
key f
key Enter
see unfiltered 'filter: none' '^tcp'
key s
see order 'order: packets'
key p
see paused 'PAUSED'
key p

tmux resize-window -t top -x 200 -y 50
see 200x50-10 '^finwall top' '^tcp +10\.1\.0\.1:40003 +10\.1\.0\.2:7000'
tmux resize-window -t top -x 80 -y 24

# Many: the daemon sends only what fits.
ns client python3 -c 'import socket
for port in range(50000, 50010):
    s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    s.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 1 << 20)
    s.bind(("10.1.0.1", port))
    for to in range(1, 10001):
        s.sendto(b"x", ("10.1.0.2", to))'
see 80x24-100000 'udp 1[0-9]{2}k' '^udp' '(9[5-9]|1[0-9]{2})[0-9]{3} of 200000 connections'
[ "$(grep -c '^[a-z]* *10\.1\.0\.1' "$work/screen")" -ge 15 ] || fail "rows are missing: $(cat "$work/screen")"
tmux resize-window -t top -x 200 -y 50
rows_are() {
	screen && [ "$(grep -c '^[a-z]* *10\.1\.0\.1' "$work/screen")" -ge 40 ]
}
wait_until rows_are
see 200x50-100000 '^q quit'
tmux resize-window -t top -x 20 -y 5
key ' '
sleep 1
tmux resize-window -t top -x 80 -y 24
see 80x24-again '^finwall top - up'

# The terminal is clean: the same settings, the prompt, no rest of the screen.
key q
see clean '^clean>'
key "clear; stty -a >$work/stty.after; echo do\ne" Enter
see 'end' '^done'
sed 's/rows [0-9]*; columns [0-9]*//' "$work/stty.before" >"$work/1"
sed 's/rows [0-9]*; columns [0-9]*//' "$work/stty.after" >"$work/2"
cmp "$work/1" "$work/2" || fail "the terminal has other settings"
key "'$bin/finwall' --socket '$sock' top" Enter
see again '^q quit'
key C-c
see interrupted '^clean>'
tmux kill-server
daemon_end
