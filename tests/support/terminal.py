# SPDX-License-Identifier: GPL-2.0-or-later
#
# terminal.py COLUMNS COMMAND...: runs a command with its output on a terminal of that width, prints
# what it wrote there, and exits with its status. Lines are not wrapped: the width of each is what the
# command made it.
import fcntl, os, pty, struct, sys, termios

pid, fd = pty.fork()
if pid == 0:
	fcntl.ioctl(1, termios.TIOCSWINSZ, struct.pack("HHHH", 24, int(sys.argv[1]), 0, 0))
	os.execvp(sys.argv[2], sys.argv[2:])
out = b""
while True:
	try:
		part = os.read(fd, 65536)
	except OSError: # the terminal is closed
		break
	if not part:
		break
	out += part
sys.stdout.buffer.write(out.replace(b"\r\n", b"\n"))
sys.exit(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
