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
	# Another TCP for the far end; without it one test is skipped.
	pkg_check_modules(LWIP IMPORTED_TARGET lwip)
endif()

pkg_check_modules(PCAP IMPORTED_TARGET libpcap)
# Not a cached result: libpcap may be installed after the first configuration.
set(FINWALL_PCAP AUTO CACHE STRING "finwall replay, by libpcap: ON, OFF, or AUTO: if it is installed")
set_property(CACHE FINWALL_PCAP PROPERTY STRINGS AUTO ON OFF)
if(FINWALL_PCAP STREQUAL "AUTO")
	set(FINWALL_HAS_PCAP ${PCAP_FOUND})
elseif(FINWALL_PCAP AND NOT PCAP_FOUND)
	message(FATAL_ERROR "FINWALL_PCAP is ON, but libpcap is not installed")
else()
	set(FINWALL_HAS_PCAP ${FINWALL_PCAP})
endif()
if(FINWALL_HAS_PCAP)
	message(STATUS "finwall replay: yes")
else()
	message(STATUS "finwall replay: no (libpcap is missing or FINWALL_PCAP is off)")
endif()
