# SPDX-License-Identifier: GPL-2.0-or-later
# Where an installed finwall finds its files. Programs get these by linking finwall_paths.

# Not below the prefix: systemd makes both, in /run and /var/lib.
set(FINWALL_RUN_DIR "/run/finwall" CACHE PATH "Directory of the control socket")
set(FINWALL_STATE_DIR "/var/lib/finwall" CACHE PATH "Directory of the saved state")
set(FINWALL_CONFIG_PATH "${CMAKE_INSTALL_FULL_SYSCONFDIR}/finwall/finwall.conf"
	CACHE FILEPATH "The configuration that is read where -c names no other")

set(FINWALL_USER "finwall" CACHE STRING "The user that a daemon started by root becomes")

add_library(finwall_paths INTERFACE)
target_compile_definitions(finwall_paths INTERFACE
	FINWALL_VERSION="${PROJECT_VERSION}"
	FINWALL_USER="${FINWALL_USER}"
	FINWALL_RUN_DIR="${FINWALL_RUN_DIR}"
	FINWALL_SOCKET_PATH="${FINWALL_RUN_DIR}/finwall.sock"
	FINWALL_STATE_PATH="${FINWALL_STATE_DIR}/state"
	FINWALL_CONFIG_PATH="${FINWALL_CONFIG_PATH}")
