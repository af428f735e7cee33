# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
#
# In the virtual machine, started by its vm-agent.service: runs the case named in /share/case, in
# phases: a case that reboots continues with the next one.
set -uo pipefail
export LC_ALL=C PATH=/usr/sbin:/usr/bin:/sbin:/bin DEBIAN_FRONTEND=noninteractive
exec >>/share/log.txt 2>&1

. /share/lib.sh
. /share/case.env # CASE BACKEND
phase=$(cat /var/lib/vm-phase 2>/dev/null || echo 1)
systemctl is-system-running --wait >/dev/null 2>&1
printf '== phase %s at %s s\n' "$phase" "$(cut -d' ' -f1 /proc/uptime)"
if [[ $phase == 1 ]]; then
	uname -r >/share/kernel
fi
(
	set -e
	. "/share/cases/$CASE.sh"
	"phase_$phase"
)
status=$?
if [[ $status == "$REBOOT" ]]; then
	echo $((phase + 1)) >/var/lib/vm-phase
	sync
	systemctl reboot
	exit
fi
[[ $status == 0 ]] || result "phase $phase" FAIL "ended early with status $status"
why >/share/why.txt 2>&1
touch /share/done
sync
systemctl poweroff
