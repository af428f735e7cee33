# SPDX-License-Identifier: GPL-2.0-or-later
# Libraries and tools. Missing required ones stop the configuration; optional ones are listed at its end.

find_package(PkgConfig REQUIRED)
find_package(Threads REQUIRED)
find_package(FLEX 2.6 REQUIRED)
find_package(BISON 3.6 REQUIRED)
pkg_check_modules(MNL REQUIRED IMPORTED_TARGET libmnl)
pkg_check_modules(NFQ REQUIRED IMPORTED_TARGET libnetfilter_queue)
pkg_check_modules(NFNL REQUIRED IMPORTED_TARGET libnfnetlink)
pkg_check_modules(EVENT REQUIRED IMPORTED_TARGET libevent_core libevent_extra)
pkg_check_modules(JANSSON REQUIRED IMPORTED_TARGET jansson)
if(FINWALL_TESTS)
	pkg_check_modules(CHECK REQUIRED IMPORTED_TARGET check)
	# Writes what finwall reads of the kernel's tracker; without it one test is left out.
	pkg_check_modules(NFCT IMPORTED_TARGET libnetfilter_conntrack)
endif()

pkg_check_modules(PCAP IMPORTED_TARGET libpcap)
option(FINWALL_PCAP "finwall replay, by libpcap" ${PCAP_FOUND})
message(STATUS "optional: libpcap ${FINWALL_PCAP}")
