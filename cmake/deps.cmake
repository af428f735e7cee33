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

# finwall_optional(NAME FOUND WHAT NEEDS): the cache variable FINWALL_<NAME> (ON, OFF, or AUTO: if it
# can be built) decides about a part of the build. Sets FINWALL_HAS_<NAME>, which is not a cached
# result: the packages may be installed after the first configuration.
function(finwall_optional name found what needs)
	set(FINWALL_${name} AUTO CACHE STRING "${what}, by ${needs}: ON, OFF, or AUTO: if installed")
	set_property(CACHE FINWALL_${name} PROPERTY STRINGS AUTO ON OFF)
	set(has ${FINWALL_${name}})
	if(has STREQUAL "AUTO")
		set(has ${found})
	elseif(has AND NOT found)
		message(FATAL_ERROR "FINWALL_${name} is ON, but ${needs} is not installed")
	endif()
	if(has)
		message(STATUS "${what}: yes")
	else()
		message(STATUS "${what}: no (${needs} is missing or FINWALL_${name} is off)")
	endif()
	set(FINWALL_HAS_${name} ${has} PARENT_SCOPE)
endfunction()

pkg_check_modules(PCAP IMPORTED_TARGET libpcap)
finwall_optional(PCAP "${PCAP_FOUND}" "finwall replay" "libpcap")

# The kernel fast path: clang compiles it for the BPF target, libbpf loads it.
pkg_check_modules(BPF IMPORTED_TARGET libbpf>=1.0)
find_program(FINWALL_BPF_CLANG NAMES clang clang-19 clang-18 clang-17 clang-16 clang-15 clang-14)
set(finwall_bpf_works OFF)
if(BPF_FOUND AND FINWALL_BPF_CLANG)
	execute_process(COMMAND ${FINWALL_BPF_CLANG} -target bpf -mcpu=v3 -xc -c -o /dev/null /dev/null
		RESULT_VARIABLE finwall_bpf_status OUTPUT_QUIET ERROR_QUIET)
	if(finwall_bpf_status EQUAL 0)
		set(finwall_bpf_works ON)
	endif()
endif()
finwall_optional(FASTPATH ${finwall_bpf_works} "kernel fast path" "clang for BPF or libbpf")

pkg_check_modules(HIREDIS IMPORTED_TARGET hiredis)
finwall_optional(CLUSTER "${HIREDIS_FOUND}" "cluster" "hiredis")
# Debian 12's hiredis 0.14 has no TLS.
pkg_check_modules(HIREDIS_SSL IMPORTED_TARGET hiredis_ssl>=1.0 openssl>=1.1.1)
finwall_optional(TLS "${HIREDIS_SSL_FOUND}" "TLS to the cluster's engine" "hiredis_ssl")

pkg_check_modules(NCURSES IMPORTED_TARGET ncursesw)
finwall_optional(NCURSES "${NCURSES_FOUND}" "finwall top" "ncurses")
